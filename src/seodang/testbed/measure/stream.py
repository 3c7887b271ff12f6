"""Bandwidth of memory by the four kernels of STREAM (McCalpin 1995, https://www.cs.virginia.edu/stream/), and by reading alone.

On processors the copy is also made by NumPy, on one core: where it writes past the caches it can be faster than torch's.

Bytes are counted as STREAM counts them: what the program reads and writes, without the lines that a cache reads before it writes them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from seodang.backends.contract import BackendError, OutOfMemory
from seodang.testbed.measure.pool import available_bytes, last_cache_bytes
from seodang.testbed.measure.timing import Timing, Work, check_device, rate_row, time_each

_SCALAR = 3.0
_WORDS = {"copy": 2, "memcpy": 2, "scale": 2, "add": 3, "triad": 3, "read": 1}  # of each index that a kernel moves
KERNELS = ("copy", "scale", "add", "triad")
_RULE = 4  # each array is to have four times the last cache, at least


@dataclass(frozen=True, slots=True)
class Stream:
    """Timings by kernel, of arrays of `array_bytes` each in float64. `rule_met` says whether an array is four times the last cache."""

    device: str
    array_bytes: int
    cache_bytes: int
    timings: dict[str, Timing]

    @property
    def rule_met(self) -> bool:
        return self.array_bytes >= _RULE * self.cache_bytes

    def moved(self, kernel: str) -> int:
        """Bytes of one call."""
        return _WORDS[kernel] * self.array_bytes

    def best(self, kernel: str) -> float:
        """Bytes a second of the fastest call, which is what STREAM reports."""
        return self.moved(kernel) / self.timings[kernel].best

    def median(self, kernel: str) -> float:
        """Bytes a second of the median call."""
        return self.moved(kernel) / self.timings[kernel].median

    def row(self) -> dict[str, Any]:
        kernels = {name: rate_row(timing, num_bytes=self.moved(name)) for name, timing in self.timings.items()}
        told = {"array_bytes": self.array_bytes, "last_cache_bytes": self.cache_bytes, "arrays_four_times_cache": self.rule_met}
        return {"device": self.device, **told, "kernels": kernels}


def stream(device: str = "cpu", *, array_bytes: int | None = None, seconds: float = 10.0) -> Stream:
    """Runs the kernels in turns for about so many `seconds`. Arrays have four times the last cache, or a sixth of the free memory where
    that is less. OutOfMemory where three arrays do not fit; BackendError where the arrays do not hold at the end what they must."""
    check_device(device)
    cache, free = last_cache_bytes(device), available_bytes(device)
    size = (array_bytes or min(_RULE * cache, free // 6)) // 8
    if 3 * 8 * size > free:
        raise OutOfMemory(f"three arrays of {8 * size / 1e9:.1f} GB, {free / 1e9:.1f} GB are free", where=device, hint="give `array_bytes`")
    a, b, c = (torch.full((size,), value, dtype=torch.float64, device=device) for value in (1.0, 2.0, 0.0))
    works: dict[str, Work] = {
        "copy": lambda: c.copy_(a),
        **({"memcpy": lambda: np.copyto(c.numpy(), a.numpy())} if device == "cpu" else {}),
        "scale": lambda: torch.mul(c, _SCALAR, out=b),
        "add": lambda: torch.add(a, b, out=c),
        "triad": lambda: torch.add(b, c, alpha=_SCALAR, out=a),
        "read": lambda: torch.sum(a),
    }
    timings = time_each(works, device, seconds=seconds)
    _check(a, b, c)
    return Stream(device, 8 * size, cache, timings)


def _check(a: torch.Tensor, b: torch.Tensor, c: torch.Tensor) -> None:
    """After any number of rounds, b = 3 a', c = a' + b and a = b + 3 c for the a' of the round before: so a = 5 b and 3 c = 4 b."""
    for value in (a, b, c):
        if value.min() != value.max():
            raise BackendError("an array of the bandwidth test holds different numbers", hint="memory or a kernel is broken")
    if not (torch.isclose(a[0], 5 * b[0]) and torch.isclose(3 * c[0], 4 * b[0])):
        raise BackendError("the bandwidth test computed wrong numbers", hint="memory or a kernel is broken")
