"""Processes that are the ranks of a group, and what each of them saw."""

import multiprocessing
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from seodang.backends.contract import Collectives
from seodang.backends.registry import open_backend


def values_of(rank: int, count: int = 23) -> np.ndarray:
    """What a rank gives."""
    return np.random.default_rng([rank, count]).normal(size=count).astype(np.float32)


def rows_of(source: int, to: int, lengths: Sequence[Sequence[int]]) -> np.ndarray:
    """What one rank has for another: `lengths[source][to]` rows."""
    return np.random.default_rng([source, to]).normal(size=(lengths[source][to], 3)).astype(np.float32)


def lengths_of(size: int, kind: str) -> list[list[int]]:
    """Rows from each rank to each."""
    made = {"even": lambda s, t: 4, "uneven": lambda s, t: 1 + 3 * s + t, "some empty": lambda s, t: 0 if (s + t) % 2 else 5}
    return [[made[kind](source, to) if kind != "all empty" else 0 for to in range(size)] for source in range(size)]


KINDS = ("even", "uneven", "some empty", "all empty")


def everything(group: Collectives) -> dict[str, Any]:
    """One call of each collective."""
    rank, size = group.rank, group.size
    to, source = (rank + 1) % size, (rank - 1) % size
    seen: dict[str, Any] = {
        "all_reduce": group.all_reduce(values_of(rank)),
        "all_gather": group.all_gather(values_of(rank)),
        "reduce_scatter": group.reduce_scatter([values_of(10 * rank + other) for other in range(size)]),
        "uneven reduce_scatter": group.reduce_scatter([values_of(10 * rank + other, 3 + other) for other in range(size)]),
    }
    for kind in KINDS:
        seen[kind] = group.all_to_all([rows_of(rank, other, lengths_of(size, kind)) for other in range(size)])
    if rank == 0:
        group.send(values_of(rank).reshape(1, 23), to)
        seen["ring"] = group.receive(source)
    else:
        seen["ring"] = group.receive(source)
        group.send(values_of(rank).reshape(1, 23), to)
    group.barrier()
    seen["clock_s"] = getattr(group, "clock_s", None)
    return seen


def run_ranks(backend: str, size: int, meeting: Path) -> list[dict[str, Any]]:
    """What each rank of a group of processes saw. RuntimeError with what a rank met."""
    context = multiprocessing.get_context("spawn")
    pipes = [context.Pipe(duplex=False) for _ in range(size)]
    ranks = [context.Process(target=_rank, args=(theirs, backend, rank, size, meeting)) for rank, (_, theirs) in enumerate(pipes)]
    try:
        for process in ranks:
            process.start()
        told = [ours.recv() if ours.poll(100) else "no answer" for ours, _ in pipes]
    finally:
        for process in ranks:
            process.join(5)
            process.kill()
            process.join()
    failed = [answer for answer in told if isinstance(answer, str)]
    if failed:
        raise RuntimeError("; ".join(failed))
    return [answer for answer in told if not isinstance(answer, str)]


def _rank(pipe: Connection, backend: str, rank: int, size: int, meeting: Path) -> None:
    try:
        with open_backend(backend).join(rank, size, meeting) as group:  # type: ignore[attr-defined]
            pipe.send(everything(group))
    except Exception as error:  # noqa: BLE001 - it is told to the test
        pipe.send(f"rank {rank}: {type(error).__name__}: {error}")
