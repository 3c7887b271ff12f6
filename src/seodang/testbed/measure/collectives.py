"""Collectives between processes over the size of a message, and the line that their times lie on: latency and bandwidth.

A time is that of the slowest rank, from a barrier on. The line is alpha + beta x bytes (Hockney 1994), fitted to relative errors.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import distributed, multiprocessing

from seodang.backends.contract import BackendError, DeviceAbsent
from seodang.testbed.measure.timing import Timing, check_device, synchronize

Kind = Literal["all_reduce", "all_gather", "all_to_all"]
KINDS: tuple[Kind, ...] = ("all_reduce", "all_gather", "all_to_all")
SIZES = tuple(4**power for power in range(3, 13))  # bytes of one rank: 64 B to 16 MiB
_WAIT = timedelta(seconds=60)
_LEAST_ROUNDS = 5
_PASSES, _LEAST_S = 30, 1e-9  # of the fit: passes, and a floor of what it may say


@dataclass(frozen=True, slots=True)
class Line:
    """alpha + beta x bytes. `r2` is the share of the variance of the logarithms of times that it explains, `residuals` are
    measured / fitted - 1 by point."""

    alpha_s: float
    beta_s_per_byte: float
    r2: float
    residuals: tuple[float, ...]

    def seconds(self, num_bytes: float) -> float:
        return self.alpha_s + self.beta_s_per_byte * num_bytes


def fit_line(num_bytes: Sequence[float], seconds: Sequence[float]) -> Line:
    """Least squares on errors relative to the line, with alpha and beta not below 0. BackendError for fewer than three points."""
    if len(num_bytes) < 3:
        raise BackendError(f"a line through {len(num_bytes)} points says nothing of its error", hint="measure three sizes at least")
    n, t = np.asarray(num_bytes, dtype=np.float64), np.asarray(seconds, dtype=np.float64)
    fitted = t
    for _ in range(_PASSES):
        fitted = np.maximum(_weighted(n, t, fitted), _LEAST_S)
    alpha, beta = _coefficients(n, t, fitted)
    logs, missed = np.log(t), np.log(t / fitted)
    total = float(((logs - logs.mean()) ** 2).sum())
    r2 = 1 - float((missed**2).sum()) / total if total > 0 else 0.0
    return Line(alpha, beta, r2, tuple(float(value) for value in t / fitted - 1))


def _weighted(n: NDArray[np.float64], t: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    alpha, beta = _coefficients(n, t, scale)
    return alpha + beta * n


def _coefficients(n: NDArray[np.float64], t: NDArray[np.float64], scale: NDArray[np.float64]) -> tuple[float, float]:
    """alpha and beta that minimise the squares of (alpha + beta n - t) / scale; on the border where one would be negative."""
    ones, sizes, wanted = 1 / scale, n / scale, t / scale
    unit = sizes.max()
    alpha, beta = np.linalg.lstsq(np.stack([ones, sizes / unit], axis=1), wanted, rcond=None)[0]
    if alpha < 0:
        return 0.0, float((sizes * wanted).sum() / (sizes**2).sum())
    if beta < 0:
        return float((ones * wanted).sum() / (ones**2).sum()), 0.0
    return float(alpha), float(beta / unit)


@dataclass(frozen=True, slots=True)
class Collective:
    """Timings by the bytes that each rank gives; `wire` of them cross the link of one rank, in one direction, for each byte given."""

    kind: Kind
    ranks: int
    device: str
    timings: dict[int, Timing]

    @property
    def wire(self) -> float:
        """Of a ring: an all-reduce passes 2 (n - 1) / n of its bytes on, an all-gather n - 1 times its part; an all-to-all keeps 1 / n."""
        n = self.ranks
        return {"all_reduce": 2 * (n - 1) / n, "all_gather": n - 1, "all_to_all": (n - 1) / n}[self.kind]

    def line(self, *, of: Literal["median", "best"] = "median") -> Line:
        """Over the bytes given, of the medians or of the fastest rounds: those in which no rank waited for a core."""
        return fit_line(list(self.timings), [getattr(timing, of) for timing in self.timings.values()])

    def link_bytes_per_s(self, *, of: Literal["median", "best"] = "median") -> float:
        """What a rank's link carries in one direction, by the line."""
        beta = self.line(of=of).beta_s_per_byte
        return self.wire / beta if beta > 0 else float("inf")

    def row(self) -> dict[str, Any]:
        points = [{"num_bytes": size, **timing.row()} for size, timing in self.timings.items()]
        told = {"kind": self.kind, "ranks": self.ranks, "device": self.device, "wire_bytes_per_byte": self.wire}
        return told | {"fit": self._fit("median"), "fit_of_best": self._fit("best"), "points": points}

    def _fit(self, of: Literal["median", "best"]) -> dict[str, Any]:
        line = self.line(of=of)
        fit = {"alpha_s": line.alpha_s, "beta_s_per_byte": line.beta_s_per_byte, "r2": line.r2, "residuals": list(line.residuals)}
        return fit | {"link_bytes_per_s": self.link_bytes_per_s(of=of) if line.beta_s_per_byte > 0 else None}


