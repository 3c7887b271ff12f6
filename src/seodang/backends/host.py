"""This machine's processor as a device: its memory from the system, bandwidth and peak from a quick measurement."""

import ctypes
import datetime
import os
import platform
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from seodang.backends.description import Description, Execution, Memory
from seodang.backends.quantity import Quantity

_COPIED = 1 << 27  # bytes
_SIDE = 1024
_TIMES = 3


@cache
def describe_host() -> Description:
    """Takes half a second, once in a process. `seodang devices measure` measures with care."""
    today = datetime.date.today().isoformat()
    source = np.ones(_COPIED // 4, np.float32)
    target = np.empty_like(source)
    copy_s = _best(lambda: np.copyto(target, source))
    square = np.ones((_SIDE, _SIDE), np.float32)
    product_s = _best(lambda: square @ square)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

    def measured(value: float, unit: str, how: str) -> Quantity:
        return Quantity(value=value, unit=unit, kind="measured", source=how, date=today)

    return Description(
        name=processor_name(),
        vendor="of this machine",
        kind="cpu",
        memory=(
            Memory(
                name="RAM",
                capacity=measured(memory, "B", "the system's count of pages"),
                bandwidth=measured(2 * _COPIED / copy_s, "B/s", f"best of {_TIMES} copies of {_COPIED >> 20} MiB, read and written"),
            ),
        ),
        peak={"float32": measured(2 * _SIDE**3 / product_s, "FLOP/s", f"best of {_TIMES} products of {_SIDE} x {_SIDE} in NumPy")},
        execution=Execution(mode="eager"),
        note=f"{len(os.sched_getaffinity(0))} cores; a quick measurement beside whatever else ran",
    )


def give_back_memory() -> None:
    """Has the C library give memory that was freed back to the system, where it is one that keeps it (glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _best(work: Callable[[], object]) -> float:
    times: list[float] = []
    for _ in range(_TIMES + 1):  # the first one warms up
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times[1:])


def processor_name() -> str:
    """As the system tells it."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text(encoding="utf-8").splitlines() if told.is_file() else []
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor() or platform.machine()
    )
