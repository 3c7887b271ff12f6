"""Weights that are cold when they are read, as a model's are: windows of one buffer that is larger than the last cache."""

import math
from pathlib import Path

import torch

from seodang.backends.contract import OutOfMemory

_CACHE_FOLDER = Path("/sys/devices/system/cpu/cpu0/cache")
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_UNKNOWN_CACHE = 64 << 20  # bytes, where the system does not tell


def last_cache_bytes(device: str) -> int:
    """Bytes of the last cache before memory, as the system or the driver tells it; 64 MiB where it does not."""
    if device != "cpu":
        return int(torch.cuda.get_device_properties(device).L2_cache_size)
    sizes = [path.read_text(encoding="utf-8").strip() for path in _CACHE_FOLDER.glob("index*/size")]
    return max((int(size[:-1]) * _UNITS[size[-1]] for size in sizes if size[-1:] in _UNITS), default=_UNKNOWN_CACHE)


def available_bytes(device: str) -> int:
    """Memory that can be taken now."""
    if device != "cpu":
        return int(torch.cuda.mem_get_info(device)[0])
    told = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines())
    return int(told["MemAvailable"].split()[0]) << 10


class ColdPool:
    """Hands out windows of a buffer one after another, and begins again at its end: what was handed out before has left the cache, if
    the buffer is larger than it. The numbers are random, small and without denormals."""

    def __init__(self, num_bytes: int, dtype: torch.dtype, device: str) -> None:
        free = available_bytes(device)
        if num_bytes > free // 2:
            raise OutOfMemory(
                f"{num_bytes / 1e9:.1f} GB of weights, {free / 1e9:.1f} GB are free, of which half may be taken",
                where=device,
                hint="ask for fewer layers or a smaller pool, or free memory",
            )
        draw = torch.Generator().manual_seed(0)
        block = (torch.rand(1 << 20, generator=draw) - 0.5).mul_(0.02).to(dtype).to(device)
        self.buffer = block.repeat(math.ceil(num_bytes / dtype.itemsize / len(block)))
        self._next = 0

    @property
    def num_bytes(self) -> int:
        return self.buffer.numel() * self.buffer.dtype.itemsize

    def take(self, *shape: int) -> torch.Tensor:
        """The next window, in this shape. OutOfMemory where the buffer is smaller."""
        count = math.prod(shape)
        if count > len(self.buffer):
            raise OutOfMemory(f"a tensor of {count:,} numbers, the pool has {len(self.buffer):,}", hint="make the pool larger")
        if self._next + count > len(self.buffer):
            self._next = 0
        window = self.buffer[self._next : self._next + count].view(*shape)
        self._next += count
        return window
