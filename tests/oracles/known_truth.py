"""A made task whose truth is known: the next token's distribution is a linear function of what stands before it, through a softmax.

The student is of the same or of a smaller kind, and is fitted to the end, so that two students differ by what they were taught alone.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Task:
    """`head` (V, H) holds the truth: hidden states (T, H) have logits `hidden @ head.T`."""

    head: torch.Tensor
    seed: int

    def contexts(self, num: int, part: int) -> torch.Tensor:
        """Hidden states (num, H); another `part` gives others."""
        draw = torch.Generator().manual_seed(1000 * self.seed + part)
        return torch.randn(num, self.head.shape[1], generator=draw, dtype=torch.float64)


def make(seed: int, size: int, width: int, scale: float) -> Task:
    """A task of `size` tokens whose logits have a standard deviation of `scale`."""
    draw = torch.Generator().manual_seed(seed)
    return Task(torch.randn(size, width, generator=draw, dtype=torch.float64) * scale / width**0.5, seed)


def fit(
    hidden_TH: torch.Tensor, size: int, loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], decay: float = 1e-5
) -> torch.Tensor:
    """The head (V, H) that minimises `loss(hidden, head)` and `decay` times its squared length, from zero."""
    head_VH = torch.zeros(size, hidden_TH.shape[1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([head_VH], max_iter=60, line_search_fn="strong_wolfe")

    def step() -> torch.Tensor:
        optimizer.zero_grad()
        value = loss(hidden_TH, head_VH) + decay * head_VH.square().sum()
        value.backward()
        return value

    optimizer.step(step)
    return head_VH.detach()


def calibration_error(confidence_N: torch.Tensor, correct_N: torch.Tensor, num_bins: int = 15) -> float:
    """Expected calibration error (Naeini et al. 2015): the mean over bins of equal width, by their share, of |correct - confident|.

    `correct_N` may hold the probability of being correct in place of 0 and 1, which is its expectation.
    """
    places = (confidence_N * num_bins).ceil().clamp(1, num_bins).long() - 1
    gaps = torch.zeros(num_bins, dtype=torch.float64).index_add(0, places, (correct_N - confidence_N).double())
    return (gaps.abs().sum() / len(confidence_N)).item()


def divergence_from_truth(truth_TV: torch.Tensor, student_TV: torch.Tensor) -> float:
    """The mean KL(truth || student) of logits, in nats, written plainly."""
    log_p, log_q = torch.log_softmax(truth_TV, -1), torch.log_softmax(student_TV, -1)
    return (log_p.exp() * (log_p - log_q)).sum(-1).mean().item()
