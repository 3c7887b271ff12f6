"""Depth pruning: the blocks that change their input least are taken out (block influence, Men et al. 2024, ShortGPT, arXiv 2403.03853)."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F

from seodang.distill.packing import Example
from seodang.distill.students.family import blocks, check_fit, chosen_entries
from seodang.distill.students.samples import measure


def block_influence(model: Any, examples: Sequence[Example], num_samples: int) -> list[float]:
    """1 - mean cosine between each block's input and output: over the tokens of an example, then over the first `num_samples` examples."""
    layers = {str(place): layer for place, layer in enumerate(blocks(model))}
    means = {place: [] for place in layers}
    for found in measure(model, examples, num_samples, layers, _cosine):
        for place, cosine_B1 in found.items():
            means[place] += cosine_B1[:, 0].tolist()
    return [1.0 - sum(values) / len(values) for values in means.values()]


def _cosine(key: str, before_BSH: torch.Tensor, after_BSH: torch.Tensor) -> torch.Tensor:
    return F.cosine_similarity(before_BSH.float(), after_BSH.float(), dim=-1)[..., None]


def prune_depth(model: Any, examples: Sequence[Example], keep: int, num_samples: int) -> list[int]:
    """Keeps the `keep` blocks of largest influence, and always the first and the last; returns their old places. Changes the model."""
    layers = blocks(model)
    keep = min(keep, len(layers))
    influence = block_influence(model, examples, num_samples)
    inner = sorted(range(1, len(layers) - 1), key=lambda i: -influence[i])[: max(0, keep - 2)]
    kept = sorted({0, len(layers) - 1, *inner})
    model.base_model.layers = torch.nn.ModuleList([layers[i] for i in kept])
    for place, old in enumerate(kept):
        module: Any
        for module in layers[old].modules():
            if hasattr(module, "layer_idx"):
                module.layer_idx = place
    for name, values in chosen_entries(model.config, kept).items():
        setattr(model.config, name, values)
    model.config.num_hidden_layers = len(kept)
    check_fit(model)
    return kept