def measure_collectives(
    device: str = "cpu", *, ranks: int = 2, kinds: Sequence[Kind] = KINDS, sizes: Sequence[int] = SIZES, seconds: float = 10.0
) -> list[Collective]:
    """Starts `ranks` processes (gloo on processors, NCCL with one accelerator a rank) and times every kind at every size, in turns.
    DeviceAbsent for fewer accelerators than ranks; BackendError where a rank fails."""
    check_device(device)
    if device != "cpu" and torch.cuda.device_count() < ranks:
        raise DeviceAbsent(f"{ranks} ranks and {torch.cuda.device_count()} accelerators", where=device, hint="ask for fewer ranks")
    kind = device.partition(":")[0]
    with tempfile.TemporaryDirectory() as folder:
        arguments = (ranks, kind, tuple(kinds), tuple(sizes), seconds, folder)
        try:
            multiprocessing.start_processes(_rank, args=arguments, nprocs=ranks, join=True, start_method="spawn")
        except multiprocessing.ProcessRaisedException as error:
            last = str(error).strip().splitlines()[-1]
            raise BackendError(f"a rank failed: {last}", where=kind, hint="the group needs loopback and free ports") from error
        by_rank = np.stack([np.load(Path(folder) / f"{rank}.npy") for rank in range(ranks)])  # (R, rounds, kinds, sizes)
    slowest = by_rank.max(axis=0)
    return [
        Collective(name, ranks, kind, {size: Timing(tuple(slowest[:, k, s].tolist())) for s, size in enumerate(sizes)})
        for k, name in enumerate(kinds)
    ]


def _rank(rank: int, ranks: int, kind: str, kinds: tuple[Kind, ...], sizes: tuple[int, ...], seconds: float, folder: str) -> None:
    torch.set_num_threads(1)
    device = "cpu" if kind == "cpu" else f"cuda:{rank}"
    backend = "gloo" if kind == "cpu" else "nccl"
    distributed.init_process_group(backend, init_method=f"file://{folder}/meeting", rank=rank, world_size=ranks, timeout=_WAIT)
    try:
        works = [[_work(name, size, ranks, device) for size in sizes] for name in kinds]
        for row in works:
            for work in row:
                work()  # connections and buffers are made in the first call
        rounds: list[list[list[float]]] = []
        until = time.perf_counter() + seconds
        while _goes_on(len(rounds) < _LEAST_ROUNDS or time.perf_counter() < until, device):
            rounds.append([[_timed(work, device) for work in row] for row in works])
        np.save(Path(folder) / f"{rank}.npy", np.array(rounds))
    finally:
        distributed.destroy_process_group()


def _goes_on(wanted: bool, device: str) -> bool:
    """Rank 0 says for all whether there is another round."""
    flag = torch.tensor([int(wanted)], device=device)
    distributed.broadcast(flag, 0)
    return bool(flag.item())


def _timed(work: Callable[[], object], device: str) -> float:
    distributed.barrier()
    synchronize(device)
    begun = time.perf_counter()
    work()
    synchronize(device)
    return time.perf_counter() - begun


def _work(kind: Kind, size: int, ranks: int, device: str) -> Callable[[], object]:
    count = max(1, size // 4)
    given = torch.ones(count, device=device)
    if kind == "all_reduce":
        return lambda: distributed.all_reduce(given, op=distributed.ReduceOp.MAX)  # a sum would grow without end
    if kind == "all_gather":
        parts = [torch.empty_like(given) for _ in range(ranks)]
        return lambda: distributed.all_gather(parts, given)
    whole = torch.ones(max(1, count // ranks) * ranks, device=device)
    found = torch.empty_like(whole)
    return lambda: distributed.all_to_all_single(found, whole)
