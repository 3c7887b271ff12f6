"""Draws stand for the whole distribution: value and gradient are unbiased, and what is not drawn for them is refused."""

import pytest
import torch

from oracles.targets import draws, head_and_draws, logits
from seodang.distill.losses import fused
from seodang.distill.losses.forward_kl import forward_kl
from seodang.distill.losses.target import Dense, Sampled

REPEATS, SIZE = 20_000, 12
WAYS = {
    "drawn": lambda teacher, seed: draws(teacher, 5, seed),
    "drawn from sqrt(p)": lambda teacher, seed: draws(teacher, 5, seed, power=0.5),
    "head and draws": lambda teacher, seed: head_and_draws(teacher, 3, 2, seed),
}


def by_draw(target: Sampled, student_V: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss of each of many draws of one position's targets, and its derivatives (draws, vocabulary)."""
    student = student_V.expand(REPEATS, -1).clone().requires_grad_()
    every = torch.ones(REPEATS, dtype=torch.bool)
    (grads,) = torch.autograd.grad(forward_kl(student, target, every, num_tokens=1.0), student)
    rows = student.detach().log_softmax(-1)[target.rows, target.ids]
    values = torch.zeros(REPEATS, dtype=rows.dtype).index_add(0, target.rows, target.weights * (target.logprobs - rows))
    assert forward_kl(student, target, every).item() == pytest.approx(values.mean().item(), rel=1e-9)
    return values, grads


def sigmas(draws_N: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """How many standard errors the mean of the draws is off. What is kept exactly has none, and its rounding counts as one."""
    return ((draws_N.mean(0) - truth) / (draws_N.std(0) / REPEATS**0.5 + 1e-12)).abs().max()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seed", range(3))
def test_value_and_gradient_are_unbiased(way: str, seed: int) -> None:
    """Within 4 standard errors of the full divergence, in every coordinate, over 20,000 draws."""
    student, teacher = logits(seed, 1, SIZE), logits(seed + 100, 1, SIZE)
    exact = student.clone().requires_grad_()
    full = forward_kl(exact, Dense(teacher), torch.ones(1, dtype=torch.bool))
    (full_grad,) = torch.autograd.grad(full, exact)
    values, grads = by_draw(WAYS[way](teacher.expand(REPEATS, -1), seed), student)
    assert sigmas(values, full.detach()) < 4
    assert sigmas(grads, full_grad[0]) < 4


def test_a_head_without_its_tail_is_not_unbiased() -> None:
    """The check above can fail: the same head renormalised, mixed with noise of the same size, is far off."""
    student, teacher = logits(0, 1, SIZE), logits(100, 1, SIZE)
    fair = head_and_draws(teacher.expand(REPEATS, -1), 3, 2, 0)
    kept = fair.weights.view(REPEATS, 5).clone()
    kept[:, 3:] *= 0.5
    kept /= kept.sum(1, keepdim=True)
    (full_grad,) = torch.autograd.grad(forward_kl(leaf := student.clone().requires_grad_(), Dense(teacher), torch.ones(1).bool()), leaf)
    _, grads = by_draw(Sampled(fair.ids, fair.logprobs, kept.flatten(), fair.offsets), student)
    assert sigmas(grads, full_grad[0]) > 10


def test_a_head_that_is_kept_exactly_is_less_noisy_than_draws_alone() -> None:
    """With five entries a position: stratified sampling takes the head's part of the variance away."""
    for seed in range(3):
        student, teacher = logits(seed, 1, SIZE), logits(seed + 100, 1, SIZE)
        noise = {way: by_draw(WAYS[way](teacher.expand(REPEATS, -1), seed), student)[1].var(0).sum() for way in WAYS}
        assert noise["head and draws"] < 0.5 * noise["drawn"]


def test_a_token_drawn_twice_counts_twice() -> None:
    teacher, student = logits(1, 1, SIZE), logits(2, 1, SIZE)
    log_p = torch.log_softmax(teacher, -1)[0]
    twice = Sampled(torch.tensor([4, 4, 7]), log_p[[4, 4, 7]], torch.full((3,), 1 / 3, dtype=torch.float64), torch.tensor([0, 3]))
    once = Sampled(torch.tensor([4, 7]), log_p[[4, 7]], torch.tensor([2 / 3, 1 / 3], dtype=torch.float64), torch.tensor([0, 2]))
    student.requires_grad_()
    found, expected = (torch.autograd.grad(forward_kl(student, t, torch.ones(1).bool()), student) for t in (twice, once))
    torch.testing.assert_close(found, expected)


def test_draws_are_refused_at_another_temperature() -> None:
    target = draws(logits(1), 4, 0)
    every = torch.ones(6, dtype=torch.bool)
    with pytest.raises(ValueError, match="drawn at temperature 1"):
        forward_kl(logits(2), target, every, temperature=2.0)
    with pytest.raises(ValueError, match="drawn at temperature 1"):
        fused.forward_kl(logits(2), torch.eye(13, dtype=torch.float64), target, every, temperature=2.0)
