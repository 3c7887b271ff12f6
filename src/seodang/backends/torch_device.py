"""An accelerator in numbers: its memory from PyTorch, bandwidth and peaks from a quick measurement."""

import datetime
import time
from collections.abc import Callable
from functools import cache

import torch

from seodang.backends.description import Description, Execution, Memory, Precision
from seodang.backends.quantity import Quantity

_TIMES = 5


@cache
def describe_accelerator(device: str, *, copied: int = 1 << 30, side: int = 8192) -> Description:
    """Takes a second, once in a process. `copied` are the bytes of the copy, `side` that of the squares that are multiplied; both are
    large enough for an accelerator by default. Also for "cpu", which has no name and no capacity of its own here."""
    source = torch.ones(copied // 4, device=device)
    target = torch.empty_like(source)
    copy_s = _best(lambda: target.copy_(source), device)
    peak: dict[Precision, Quantity] = {}
    types: dict[Precision, torch.dtype] = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    for name, dtype in types.items():
        square = torch.ones(side, side, device=device, dtype=dtype)
        product_s = _best(lambda square=square: square @ square, device)
        peak[name] = _measured(2 * side**3 / product_s, "FLOP/s", f"best of {_TIMES} products of {side} x {side} in PyTorch")
    found = torch.cuda.get_device_properties(device) if device != "cpu" else None
    capacity = found.total_memory if found else 2 * copied
    bandwidth = _measured(2 * copied / copy_s, "B/s", f"best of {_TIMES} copies of {copied >> 20} MiB, read and written")
    return Description(
        name=found.name if found else device,
        vendor="NVIDIA" if found else "of this machine",
        kind="gpu" if found else "cpu",
        memory=(Memory(name="device", capacity=_measured(capacity, "B", "PyTorch"), bandwidth=bandwidth),),
        peak=peak,
        execution=Execution(mode="eager"),
        note="a quick measurement; `seodang devices measure` measures with care",
    )


def _measured(value: float, unit: str, how: str) -> Quantity:
    return Quantity(value=value, unit=unit, kind="measured", source=how, date=datetime.date.today().isoformat())


def _best(work: Callable[[], object], device: str) -> float:
    """The shortest of some runs in seconds, after one that warms up."""
    times: list[float] = []
    for _ in range(_TIMES + 1):
        _wait(device)
        begun = time.perf_counter()
        work()
        _wait(device)
        times.append(time.perf_counter() - begun)
    return min(times[1:])


def _wait(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize(device)
