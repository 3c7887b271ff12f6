"""Attention for decoding many rows that begin alike, on a CPU.

Rows of a batch share a long prefix (worked examples, a system turn). Its keys and values are kept once, every row's queries
meet them in one matrix product, and only what differs is kept for each row (the idea of Juravsky et al. 2024, Hydragen,
arXiv 2402.05099). The result is that of ordinary attention over the whole sequence.
"""

from typing import Any

import torch
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

NAME = "seodang_shared_prefix"
_PROBE = "seodang_probe"
_FEW = 4  # so many times shorter than the prefix are rows that meet it in one product
_SCORES = 4_000_000  # of queries with positions that are held at once


def shared_prefix_attention(
    module: torch.nn.Module,
    query_BHTD: torch.Tensor,
    key_BGSD: torch.Tensor,
    value_BGSD: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    prefix: list[tuple[torch.Tensor, torch.Tensor]] | None = None,
    seen: list[tuple[torch.Tensor, torch.Tensor]] | None = None,
    **options: Any,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Attention of H query heads in G groups over P shared and S own positions; returns (B, T, H, Dv).

    `prefix` holds each layer's shared keys (1, G, P, D) and values (1, G, P, Dv), all of them visible to every query; the mask speaks
    of the S own positions only. `seen` is given what this layer would have as a prefix: its keys and values as attention meets them,
    which a cache may hold in another form (multi-head latent attention). Where many positions are read
    PyTorch's fused kernel is faster and is used.
    """
    if seen is not None:
        seen.append((key_BGSD, value_BGSD))
    (batch, heads, length, dim), (groups, own) = query_BHTD.shape, key_BGSD.shape[1:3]
    if length != 1 and (prefix is None or _FEW * length > prefix[module.layer_idx][0].shape[2]):  # type: ignore[index]
        if prefix is not None:
            key_BGSD, value_BGSD = _with_prefix(key_BGSD, value_BGSD, prefix[module.layer_idx])  # type: ignore[index]
            attention_mask = _see_prefix(attention_mask, query_BHTD, own, key_BGSD.shape[2] - own)
        return sdpa_attention_forward(module, query_BHTD, key_BGSD, value_BGSD, attention_mask, scaling=scaling, dropout=dropout, **options)
    each = heads // groups
    query_BGED = query_BHTD.reshape(batch, groups, each * length, dim) * (dim**-0.5 if scaling is None else scaling)
    unmasked = length == 1 and attention_mask is None
    visible = None if unmasked else _own_mask(attention_mask, query_BHTD, own).repeat(1, 1, each, 1)
    if prefix is None:
        scores_BGES = _scores(query_BGED, key_BGSD, visible)
        output_BGED = torch.matmul(torch.softmax(scores_BGES, -1).to(query_BHTD.dtype), value_BGSD)
    else:
        shared = prefix[module.layer_idx]  # type: ignore[index]
        at_once = max(1, _SCORES // (heads * length * (shared[0].shape[2] + own)))
        parts = [slice(first, first + at_once) for first in range(0, batch, at_once)]
        masks = [None if visible is None else visible[part] for part in parts]
        found = [_met(query_BGED[part], key_BGSD[part], value_BGSD[part], mask, shared) for part, mask in zip(parts, masks, strict=True)]
        output_BGED = found[0] if len(found) == 1 else torch.cat(found)
    return output_BGED.reshape(batch, heads, length, -1).transpose(1, 2).contiguous(), None


def _met(
    query_BGED: torch.Tensor,
    key_BGSD: torch.Tensor,
    value_BGSD: torch.Tensor,
    visible: torch.Tensor | None,
    prefix: tuple[torch.Tensor, torch.Tensor],
) -> torch.Tensor:
    """What scaled queries, E for each group, find among the prefix and their rows' own positions: (B, G, E, Dv)."""
    (batch, groups, each, dim), (keys_GPD, values_GPD) = query_BGED.shape, (states[0] for states in prefix)
    own_BGES = _scores(query_BGED, key_BGSD, visible)
    query_GRD = query_BGED.transpose(0, 1).reshape(groups, batch * each, dim)
    shared_GRP = torch.matmul(query_GRD, keys_GPD.transpose(1, 2)).float()

    def by_group(values_BGE1: torch.Tensor) -> torch.Tensor:
        return values_BGE1.transpose(0, 1).reshape(groups, batch * each, -1)

    def by_row(values_GRX: torch.Tensor) -> torch.Tensor:
        return values_GRX.view(groups, batch, each, -1).transpose(0, 1)

    # One softmax over both, without a copy that holds both.
    highest_BGE1 = torch.maximum(by_row(shared_GRP.amax(-1, keepdim=True)), own_BGES.amax(-1, keepdim=True))
    own_BGES = own_BGES.sub_(highest_BGE1).exp_()
    shared_GRP = shared_GRP.sub_(by_group(highest_BGE1)).exp_()
    sum_BGE1 = by_row(shared_GRP.sum(-1, keepdim=True)) + own_BGES.sum(-1, keepdim=True)
    from_prefix_BGED = by_row(torch.matmul(shared_GRP.to(query_BGED.dtype), values_GPD))
    output_BGED = from_prefix_BGED + torch.matmul(own_BGES.to(query_BGED.dtype), value_BGSD)
    return (output_BGED / sum_BGE1).to(query_BGED.dtype)


def _scores(query_BGED: torch.Tensor, key_BGSD: torch.Tensor, visible: torch.Tensor | None) -> torch.Tensor:
    scores_BGES = torch.matmul(query_BGED, key_BGSD.transpose(2, 3)).float()
    if visible is None:
        return scores_BGES
    return scores_BGES.masked_fill_(~visible, float("-inf")) if visible.dtype == torch.bool else scores_BGES.add_(visible)


def _own_mask(attention_mask: torch.Tensor | None, query_BHTD: torch.Tensor, own: int) -> torch.Tensor:
    """The mask (B, 1, T, S) of the own positions. Where no row is padded transformers gives none and means: no position looks ahead."""
    batch, _, length, _ = query_BHTD.shape
    if attention_mask is None:
        attention_mask = torch.ones(length, own, dtype=torch.bool, device=query_BHTD.device).tril(own - length)[None, None]
    return attention_mask[..., :own].expand(batch, 1, length, own)


def _with_prefix(
    key_BGSD: torch.Tensor, value_BGSD: torch.Tensor, prefix: tuple[torch.Tensor, torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Keys and values (B, G, P + S, D): for many query positions PyTorch's fused kernel, which never holds the scores, is worth a copy
    of the prefix."""
    batch = key_BGSD.shape[0]
    keys_1GPD, values_1GPD = prefix
    return torch.cat([keys_1GPD.expand(batch, -1, -1, -1), key_BGSD], 2), torch.cat([values_1GPD.expand(batch, -1, -1, -1), value_BGSD], 2)


def _see_prefix(attention_mask: torch.Tensor | None, query_BHTD: torch.Tensor, own: int, shared: int) -> torch.Tensor:
    """The mask over P + S positions."""
    batch, _, length, _ = query_BHTD.shape
    mask_BTS = _own_mask(attention_mask, query_BHTD, own)
    seen = mask_BTS.new_ones(batch, 1, length, shared) if mask_BTS.dtype == torch.bool else mask_BTS.new_zeros(batch, 1, length, shared)
    return torch.cat([seen, mask_BTS], -1)


def is_plain(model: Any) -> bool:
    """Whether each block's attention is softmax attention over its whole past, computed by a function that transformers can exchange.

    Found out by reading two tokens with a function that notes what it is asked for: a sliding window, a soft cap, attention sinks or a
    block that never asks make it False. Such a model keeps its own attention, and its rows are read one by one without a shared prefix.
    """
    attention = model.config._attn_implementation
    AttentionInterface.register(_PROBE, _probe)
    AttentionMaskInterface.register(_PROBE, sdpa_mask)
    asked: list[bool] = []
    try:
        model.set_attn_implementation(_PROBE)
        if model.config._attn_implementation != _PROBE:
            return False
        with torch.inference_mode():
            model.base_model(input_ids=torch.zeros((1, 2), dtype=torch.long, device=model.device), use_cache=False, asked=asked)
    except TypeError:  # a model that takes no further arguments
        return False
    finally:
        model.set_attn_implementation(attention)
    return len(asked) == model.config.num_hidden_layers and all(asked)


def _probe(
    module: torch.nn.Module,
    query_BHTD: torch.Tensor,
    key_BGSD: torch.Tensor,
    value_BGSD: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    asked: list[bool] | None = None,
    **options: Any,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Notes whether plain attention over whole sequences is asked for, and computes it."""
    unusual = ("sliding_window", "softcap", "s_aux", "position_bias")
    if asked is not None:
        asked.append(hasattr(module, "layer_idx") and all(options.get(name) is None for name in unusual))
    return sdpa_attention_forward(module, query_BHTD, key_BGSD, value_BGSD, attention_mask, scaling=scaling)


def register() -> str:
    """Makes the function known to transformers and returns its name for `set_attn_implementation`."""
    AttentionInterface.register(NAME, shared_prefix_attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    return NAME
