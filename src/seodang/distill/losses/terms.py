"""The divergences as sums over the vocabulary: what one outcome adds, and its derivative by the student's log-probability.

A term takes the natural-log probabilities of teacher `log_p` and student `log_q`, of any one shape, and gives `value` and `slope` of that
shape. The divergence is the sum of the values. Its derivative by a student's logit z_j is `slope_j - q_j * sum(slope)`, because
log q = z - logsumexp(z): a multiple of q in the slope cancels, and is left out where the rest is the smaller number. An outcome that is
impossible for both adds nothing; one that is impossible for one side may add infinity.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F

Pair = tuple[torch.Tensor, torch.Tensor]
Term = Callable[[torch.Tensor, torch.Tensor], Pair]


def _times(probability: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    """Their product, and zero where the probability is zero, whatever the factor is."""
    return torch.where(probability > 0, probability * factor, 0.0)


def forward_kl(log_p: torch.Tensor, log_q: torch.Tensor) -> Pair:
    p = log_p.exp()
    return _times(p, log_p - log_q), -p


def reverse_kl(log_p: torch.Tensor, log_q: torch.Tensor) -> Pair:
    value = _times(log_q.exp(), log_q - log_p)
    return value, value  # the derivative also has q itself, which sums to one and cancels


def jensen_shannon(beta: float) -> Term:
    """beta KL(p || m) + (1 - beta) KL(q || m) with m = beta p + (1 - beta) q."""

    log_beta, log_rest = math.log(beta), math.log1p(-beta)

    def term(log_p: torch.Tensor, log_q: torch.Tensor) -> Pair:
        p, q = log_p.exp(), log_q.exp()
        odds = log_p - log_q + (log_beta - log_rest)  # of the two parts of m, as a logarithm
        joint = odds.abs().neg_().exp_().log1p_()
        above_q, above_p = _times(q, joint + F.relu(odds)), _times(p, joint + F.relu(-odds))  # log m less the log of either part
        slope = above_q * (beta - 1)
        return slope - beta * above_p - beta * log_beta * p - (1 - beta) * log_rest * q, slope

    return term


def skew_kl(alpha: float) -> Term:
    """KL(p || alpha p + (1 - alpha) q)."""

    def term(log_p: torch.Tensor, log_q: torch.Tensor) -> Pair:
        log_m = torch.logaddexp(log_p + math.log(alpha), log_q + math.log1p(-alpha))
        p = log_p.exp()
        return _times(p, log_p - log_m), -(1 - alpha) * _times(p, (log_q - log_m).exp())

    return term


def skew_reverse_kl(alpha: float) -> Term:
    """KL(q || (1 - alpha) p + alpha q)."""

    log_alpha, log_rest = math.log(alpha), math.log1p(-alpha)

    def term(log_p: torch.Tensor, log_q: torch.Tensor) -> Pair:
        q, odds = log_q.exp(), log_p - log_q + (log_rest - log_alpha)
        above_q = _times(q, F.softplus(odds, threshold=40.0))  # log m less log(alpha q)
        return -above_q - log_alpha * q, _times(q, odds.sigmoid_()) - above_q

    return term


def total_variation(log_p: torch.Tensor, log_q: torch.Tensor) -> Pair:
    q = log_q.exp()
    difference = q - log_p.exp()
    return 0.5 * difference.abs(), 0.5 * q * (difference.sign() - 1)


def alpha_beta(alpha: float, beta: float) -> Term:
    """-(p^a q^b - a/(a+b) p^(a+b) - b/(a+b) q^(a+b)) / (a b), by continuity where a, b or a + b is zero."""
    total = alpha + beta

    def term(log_p: torch.Tensor, log_q: torch.Tensor) -> Pair:
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
