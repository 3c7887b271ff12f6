"""Which floating-point type a device computes fast in."""

from functools import cache
from pathlib import Path

import torch


@cache
def cpu_has_bfloat16() -> bool:
    """Whether the processor has instructions for bfloat16 products (AVX-512 BF16, AMX, or Arm's bf16).

    Without them bfloat16 is slower than float32.
    """
    try:
        flags = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    except OSError:
        return False
    return bool(flags & {"avx512_bf16", "amx_bf16", "bf16"})


def best_dtype(device: str) -> torch.dtype:
    """bfloat16 where the device has it, else float32."""
    if device.startswith("cuda"):
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    return torch.bfloat16 if cpu_has_bfloat16() else torch.float32
