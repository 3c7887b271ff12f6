"""Level 5, collectives: what every rank is given, in worlds of two and three processes, and what a message costs."""

import multiprocessing
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from seodang.backends.contract import Collectives, Communicates
from seodang.testbed.certify.check import Check
from seodang.testbed.certify.finding import Case, NotJudged, Outcome, holds, outcome, within
from seodang.testbed.certify.subject import Subject

_WORLDS = (2, 3)
_PATIENCE_S = 120.0
_EPSILON = 2.0**-24
_SIZES = tuple(4**power for power in range(4, 11))  # floats in a message: 1 KiB to 4 MiB
_ROUNDS = 7
Work = Callable[[Collectives], Any]


def reductions(subject: Subject) -> Outcome:
    """All-reduce and reduce-scatter give the sum over ranks in float32, and an all-reduce the same bits to every rank."""
    cases: list[Case] = []
    for size in _WORLDS:
        found = _together(subject, size, _reduce)
        whole = np.sum([_values(rank, 1000) for rank in range(size)], 0)
        worst = max(_error(told["all_reduce"], whole) for told in found)
        cases.append(within(f"all_reduce of {size}", worst, size * _EPSILON, "1", "worst error over the largest sum"))
        equal = all(np.array_equal(told["all_reduce"], found[0]["all_reduce"]) for told in found)
        cases.append(holds(f"all_reduce of {size} has equal bits on every rank", equal))
        parts = [np.sum([_part(rank, to) for rank in range(size)], 0) for to in range(size)]
        worst = max(_error(told["reduce_scatter"], parts[rank]) for rank, told in enumerate(found))
        cases.append(within(f"reduce_scatter of {size}", worst, size * _EPSILON, "1", "worst error over the largest sum"))
    return outcome(cases, expected="sums in float32", look="`all_reduce`, `reduce_scatter`: the type of sums, odd worlds")


def gathers(subject: Subject) -> Outcome:
    """All-gather gives every rank's values in the order of ranks, and a barrier lets nobody through early."""
    cases: list[Case] = []
    for size in _WORLDS:
        found = _together(subject, size, _gather)
        right = all(all(np.array_equal(part, _values(rank, 77)) for rank, part in enumerate(told["all_gather"])) for told in found)
        cases.append(holds(f"all_gather of {size}", right and all(len(told["all_gather"]) == size for told in found)))
        late = max(told["before"] for told in found) - min(told["after"] for told in found)
        cases.append(within(f"barrier of {size}: someone left before the last one came by", late, 0.0, "s"))
    return outcome(cases, expected="values in the order of ranks", look="`all_gather`, `barrier`")


def exchanges(subject: Subject) -> Outcome:
    """All-to-all gives each rank its part, of any length and empty too, and what is sent in a ring arrives unchanged."""
    cases: list[Case] = []
    for size in _WORLDS:
        found = _together(subject, size, _exchange)
        for name, length in (("even", _even), ("uneven", _uneven), ("some empty", _sparse), ("all empty", _none)):
            right = all(
                len(told[name]) == size and all(np.array_equal(told[name][source], _rows(source, rank, length)) for source in range(size))
                for rank, told in enumerate(found)
            )
            cases.append(holds(f"all_to_all of {size}, {name}", right))
        ring = all(np.array_equal(told["ring"], _values((rank - 1) % size, 33)) for rank, told in enumerate(found))
        cases.append(holds(f"send and receive in a ring of {size}", ring))
    return outcome(cases, expected="every part where it belongs", look="`all_to_all`: uneven and empty parts, the last chunk")


def alpha_and_beta(subject: Subject) -> Outcome:
    """What an all-reduce between two ranks costs: a time that every message takes, and a bandwidth, fitted to the medians of seven sizes.

    The fit minimises relative errors (Hockney's model, 1994). It is told, not judged: only a bandwidth that is not above zero fails.
    """
    seconds = np.median([told["seconds"] for told in _together(subject, 2, _sweep)], axis=0)
    sizes = np.array(_SIZES) * 4.0
    rows = np.stack([1 / seconds, sizes / seconds], 1)
    (alpha, per_byte), *_ = np.linalg.lstsq(rows, np.ones(len(sizes)), rcond=None)
    fitted = alpha + per_byte * sizes
    shares = fitted / seconds - 1
    spread = float(1 - (shares**2).sum() / ((1 / seconds - (1 / seconds).mean()) ** 2 * seconds**2).sum())
    cases = [
        holds("the bandwidth is above zero", per_byte > 0, f"{per_byte:.3g} s a byte"),
        Case("alpha", "PASS", float(alpha), "s"),
        Case("beta", "PASS", float(1 / per_byte) if per_byte > 0 else 0.0, "B/s"),
        Case("R2 of the fit, on relative errors", "PASS", spread, "1"),
        *(Case(f"residual at {int(size)} B", "PASS", float(share), "1") for size, share in zip(sizes, shares, strict=True)),
    ]
    return outcome(cases, expected="a time that grows with the message", look="the link")


