"""What stands between products: activation functions as passes over memory, and attention of a prompt to itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional as F

from seodang.testbed.measure.timing import Timing, Work, check_device, dtype_of, time_each

ROWS = (64, 256, 1024)  # tokens
_WIDTH = 1536  # of an MLP of a model of 135 million parameters
_HEADS, _HEAD_WIDTH = 9, 64
VALUES_MOVED = 5  # by silu(gate) * up, one pass each: read, write; read twice, write


@dataclass(frozen=True, slots=True)
class Pass:
    """`kind` "activation": silu(gate) * up of `rows` x 1536 values; "attention": a prompt of `rows` tokens to itself, 9 heads of 64."""

    kind: str
    rows: int
    dtype: str
    timing: Timing

    @property
    def work(self) -> float:
        """Bytes moved by an activation; products and sums of an attention, half of the square."""
        if self.kind == "activation":
            return float(VALUES_MOVED * self.rows * _WIDTH * dtype_of(self.dtype).itemsize)
        return 2.0 * self.rows * (self.rows + 1) * _HEADS * _HEAD_WIDTH

    def row(self) -> dict[str, Any]:
        return {"kind": self.kind, "rows": self.rows, "dtype": self.dtype, "per_s": self.work / self.timing.median, **self.timing.row()}


def measure_passes(device: str = "cpu", *, rows: Sequence[int] = ROWS, dtype: str = "float32", seconds: float = 2.0) -> list[Pass]:
    """Both kinds at each number of rows, in turns. DeviceAbsent where the device is not here."""
    check_device(device)
    works: dict[tuple[str, int], Work] = {}
    for count in rows:
        gate, up = (torch.randn(count, _WIDTH, device=device, dtype=dtype_of(dtype)) for _ in range(2))
        q, k, v = (torch.randn(1, _HEADS, count, _HEAD_WIDTH, device=device, dtype=dtype_of(dtype)) for _ in range(3))
        works["activation", count] = lambda gate=gate, up=up: F.silu(gate) * up
        works["attention", count] = lambda q=q, k=k, v=v: F.scaled_dot_product_attention(q, k, v, is_causal=True)
    found = time_each({f"{kind} {count}": work for (kind, count), work in works.items()}, device, seconds=seconds)
    return [Pass(kind, count, dtype, found[f"{kind} {count}"]) for kind, count in works]
