"""Attention of one new token over a growing context: multi-head latent attention as decoding absorbs it, and grouped-query attention.

Latent attention (DeepSeek-AI 2024, arXiv 2405.04434) reads one latent of `rank + rope` numbers a token for all heads: the up-projection
of keys is in the query already, that of values comes after, and neither is part of what is timed here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch.nn import functional as F

from seodang.testbed.measure.pool import ColdPool, last_cache_bytes
from seodang.testbed.measure.timing import Timing, Work, check_device, dtype_of, rate_row, time_each


@dataclass(frozen=True, slots=True)
class Latent:
    """Heads, rank of the latent, and width of the rotary part; those of A.X K1 by default."""

    heads: int = 64
    rank: int = 512
    rope: int = 64

    @property
    def numbers_a_token(self) -> int:
        return self.rank + self.rope

    @property
    def flops_a_token(self) -> int:
        """Scores, and the mix of latents."""
        return 2 * self.heads * (2 * self.rank + self.rope)


@dataclass(frozen=True, slots=True)
class Grouped:
    """Query heads, key-value heads, and their width; those of Llama 3.1 8B by default."""

    heads: int = 32
    kv_heads: int = 8
    width: int = 128

    @property
    def numbers_a_token(self) -> int:
        return 2 * self.kv_heads * self.width

    @property
    def flops_a_token(self) -> int:
        return 4 * self.heads * self.width


@dataclass(frozen=True, slots=True)
class Decoded:
    """One step of `batch` sequences with `context` tokens each."""

    kind: Literal["latent", "grouped"]
    batch: int
    context: int
    dtype: str
    num_bytes: int  # of the cache, read once
    flops: int
    timing: Timing

    def row(self) -> dict[str, Any]:
        sizes = {"kind": self.kind, "batch": self.batch, "context": self.context, "dtype": self.dtype}
        return sizes | rate_row(self.timing, flops=self.flops, num_bytes=self.num_bytes)


def attention_decode(
    device: str = "cpu",
    *,
    heads: Latent | Grouped,
    contexts: Sequence[int] = (256, 1024, 4096, 16384),
    batches: Sequence[int] = (1, 8),
    dtype: str = "float32",
    pool_bytes: int | None = None,
    seconds: float = 10.0,
) -> list[Decoded]:
    """Times every batch at every context, in turns; caches come cold from a buffer of `pool_bytes`, by default twice the last cache."""
    check_device(device)
    kind = dtype_of(dtype)
    needed = max(batches) * max(contexts) * heads.numbers_a_token * kind.itemsize
    pool = ColdPool(pool_bytes or max(2 * last_cache_bytes(device), needed), kind, device)
    wanted = {f"{batch}.{context}": (batch, context) for batch in batches for context in contexts}
    make = _latent if isinstance(heads, Latent) else _grouped
    works = {key: make(pool, heads, batch, context) for key, (batch, context) in wanted.items()}  # type: ignore[arg-type]
    timings = time_each(works, device, seconds=seconds)
    name: Literal["latent", "grouped"] = "latent" if isinstance(heads, Latent) else "grouped"
    found: list[Decoded] = []
    for key, (batch, context) in wanted.items():
        tokens = batch * context
        num_bytes = tokens * heads.numbers_a_token * kind.itemsize
        found.append(Decoded(name, batch, context, dtype, num_bytes, tokens * heads.flops_a_token, timings[key]))
    return found


def latent_attention(query_BHD: torch.Tensor, cache_BTD: torch.Tensor, rank: int, scale: float) -> torch.Tensor:
    """Absorbed: queries (B, H, rank + rope) against latents (B, T, rank + rope); the mix of latents, (B, H, rank)."""
    weights_BHT = torch.softmax(torch.matmul(query_BHD, cache_BTD.transpose(1, 2)) * scale, dim=-1)
    return torch.matmul(weights_BHT, cache_BTD[..., :rank])


def grouped_attention(query_BHD: torch.Tensor, keys_BGTD: torch.Tensor, values_BGTD: torch.Tensor) -> torch.Tensor:
    """One query a head (B, H, D) against keys and values of G heads; (B, H, D)."""
    batch, heads, width = query_BHD.shape
    query_BGRD = query_BHD.view(batch, keys_BGTD.shape[1], -1, width)  # the R query heads of a group are its rows
    return F.scaled_dot_product_attention(query_BGRD, keys_BGTD, values_BGTD).reshape(batch, heads, width)


def _latent(pool: ColdPool, heads: Latent, batch: int, context: int) -> Work:
    query_BHD = pool.take(batch, heads.heads, heads.numbers_a_token).clone()
    scale = heads.numbers_a_token**-0.5
    return lambda: latent_attention(query_BHD, pool.take(batch, context, heads.numbers_a_token), heads.rank, scale)


def _grouped(pool: ColdPool, heads: Grouped, batch: int, context: int) -> Work:
    query_BHD = pool.take(batch, heads.heads, heads.width).clone()

    def work() -> torch.Tensor:
        keys_BGTD, values_BGTD = pool.take(2, batch, heads.kv_heads, context, heads.width)
        return grouped_attention(query_BHD, keys_BGTD, values_BGTD)

    return work
