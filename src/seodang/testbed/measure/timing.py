"""Seconds of calls on a device: warmed up, synchronised, and repeated in turns so that what else runs meets all of them alike."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from seodang.backends.contract import DeviceAbsent, Unsupported

Work = Callable[[], object]
_LEAST_S = 2e-3  # of one sample: shorter calls are made several times in it
_LEAST_ROUNDS, _MOST_ROUNDS = 3, 50


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of one call, once for each round."""

    seconds: tuple[float, ...]

    @property
    def best(self) -> float:
        return min(self.seconds)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def spread(self) -> float:
        """Half the distance between the quartiles, as a share of the median."""
        low, _, high = statistics.quantiles(self.seconds, n=4, method="inclusive") if len(self.seconds) > 1 else (self.best,) * 3
        return (high - low) / 2 / self.median

    def row(self) -> dict[str, float]:
        return {"best_s": self.best, "median_s": self.median, "spread": self.spread, "n": len(self.seconds)}


def check_device(device: str) -> str:
    """The device's name. DeviceAbsent unless it is "cpu", or "cuda" or "cuda:N" with that accelerator in this machine."""
    kind, _, index = device.partition(":")
    if device == "cpu":
        return device
    if kind != "cuda" or (index and not index.isdigit()):
        raise DeviceAbsent("no device of this name", where=device, hint="there are: cpu, cuda, cuda:N")
    if not torch.cuda.is_available() or int(index or 0) >= torch.cuda.device_count():
        raise DeviceAbsent("this machine, or this build of torch, has no such accelerator", where=device, hint="take `--device cpu`")
    return device


def synchronize(device: str) -> None:
    """Returns when the device has done what it was asked. A processor always has."""
    if device != "cpu":
        torch.cuda.synchronize(device)


def time_each(works: Mapping[str, Work], device: str, *, seconds: float = 5.0, rounds: int = _MOST_ROUNDS) -> dict[str, Timing]:
    """Calls every work once a round, in turns, for about so many `seconds` and at most so many `rounds`, three at least. What a call
    leaves is dropped; each is called before, which is not counted."""
    calls = {name: _calls(work, device) for name, work in works.items()}
    found: dict[str, list[float]] = {name: [] for name in works}
    until = time.perf_counter() + seconds
    for done in range(max(rounds, _LEAST_ROUNDS)):
        if done >= _LEAST_ROUNDS and time.perf_counter() > until:
            break
        for name, work in works.items():
            found[name].append(_sample(work, device, calls[name]))
    return {name: Timing(tuple(values)) for name, values in found.items()}


def _calls(work: Work, device: str) -> int:
    """How many calls last for `_LEAST_S`, by the second one where the first is shorter."""
    if _sample(work, device, 1) >= _LEAST_S:
        return 1
    return max(1, round(_LEAST_S / max(_sample(work, device, 1), 1e-7)))


def _sample(work: Work, device: str, calls: int) -> float:
    synchronize(device)
    begun = time.perf_counter()
    for _ in range(calls):
        work()
    synchronize(device)
    return (time.perf_counter() - begun) / calls


def dtype_of(name: str) -> torch.dtype:
    """torch's type of a name such as `float32`. Unsupported for another word."""
    found = getattr(torch, name, None)
    if not isinstance(found, torch.dtype):
        raise Unsupported("no such type of number", where=name, hint="such as float32 or bfloat16")
    return found


def rate_row(timing: Timing, *, flops: float = 0.0, num_bytes: float = 0.0) -> dict[str, Any]:
    """A timing with the rates of its median and of its best."""
    rates = {"flops_per_s": flops, "bytes_per_s": num_bytes}
    told = {name: count / timing.median for name, count in rates.items() if count}
    best = {f"best_{name}": count / timing.best for name, count in rates.items() if count}
    return {**told, **best, **timing.row()}
