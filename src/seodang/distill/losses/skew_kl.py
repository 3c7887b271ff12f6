"""Skew Kullback-Leibler divergence (Ko et al. 2024, DistiLLM, arXiv 2402.03898)."""

import torch

from seodang.distill.losses import terms
from seodang.distill.losses.divergence import Divergence
from seodang.distill.losses.target import Target


def skew_kl(
    student: torch.Tensor,
    target: Target,
    mask: torch.Tensor,
    *,
    temperature: float = 1.0,
    num_tokens: float | None = None,
    alpha: float = 0.1,
) -> torch.Tensor:
    """KL(p || alpha p + (1 - alpha) q) in nats, with teacher p and student q: its gradient stays bounded where the student is far off.

    Summed over the positions of `mask` (T,) and divided by `num_tokens` (default: how many count); `student` holds logits (T, V). A
    temperature divides both sides' logits, and the result is multiplied by its square once. ValueError for a `Sampled` target, an `alpha`
    that is not between 0 and 1, or a `Sparse` target at a temperature whose normaliser is not known.
    """
    return divergence(temperature, alpha).on_logits(student, target, mask, num_tokens)


def divergence(temperature: float = 1.0, alpha: float = 0.1) -> Divergence:
    """The divergence as the fused path takes it."""
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}; it has to lie between 0 and 1 (0 would be `forward_kl`)")
    return Divergence("skew_kl", terms.skew_kl(alpha), temperature)
