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


def shared_prefix_attention(
    module: torch.nn.Module,
    query_BHTD: torch.Tensor,
    key_BGSD: torch.Tensor,
    value_BGSD: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    prefix: list[tuple[torch.Tensor, torch.Tensor]] | None = None,
    **options: Any,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Attention of H query heads in G groups over P shared and S own positions; returns (B, T, H, D).

    `prefix` holds each layer's shared keys and values, (1, G, P, D), all of them visible to every query; the mask speaks of the
    S own positions only. Without a prefix, and for more than one query position, PyTorch's kernel is faster and is used.
    """
    batch, heads, length, dim = query_BHTD.shape
    if prefix is None and length != 1:
        return sdpa_attention_forward(module, query_BHTD, key_BGSD, value_BGSD, attention_mask, scaling=scaling, dropout=dropout, **options)
    groups, own = key_BGSD.shape[1:3]
    each = heads // groups * length
    query_BGQD = query_BHTD.reshape(batch, groups, each, dim) * (dim**-0.5 if scaling is None else scaling)
    scores_BGQS = torch.matmul(query_BGQD, key_BGSD.transpose(2, 3)).float()
    if attention_mask is None and length > 1:
        # Where no row is padded, transformers gives no mask and means: no position looks ahead.
        attention_mask = torch.ones(length, own, dtype=torch.bool, device=query_BHTD.device).tril(own - length)[None, None]
    if attention_mask is not None:
        mask = attention_mask[..., :own].expand(batch, 1, length, own).repeat(1, 1, heads // groups, 1)
        scores_BGQS = scores_BGQS.masked_fill(~mask, float("-inf")) if mask.dtype == torch.bool else scores_BGQS + mask
    if prefix is None:
        weights_BGQS = torch.softmax(scores_BGQS, -1).to(query_BHTD.dtype)
        output_BGQD = torch.matmul(weights_BGQS, value_BGSD)
    else:
        keys_GPD, values_GPD = (states[0] for states in prefix[module.layer_idx])  # type: ignore[index]
        shared = keys_GPD.shape[1]
        query_GRD = query_BGQD.transpose(0, 1).reshape(groups, batch * each, dim)
        scores_GRP = torch.matmul(query_GRD, keys_GPD.transpose(1, 2)).float()
        scores_BGQP = scores_GRP.view(groups, batch, each, shared).transpose(0, 1)
        weights = torch.softmax(torch.cat([scores_BGQP, scores_BGQS], -1), -1).to(query_BHTD.dtype)
        weights_GRP = weights[..., :shared].transpose(0, 1).reshape(groups, batch * each, shared)
        from_prefix_BGQD = torch.matmul(weights_GRP, values_GPD).view(groups, batch, each, dim).transpose(0, 1)
        output_BGQD = from_prefix_BGQD + torch.matmul(weights[..., shared:], value_BGSD)
    return output_BGQD.reshape(batch, heads, length, dim).transpose(1, 2).contiguous(), None


def register() -> str:
    """Makes the function known to transformers and returns its name for `set_attn_implementation`."""
    AttentionInterface.register(NAME, shared_prefix_attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    return NAME
