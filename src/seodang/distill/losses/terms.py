"""The divergences as sums over the vocabulary: what one outcome adds, and its derivative by the student's log-probability.

A term is given teacher p and student q as `log_p`, `log_q`, `p`, `q`, natural logarithms and probabilities of any one shape, and gives
`value` and `slope` of that shape. The divergence is the sum of the values. Its derivative by a student's logit z_j is
`slope_j - q_j * sum(slope)`, because log q = z - logsumexp(z): a multiple of q in the slope cancels. An outcome that is impossible for
both adds nothing; one that is impossible for one side may add infinity.
"""

from collections.abc import Callable

import torch

Pair = tuple[torch.Tensor, torch.Tensor]
Term = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor], Pair]

_SMALLEST = torch.finfo(torch.float32).tiny  # below it a float32 loses its digits, and a fraction of it may be zero


def _times(probability: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    """Their product, and zero where the probability is as good as zero, whatever the factor is."""
    return torch.where(probability > _SMALLEST, probability * factor, 0.0)


def forward_kl(log_p: torch.Tensor, log_q: torch.Tensor, p: torch.Tensor, q: torch.Tensor) -> Pair:
    """KL(p || q)."""
    return _times(p, log_p - log_q), -p


def reverse_kl(log_p: torch.Tensor, log_q: torch.Tensor, p: torch.Tensor, q: torch.Tensor) -> Pair:
    """KL(q || p)."""
    value = _times(q, log_q - log_p)
    return value, value  # the derivative also has q itself, which sums to one and cancels


def jensen_shannon(beta: float) -> Term:
    """beta KL(p || m) + (1 - beta) KL(q || m) with m = beta p + (1 - beta) q."""

    def term(log_p: torch.Tensor, log_q: torch.Tensor, p: torch.Tensor, q: torch.Tensor) -> Pair:
        log_m = torch.lerp(q, p, beta).log_()
        slope = (1 - beta) * _times(q, log_q - log_m)
        return slope + beta * _times(p, log_p - log_m), slope

    return term


def skew_kl(alpha: float) -> Term:
    """KL(p || alpha p + (1 - alpha) q)."""

    def term(log_p: torch.Tensor, log_q: torch.Tensor, p: torch.Tensor, q: torch.Tensor) -> Pair:
        m = torch.lerp(q, p, alpha)
        return _times(p, log_p - m.log()), -(1 - alpha) * _times(p, q / m)

    return term


def skew_reverse_kl(alpha: float) -> Term:
    """KL(q || (1 - alpha) p + alpha q)."""

    def term(log_p: torch.Tensor, log_q: torch.Tensor, p: torch.Tensor, q: torch.Tensor) -> Pair:
        m = torch.lerp(p, q, alpha)
        value = _times(q, log_q - m.log())
        return value, value - alpha * _times(q, q / m)

    return term


def total_variation(log_p: torch.Tensor, log_q: torch.Tensor, p: torch.Tensor, q: torch.Tensor) -> Pair:
    """Half of |p - q|."""
    difference = q - p
    return 0.5 * difference.abs(), 0.5 * q * (difference.sign() - 1)


def alpha_beta(alpha: float, beta: float) -> Term:
    """-(p^a q^b - a/(a+b) p^(a+b) - b/(a+b) q^(a+b)) / (a b), by continuity where a, b or a + b is zero."""
    total = alpha + beta

    def term(log_p: torch.Tensor, log_q: torch.Tensor, p: torch.Tensor, q: torch.Tensor) -> Pair:
        impossible = log_p.isneginf() & log_q.isneginf()
        log_p, log_q = log_p.masked_fill(impossible, 0.0), log_q.masked_fill(impossible, 0.0)  # what is equal adds nothing
        p_alpha, ratio = (alpha * log_p).exp(), log_p - log_q
        if alpha == 0 and beta == 0:
            return 0.5 * ratio.square(), -ratio
        if alpha == 0:
            q_beta, p_beta = (beta * log_q).exp(), (beta * log_p).exp()
            slope = -_times(q_beta, ratio)
            return (beta * slope - q_beta + p_beta) / beta**2, slope
        if beta == 0:
            q_alpha = (alpha * log_q).exp()
            return (_times(p_alpha, alpha * ratio) - p_alpha + q_alpha) / alpha**2, (q_alpha - p_alpha) / alpha
        if total == 0:
            powered = (alpha * ratio).exp()
            return (powered - 1 - alpha * ratio) / alpha**2, (1 - powered) / alpha
        mixed, q_total = p_alpha * (beta * log_q).exp(), (total * log_q).exp()
        value = (alpha / total * (total * log_p).exp() + beta / total * q_total - mixed) / (alpha * beta)
        return value, (q_total - mixed) / alpha

    return term
