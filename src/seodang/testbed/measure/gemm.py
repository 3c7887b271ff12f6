"""Products of matrices over their number of rows, and products over experts, each with weights that are cold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional as F

from seodang.testbed.measure.pool import ColdPool, last_cache_bytes
from seodang.testbed.measure.timing import Timing, Work, check_device, dtype_of, rate_row, time_each

# (inputs, outputs) of the products of A.X K1 (skt/A.X-K1; DeepSeek-V3's operators), without the output head of 7168 x 163,840.
AX_K1 = {
    "q_a": (7168, 1536),
    "q_b": (1536, 12288),
    "kv_a": (7168, 576),
    "kv_b": (512, 16384),
    "o": (8192, 7168),
    "router": (7168, 192),
    "expert_up": (7168, 2048),
    "expert_down": (2048, 7168),
}
# The products of a model of 135 million parameters, of the size that seodang teaches.
SMALL = {"small_qkv": (576, 960), "small_o": (576, 576), "small_up": (576, 1536), "small_down": (1536, 576)}
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


@dataclass(frozen=True, slots=True)
class Product:
    """`num_rows` rows of `inputs` numbers against weights (outputs, inputs)."""

    name: str
    num_rows: int
    inputs: int
    outputs: int
    dtype: str
    timing: Timing

    @property
    def flops(self) -> int:
        return 2 * self.num_rows * self.inputs * self.outputs

    @property
    def num_bytes(self) -> int:
        """Of weights, inputs and outputs, each moved once."""
        numbers = self.inputs * self.outputs + self.num_rows * (self.inputs + self.outputs)
        return numbers * dtype_of(self.dtype).itemsize

    def row(self) -> dict[str, Any]:
        sizes = {"name": self.name, "num_rows": self.num_rows, "inputs": self.inputs, "outputs": self.outputs, "dtype": self.dtype}
        return sizes | rate_row(self.timing, flops=self.flops, num_bytes=self.num_bytes)


def gemm_sweep(
    device: str = "cpu",
    *,
    shapes: Mapping[str, tuple[int, int]] = AX_K1 | SMALL,
    rows: Sequence[int] = ROWS,
    dtype: str = "float32",
    pool_bytes: int | None = None,
    seconds: float = 20.0,
) -> list[Product]:
    """Times every shape at every number of rows, in turns. Weights come from a buffer of `pool_bytes`, by default twice the last cache."""
    check_device(device)
    kind = dtype_of(dtype)
    largest = max(inputs * outputs for inputs, outputs in shapes.values()) * kind.itemsize
    pool = ColdPool(pool_bytes or max(2 * last_cache_bytes(device), largest), kind, device)
    wanted = {f"{name}.{count}": (name, count, *size) for name, size in shapes.items() for count in rows}
    works = {key: _product(pool, count, inputs, outputs) for key, (_, count, inputs, outputs) in wanted.items()}
    timings = time_each(works, device, seconds=seconds)
    return [Product(*wanted[key], dtype, timing) for key, timing in timings.items()]


def _product(pool: ColdPool, count: int, inputs: int, outputs: int) -> Work:
    values_MK = pool.take(count, inputs).clone()
    return lambda: F.linear(values_MK, pool.take(outputs, inputs))


@dataclass(frozen=True, slots=True)
class GroupedProduct:
    """`counts[e]` rows for expert e, against weights (experts, outputs, inputs); `floor` is one product with as many rows and one
    expert's weights."""

    counts: tuple[int, ...]
    inputs: int
    outputs: int
    dtype: str
    timings: dict[str, Timing]  # loop, grouped_mm, floor

    @property
    def flops(self) -> int:
        return 2 * sum(self.counts) * self.inputs * self.outputs

    @property
    def num_bytes(self) -> int:
        """Of the weights of experts that have rows, and of all inputs and outputs."""
        hit = sum(count > 0 for count in self.counts)
        numbers = hit * self.inputs * self.outputs + sum(self.counts) * (self.inputs + self.outputs)
        return numbers * dtype_of(self.dtype).itemsize

    def row(self) -> dict[str, Any]:
        sizes = {"counts": list(self.counts), "inputs": self.inputs, "outputs": self.outputs, "dtype": self.dtype}
        ways = {
            name: rate_row(timing, flops=self.flops, num_bytes=self.num_bytes) for name, timing in self.timings.items() if name != "floor"
        }
        return sizes | {"ways": ways, "floor": rate_row(self.timings["floor"], flops=self.flops)}


def grouped_gemm(
    device: str = "cpu",
    *,
    counts: Sequence[Sequence[int]],
    inputs: int = 7168,
    outputs: int = 2048,
    dtype: str = "float32",
    pool_bytes: int | None = None,
    seconds: float = 10.0,
) -> list[GroupedProduct]:
    """Times each split of rows over experts: a loop of one product an expert, torch's own `grouped_mm`, and the floor. Experts without
    rows are not read by the loop."""
    check_device(device)
    kind = dtype_of(dtype)
    needed = max(len(split) for split in counts) * inputs * outputs * kind.itemsize
    pool = ColdPool(pool_bytes or max(2 * last_cache_bytes(device), needed), kind, device)
    works: dict[str, Work] = {}
    for index, split in enumerate(counts):
        values_MK = pool.take(sum(split), inputs).clone()
        works[f"{index}.loop"] = _loop(pool, values_MK, split, outputs)
        works[f"{index}.grouped_mm"] = _grouped_mm(pool, values_MK, split, outputs)
        works[f"{index}.floor"] = _product(pool, sum(split), inputs, outputs)
    timings = time_each(works, device, seconds=seconds)
    ways = ("loop", "grouped_mm", "floor")
    return [
        GroupedProduct(tuple(split), inputs, outputs, dtype, {way: timings[f"{index}.{way}"] for way in ways})
        for index, split in enumerate(counts)
    ]


def loop_over_experts(values_MK: torch.Tensor, weights_ENK: torch.Tensor, counts: Sequence[int]) -> torch.Tensor:
    """Rows in the order of their experts, each against its expert's weights: (M, N)."""
    out_MN = values_MK.new_empty(len(values_MK), weights_ENK.shape[1])
    start = 0
    for expert, count in enumerate(counts):
        if count:
            torch.mm(values_MK[start : start + count], weights_ENK[expert].T, out=out_MN[start : start + count])
            start += count
    return out_MN


def _loop(pool: ColdPool, values_MK: torch.Tensor, counts: Sequence[int], outputs: int) -> Work:
    return lambda: loop_over_experts(values_MK, pool.take(len(counts), outputs, values_MK.shape[1]), counts)


def _grouped_mm(pool: ColdPool, values_MK: torch.Tensor, counts: Sequence[int], outputs: int) -> Work:
    ends = torch.tensor(counts, device=values_MK.device).cumsum(0).to(torch.int32)
    return lambda: F.grouped_mm(values_MK, pool.take(len(counts), outputs, values_MK.shape[1]).transpose(1, 2), offs=ends)
