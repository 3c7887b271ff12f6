"""Forward Kullback-Leibler divergence of teacher and student (Hinton et al. 2015, arXiv 1503.02531)."""

import torch

from seodang.distill.losses import terms
from seodang.distill.losses.divergence import Divergence
from seodang.distill.losses.target import Target


def forward_kl(
    student: torch.Tensor,
    target: Target,
    mask: torch.Tensor,
    *,
    temperature: float = 1.0,
    num_tokens: float | None = None,
) -> torch.Tensor:
    """KL(teacher || student) in nats, summed over the positions of `mask` and divided by `num_tokens` (default: how many count).

    `student` holds logits (T, V), `mask` (T,) bool. A temperature divides both sides' logits, and the result is multiplied by its square
    once. For a `Sparse` target the tail is one bucket on both sides: the result lies between 0 and the full divergence, and is equal to it
    when the whole vocabulary is kept. For a `Sampled` target value and gradient are unbiased. Nothing is renormalised, and no
    result is clamped; a stored tail below 1e-7, which float32 cannot tell from none, counts as 1e-7.
    ValueError for a `Sparse` or `Sampled` target at a temperature whose normaliser is not known.
    """
    return divergence(temperature).on_logits(student, target, mask, num_tokens)


def divergence(temperature: float = 1.0) -> Divergence:
    """The divergence as the fused path takes it."""
    return Divergence("forward_kl", terms.forward_kl, temperature)