CHECKS = tuple(Check(function) for function in (reductions, gathers, exchanges, alpha_and_beta))


def _reduce(group: Collectives) -> dict[str, Any]:
    parts = [_part(group.rank, to) for to in range(group.size)]
    return {"all_reduce": group.all_reduce(_values(group.rank, 1000)), "reduce_scatter": group.reduce_scatter(parts)}


def _gather(group: Collectives) -> dict[str, Any]:
    gathered = group.all_gather(_values(group.rank, 77))
    time.sleep(0.05 * group.rank)
    before = time.monotonic()
    group.barrier()
    return {"all_gather": gathered, "before": before, "after": time.monotonic()}


def _exchange(group: Collectives) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: group.all_to_all([_rows(group.rank, to, length) for to in range(group.size)])
        for name, length in (("even", _even), ("uneven", _uneven), ("some empty", _sparse), ("all empty", _none))
    }
    to, source = (group.rank + 1) % group.size, (group.rank - 1) % group.size
    if group.rank == 0:
        group.send(_values(0, 33), to)
        found["ring"] = group.receive(source)
    else:
        found["ring"] = group.receive(source)
        group.send(_values(group.rank, 33), to)
    return found


def _sweep(group: Collectives) -> dict[str, Any]:
    medians: list[float] = []
    for size in _SIZES:
        values, times = np.ones(size, np.float32), list[float]()
        for _ in range(_ROUNDS + 1):
            group.barrier()
            begun = time.perf_counter()
            group.all_reduce(values)
            times.append(time.perf_counter() - begun)
        medians.append(float(np.median(times[1:])))
    return {"seconds": medians}


def _together(subject: Subject, size: int, work: Work) -> list[dict[str, Any]]:
    """What `work` gives on each rank of a group of processes. An error of a rank is raised here."""
    backend = subject.backend
    if not isinstance(backend, Communicates):
        raise NotJudged("UNSUPPORTED", "the backend has no `join`")
    subject.need_device()
    context = multiprocessing.get_context("spawn")
    meeting = Path(tempfile.mkdtemp(prefix="seodang-", dir=None if len(tempfile.gettempdir()) < 60 else "/tmp"))
    pipes = [context.Pipe(duplex=False) for _ in range(size)]
    ranks = [context.Process(target=_rank, args=(theirs, backend, rank, size, meeting, work)) for rank, (_, theirs) in enumerate(pipes)]
    try:
        for process in ranks:
            process.start()
        return [_answer(ours, rank) for rank, (ours, _) in enumerate(pipes)]
    finally:
        for process in ranks:
            process.kill()
            process.join()


def _rank(pipe: Connection, backend: Communicates, rank: int, size: int, meeting: Path, work: Work) -> None:
    try:
        with backend.join(rank, size, meeting) as group:
            pipe.send(work(group))
            group.barrier()
    except Exception as error:  # noqa: BLE001 - it is told to the check, which tells it
        pipe.send(f"{type(error).__name__}: {error}")


def _answer(pipe: Connection, rank: int) -> dict[str, Any]:
    if not pipe.poll(_PATIENCE_S):
        raise TimeoutError(f"rank {rank} did not answer in {_PATIENCE_S:.0f} s")
    told = pipe.recv()
    if isinstance(told, str):
        raise RuntimeError(f"rank {rank}: {told}")
    return told


def _values(rank: int, count: int) -> np.ndarray:
    return np.random.default_rng([rank, count]).normal(size=count).astype(np.float32)


def _part(rank: int, to: int) -> np.ndarray:
    return _values(100 * rank + to, 50)


def _rows(source: int, to: int, length: Callable[[int, int], int]) -> np.ndarray:
    return np.random.default_rng([source, to]).normal(size=(length(source, to), 6)).astype(np.float32)


def _even(source: int, to: int) -> int:
    return 16


def _uneven(source: int, to: int) -> int:
    return 3 + 5 * source + 2 * to


def _sparse(source: int, to: int) -> int:
    return 0 if (source + to) % 2 else 7


def _none(source: int, to: int) -> int:
    return 0


def _error(found: np.ndarray, truth: np.ndarray) -> float:
    return float(np.abs(found - truth).max() / np.abs(truth).max()) if found.shape == np.shape(truth) else float("nan")
