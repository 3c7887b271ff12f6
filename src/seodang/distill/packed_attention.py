"""Attention inside a pack: every example meets the common prefix and itself, and no work is done on what it may not see.

A mask over the whole pack computes T x T scores to throw most of them away, forwards and backwards: on a CPU a quarter of a training
step. Here queries, keys and values are laid out one example a row. Rows are short, and plain batched products of them are faster than
PyTorch's fused kernel, whose backward pass works through many tiny products one by one.
"""

from dataclasses import dataclass
from typing import Any

import torch
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface

NAME = "seodang_packed"


@dataclass(frozen=True, slots=True)
class Rows:
    """Where a pack's tokens stand: first `num_prefix` common ones, then the examples' own.

    Row 0 is the prefix, every other row an example. `places` (B, L) is the place in the pack of each row's tokens, padded on the
    right; `flat` (T,) is where in the flattened rows each token is found; `hidden` (B, 1, L, num_prefix + L) is true where a token
    of a row may not look.
    """

    num_prefix: int
    places: torch.Tensor
    flat: torch.Tensor
    hidden: torch.Tensor


def lay_out(num_prefix: int, lengths: list[int]) -> Rows:
    """The rows of a pack whose examples have `lengths` tokens each after the prefix."""
    every = [num_prefix, *lengths]
    longest = max(every)
    places = torch.zeros((len(every), longest), dtype=torch.long)
    flat: list[int] = []
    place = 0
    for row, length in enumerate(every):
        places[row, :length] = torch.arange(place, place + length)
        flat += range(row * longest, row * longest + length)
        place += length
    hidden = torch.ones(longest, num_prefix + longest, dtype=torch.bool).triu(num_prefix + 1).repeat(len(every), 1, 1, 1)
    hidden[0, :, :, :num_prefix] = True
    return Rows(num_prefix, places, torch.tensor(flat), hidden)


def packed_attention(
    module: torch.nn.Module,
    query_1HTD: torch.Tensor,
    key_1GTD: torch.Tensor,
    value_1GTD: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    rows: Rows | None = None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """Attention of one pack laid out by `rows`; returns (1, T, H, Dv). Values may have another width Dv than queries and keys."""
    assert rows is not None, "a pack is read together with its rows"
    heads, dim, groups = query_1HTD.shape[1], query_1HTD.shape[3], key_1GTD.shape[1]
    (batch, longest), each = rows.places.shape, heads // groups
    query_BLHD = _take(query_1HTD, rows) * (dim**-0.5 if scaling is None else scaling)
    query_BGQD = query_BLHD.unflatten(2, (groups, each)).permute(0, 2, 3, 1, 4).reshape(batch, groups, each * longest, dim)
    key_BGDS = _behind_prefix(key_1GTD, rows).permute(0, 2, 3, 1)
    value_BGSD = _behind_prefix(value_1GTD, rows).transpose(1, 2)
    scores_BGQS = torch.matmul(query_BGQD, key_BGDS).float().masked_fill(rows.hidden.repeat(1, 1, each, 1), float("-inf"))
    output_BGQD = torch.matmul(torch.softmax(scores_BGQS, -1).to(value_BGSD.dtype), value_BGSD)
    output_BLHD = output_BGQD.unflatten(2, (each, longest)).permute(0, 3, 1, 2, 4)
    return output_BLHD.reshape(batch * longest, heads, -1).index_select(0, rows.flat)[None], None


def _take(states_1HTD: torch.Tensor, rows: Rows) -> torch.Tensor:
    """The states of each row, (B, L, H, D)."""
    return states_1HTD[0].transpose(0, 1).index_select(0, rows.places.flatten()).unflatten(0, tuple(rows.places.shape))


def _behind_prefix(states_1GTD: torch.Tensor, rows: Rows) -> torch.Tensor:
    """Every row's states behind those of the prefix, (B, num_prefix + L, G, D)."""
    own_BLGD = _take(states_1GTD, rows)
    prefix_PGD = states_1GTD[0].transpose(0, 1)[: rows.num_prefix]
    return torch.cat([prefix_PGD.expand(len(own_BLGD), -1, -1, -1), own_BLGD], 1)


def register() -> str:
    """Makes the function known to transformers and returns its name for `set_attn_implementation`."""
    AttentionInterface.register(NAME, packed_attention)
    AttentionMaskInterface.register(NAME, _no_mask)
    return NAME


def _no_mask(*args: Any, **options: Any) -> None:
    """The rows say what is visible."""
