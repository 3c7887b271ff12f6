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
    which a cache may hold in another form (multi-head latent attention). For more than one query position PyTorch's fused kernel is
    faster and is used.
    """
    if seen is not None:
        seen.append((key_BGSD, value_BGSD))
    length, own = query_BHTD.shape[2], key_BGSD.shape[2]
    if length != 1:
        if prefix is not None:
            key_BGSD, value_BGSD = _with_prefix(key_BGSD, value_BGSD, prefix[module.layer_idx])  # type: ignore[index]
            attention_mask = _see_prefix(attention_mask, query_BHTD, own, key_BGSD.shape[2] - own)
        return sdpa_attention_forward(module, query_BHTD, key_BGSD, value_BGSD, attention_mask, scaling=scaling, dropout=dropout, **options)
    batch, heads, _, dim = query_BHTD.shape
    groups = key_BGSD.shape[1]
    each = heads // groups
    query_BGED = query_BHTD.reshape(batch, groups, each, dim) * (dim**-0.5 if scaling is None else scaling)
    scores_BGES = torch.matmul(query_BGED, key_BGSD.transpose(2, 3)).float()
    if attention_mask is not None:
        mask = attention_mask[..., :own].expand(batch, 1, 1, own)
        scores_BGES = scores_BGES.masked_fill(~mask, float("-inf")) if mask.dtype == torch.bool else scores_BGES + mask
    if prefix is None:
        weights_BGES = torch.softmax(scores_BGES, -1).to(query_BHTD.dtype)
        output_BGED = torch.matmul(weights_BGES, value_BGSD)
    else:
        keys_GPD, values_GPD = (states[0] for states in prefix[module.layer_idx])  # type: ignore[index]
        shared = keys_GPD.shape[1]
        query_GRD = query_BGED.transpose(0, 1).reshape(groups, batch * each, dim)
        scores_GRP = torch.matmul(query_GRD, keys_GPD.transpose(1, 2)).float()
        scores_BGEP = scores_GRP.view(groups, batch, each, shared).transpose(0, 1)
        weights = torch.softmax(torch.cat([scores_BGEP, scores_BGES], -1), -1).to(query_BHTD.dtype)
        weights_GRP = weights[..., :shared].transpose(0, 1).reshape(groups, batch * each, shared)
        from_prefix_BGED = torch.matmul(weights_GRP, values_GPD).view(groups, batch, each, -1).transpose(0, 1)
        output_BGED = from_prefix_BGED + torch.matmul(weights[..., shared:], value_BGSD)
    return output_BGED.reshape(batch, heads, 1, -1).transpose(1, 2).contiguous(), None


def _with_prefix(
    key_BGSD: torch.Tensor, value_BGSD: torch.Tensor, prefix: tuple[torch.Tensor, torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Keys and values (B, G, P + S, D): for many query positions the scores do not fit the caches, and PyTorch's fused kernel, which
    never holds them, is worth a copy of the prefix."""
    batch = key_BGSD.shape[0]
    keys_1GPD, values_1GPD = prefix
    return torch.cat([keys_1GPD.expand(batch, -1, -1, -1), key_BGSD], 2), torch.cat([values_1GPD.expand(batch, -1, -1, -1), value_BGSD], 2)


def _see_prefix(attention_mask: torch.Tensor | None, query_BHTD: torch.Tensor, own: int, shared: int) -> torch.Tensor:
    """The mask over P + S positions. Where no row is padded transformers gives none and means: no position looks ahead."""
    batch, _, length, _ = query_BHTD.shape
    if attention_mask is None:
        attention_mask = torch.ones(length, own, dtype=torch.bool, device=query_BHTD.device).tril(own - length)[None, None]
    mask_BTS = attention_mask[..., :own].expand(batch, 1, length, own)
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
