"""Depth pruning: the blocks that change their input least are taken out (block influence, Men et al. 2024, ShortGPT, arXiv 2403.03853)."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F

from seodang.distill import packed_attention
from seodang.distill.packing import Example, build_pack, common_prefix

_NUM_EXAMPLES = 64


@torch.no_grad()
def block_influence(model: Any, examples: Sequence[Example]) -> list[float]:
    """1 - mean cosine between each block's input and output, over the tokens of the first examples."""
    sample = list(examples[:_NUM_EXAMPLES])
    attention = model.config._attn_implementation
    model.set_attn_implementation(packed_attention.register())
    pack = build_pack(sample, common_prefix(examples))
    states = model.base_model(
        input_ids=pack.ids, rows=pack.rows, position_ids=pack.positions, use_cache=False, output_hidden_states=True
    ).hidden_states
    model.set_attn_implementation(attention)
    return [1.0 - F.cosine_similarity(before[0].float(), after[0].float(), dim=-1).mean().item() for before, after in pairwise(states)]


def prune_depth(model: Any, examples: Sequence[Example], keep: int) -> list[int]:
    """Keeps the `keep` blocks of largest influence, and always the first and the last; returns their old places. Changes the model."""
    layers = model.base_model.layers
    keep = min(keep, len(layers))
    influence = block_influence(model, examples)
    inner = sorted(range(1, len(layers) - 1), key=lambda i: -influence[i])[: max(0, keep - 2)]
    kept = sorted({0, len(layers) - 1, *inner})
    model.base_model.layers = torch.nn.ModuleList([layers[i] for i in kept])
    for place, old in enumerate(kept):
        layers[old].self_attn.layer_idx = place
    model.config.num_hidden_layers = len(kept)
    if getattr(model.config, "layer_types", None):
        model.config.layer_types = [model.config.layer_types[i] for i in kept]
    return kept
