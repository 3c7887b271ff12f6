"""Total variation distance (Wen et al. 2023, f-distillation, arXiv 2307.15190)."""

import torch

from seodang.distill.losses import terms
from seodang.distill.losses.divergence import Divergence
from seodang.distill.losses.target import Target


def total_variation(
    student: torch.Tensor,
    target: Target,
    mask: torch.Tensor,
    *,
    temperature: float = 1.0,
    num_tokens: float | None = None,
) -> torch.Tensor:
    """Half the sum of |p - q| over the vocabulary, between 0 and 1, with teacher p and student q. It has no unit.

    Summed over the positions of `mask` (T,) and divided by `num_tokens` (default: how many count); `student` holds logits (T, V). A
    temperature divides both sides' logits, and the result is multiplied by its square once. ValueError for a `Sampled` target, or a
    `Sparse` one at a temperature whose normaliser is not known.
    """
    return divergence(temperature).on_logits(student, target, mask, num_tokens)


def divergence(temperature: float = 1.0) -> Divergence:
    """The divergence as the fused path takes it."""
    return Divergence("total_variation", terms.total_variation, temperature)
