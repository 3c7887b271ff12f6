"""Reverse Kullback-Leibler divergence: the student leaves out what it cannot hold (Gu et al. 2023, MiniLLM, arXiv 2306.08543)."""

import torch

from seodang.distill.losses import terms
from seodang.distill.losses.divergence import Divergence
from seodang.distill.losses.target import Target


def reverse_kl(
    student: torch.Tensor,
    target: Target,
    mask: torch.Tensor,
    *,
    temperature: float = 1.0,
    num_tokens: float | None = None,
) -> torch.Tensor:
    """KL(student || teacher) in nats, summed over the positions of `mask` and divided by `num_tokens` (default: how many count).

    `student` holds logits (T, V), `mask` (T,) bool. A temperature divides both sides' logits, and the result is multiplied by its square
    once. A `Sparse` target gives the divergence of the distributions with one tail bucket, so that emptying the head costs something.
    ValueError for a `Sampled` target, or a `Sparse` one at a temperature whose normaliser is not known.
    """
    return divergence(temperature).on_logits(student, target, mask, num_tokens)


def divergence(temperature: float = 1.0) -> Divergence:
    """The divergence as the fused path takes it."""
    return Divergence("reverse_kl", terms.reverse_kl, temperature)
