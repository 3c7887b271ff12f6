"""Alpha-beta divergence (Cichocki et al. 2011; for distillation Wang et al. 2025, ABKD, arXiv 2505.04560)."""

import torch

from seodang.distill.losses import terms
from seodang.distill.losses.divergence import Divergence
from seodang.distill.losses.target import Target


def alpha_beta(
    student: torch.Tensor,
    target: Target,
    mask: torch.Tensor,
    *,
    temperature: float = 1.0,
    num_tokens: float | None = None,
    alpha: float = 0.2,
    beta: float = 0.7,
) -> torch.Tensor:
    """-(1 / (alpha beta)) sum(p^alpha q^beta - alpha/(alpha+beta) p^(alpha+beta) - beta/(alpha+beta) q^(alpha+beta)), teacher p, student q.

    By continuity where a divisor is zero: (1, 0) is the forward and (0, 1) the reverse divergence. Summed over the positions of `mask` (T,)
    and divided by `num_tokens` (default: how many count); `student` holds logits (T, V). A temperature divides both sides' logits, and the
    result is multiplied by its square once. ValueError for a `Sampled` target, or a `Sparse` one that does not keep the whole vocabulary.
    """
    return divergence(temperature, alpha, beta).on_logits(student, target, mask, num_tokens)


def divergence(temperature: float = 1.0, alpha: float = 0.2, beta: float = 0.7) -> Divergence:
    """The divergence as the fused path takes it."""
    return Divergence("alpha_beta", terms.alpha_beta(alpha, beta), temperature)
