"""Attention inside a pack: every example meets the common prefix and itself, and no work is done on what it may not see.

A mask over the whole pack computes T x T scores to throw most of them away, forwards and backwards: on a CPU a third of a training
step. Here queries, keys and values are laid out one example a row, and PyTorch's fused kernel sees short rows only.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface

NAME = "seodang_packed"


@dataclass(frozen=True, slots=True)
class Rows:
    """Where a pack's tokens stand: first `num_prefix` common ones, then the examples' own.

    `places` (B, L) is the place in the pack of each example's tokens, padded on the right; `flat` (T - num_prefix,) is where in the
    flattened rows each own token is found; `visible` (L, num_prefix + L) is true where a token of a row may look.
    """

    num_prefix: int
    places: torch.Tensor
    flat: torch.Tensor
    visible: torch.Tensor


def lay_out(num_prefix: int, lengths: list[int]) -> Rows:
    """The rows of a pack whose examples have `lengths` tokens each after the prefix."""
    longest = max(lengths)
    places = torch.zeros((len(lengths), longest), dtype=torch.long)
    flat: list[int] = []
    place = num_prefix
    for row, length in enumerate(lengths):
        places[row, :length] = torch.arange(place, place + length)
        flat += range(row * longest, row * longest + length)
        place += length
    visible = torch.ones(longest, num_prefix + longest, dtype=torch.bool).tril(num_prefix)
    return Rows(num_prefix, places, torch.tensor(flat), visible)


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
    """Attention of one pack laid out by `rows`; returns (1, T, H, D)."""
    assert rows is not None, "a pack is read together with its rows"
    heads, shared = query_1HTD.shape[1], rows.num_prefix
    each = heads // key_1GTD.shape[1]
    query, key, value = (states[0].transpose(0, 1) for states in (query_1HTD, key_1GTD, value_1GTD))
    parts: list[torch.Tensor] = []
    if shared:
        first = (_as_rows(states[:shared][None], count) for states, count in ((query, 1), (key, each), (value, each)))
        parts.append(F.scaled_dot_product_attention(*first, is_causal=True, scale=scaling)[0].transpose(0, 1))
    query_BHLD = _as_rows(_take(query, rows.places), 1)
    key_BHSD, value_BHSD = (_as_rows(_behind_prefix(states, rows), each) for states in (key, value))
    output_BHLD = F.scaled_dot_product_attention(query_BHLD, key_BHSD, value_BHSD, rows.visible[None, None], scale=scaling)
    parts.append(output_BHLD.transpose(1, 2).flatten(0, 1).index_select(0, rows.flat))
    return torch.cat(parts)[None], None


def _take(states_TGD: torch.Tensor, places_BL: torch.Tensor) -> torch.Tensor:
    """The states at `places`, (B, L, G, D)."""
    return states_TGD.index_select(0, places_BL.flatten()).unflatten(0, tuple(places_BL.shape))


def _behind_prefix(states_TGD: torch.Tensor, rows: Rows) -> torch.Tensor:
    own_BLGD = _take(states_TGD, rows.places)
    prefix_BPGD = states_TGD[: rows.num_prefix].expand(len(own_BLGD), -1, -1, -1)
    return torch.cat([prefix_BPGD, own_BLGD], 1)


def _as_rows(states_BLGD: torch.Tensor, each: int) -> torch.Tensor:
    """(B, L, G, D) to (B, G * each, L, D): a group's keys stand once for each of its heads."""
    states_BGLD = states_BLGD.transpose(1, 2)
    return states_BGLD if each == 1 else states_BGLD.repeat_interleave(each, 1)


def register() -> str:
    """Makes the function known to transformers and returns its name for `set_attn_implementation`."""
    AttentionInterface.register(NAME, packed_attention)
    AttentionMaskInterface.register(NAME, _no_mask)
    return NAME


def _no_mask(*args: Any, **options: Any) -> None:
    """The rows say what is visible."""
