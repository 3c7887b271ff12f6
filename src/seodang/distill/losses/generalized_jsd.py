"""Generalised Jensen-Shannon divergence (Agarwal et al. 2023, GKD, arXiv 2306.13649)."""

import torch

from seodang.distill.losses import terms
from seodang.distill.losses.divergence import Divergence
from seodang.distill.losses.target import Target


def generalized_jsd(
    student: torch.Tensor,
    target: Target,
    mask: torch.Tensor,
    *,
    temperature: float = 1.0,
    num_tokens: float | None = None,
    beta: float = 0.5,
) -> torch.Tensor:
    """beta KL(p || m) + (1 - beta) KL(q || m) in nats, with teacher p, student q and m = beta p + (1 - beta) q; never above ln 2.

    Summed over the positions of `mask` (T,) and divided by `num_tokens` (default: how many count); `student` holds logits (T, V). A
    temperature divides both sides' logits, and the result is multiplied by its square once. As in GKD, `beta` 0 is the forward and 1 the
    reverse divergence; they are not the limits of the values between, which go to 0. ValueError for a `Sampled` target, a `beta` outside
    0 to 1, or a `Sparse` target at a temperature whose normaliser is not known.
    """
    return divergence(temperature, beta).on_logits(student, target, mask, num_tokens)


def divergence(temperature: float = 1.0, beta: float = 0.5) -> Divergence:
    """The divergence as the fused path takes it."""
    if not 0 <= beta <= 1:
        raise ValueError(f"beta is {beta}; it has to lie between 0 and 1")
    if beta in (0, 1):
        return Divergence("generalized_jsd", terms.reverse_kl if beta else terms.forward_kl, temperature)
    return Divergence("generalized_jsd", terms.jensen_shannon(beta), temperature)
