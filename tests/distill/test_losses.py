"""Losses agree with PyTorch's own, and a sparse target's divergence lies between nothing and the whole."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from seodang.distill.losses.cross_entropy import cross_entropy
from seodang.distill.losses.forward_kl import forward_kl
from seodang.distill.losses.target import Dense, Sparse

SEEDS = st.integers(0, 10_000)
ALL = torch.ones(6, dtype=torch.bool)


def logits(seed: int, scale: float = 3.0, size: int = 11) -> tuple[torch.Tensor, torch.Tensor]:
    """Student's and teacher's logits, (6, size)."""
    draw = torch.Generator().manual_seed(seed)
    student, teacher = torch.randn(2, 6, size, generator=draw) * scale
    return student, teacher


def sparse(teacher: torch.Tensor, k: int) -> Sparse:
    """The k best entries of each position."""
    best = torch.log_softmax(teacher, -1).topk(k, -1)
    return Sparse(best.indices.flatten(), best.values.flatten(), torch.arange(len(teacher) + 1) * k)


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.floats(0.5, 4))
def test_a_dense_target_gives_the_divergence_of_pytorch(seed: int, temperature: float) -> None:
    student, teacher = logits(seed)
    log_p, log_q = (torch.log_softmax(x / temperature, -1) for x in (student, teacher))
    expected = temperature**2 * F.kl_div(log_p, log_q.exp(), reduction="sum") / len(student)
    torch.testing.assert_close(forward_kl(student, Dense(teacher), ALL, temperature=temperature), expected, atol=1e-5, rtol=1e-4)


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_a_sparse_target_with_everything_kept_is_a_dense_one(seed: int) -> None:
    student, teacher = logits(seed)
    kept = forward_kl(student, sparse(teacher, teacher.shape[1]), ALL)
    torch.testing.assert_close(kept, forward_kl(student, Dense(teacher), ALL), atol=1e-5, rtol=1e-5)


@settings(max_examples=80, deadline=None)
@given(SEEDS, st.integers(1, 11), st.floats(0.1, 12))
def test_a_sparse_divergence_lies_between_nothing_and_the_whole(seed: int, k: int, scale: float) -> None:
    """Joining outcomes into one bucket can only lose divergence (the data processing inequality)."""
    student, teacher = logits(seed, scale)
    coarse = forward_kl(student, sparse(teacher, k), ALL).item()
    whole = forward_kl(student, Dense(teacher), ALL).item()
    assert -1e-5 <= coarse <= whole + 1e-5 * (1 + whole)


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(1, 11), st.floats(0.1, 12))
def test_the_gradient_is_finite_and_that_of_float64(seed: int, k: int, scale: float) -> None:
    """The same divergence written out plainly in float64, over the kept entries and one bucket, is the oracle."""
    student, teacher = logits(seed, scale)
    target = sparse(teacher, k)
    student.requires_grad_()
    (found,) = torch.autograd.grad(forward_kl(student, target, ALL), student)
    assert found.isfinite().all()
    exact = student.detach().double().requires_grad_()
    log_q = target.logprobs.double().view(6, k)
    log_p = torch.log_softmax(exact, -1)
    head_p = log_p.gather(1, target.ids.view(6, k))
    tail_q = (1 - log_q.exp().sum(-1)).clamp(min=0)
    rest = torch.ones_like(exact, dtype=torch.bool).scatter(1, target.ids.view(6, k), False)
    loss = (log_q.exp() * (log_q - head_p)).sum()
    for t in range(6):
        if tail_q[t] > 1e-7:
            loss = loss + tail_q[t] * (tail_q[t].log() - torch.logsumexp(log_p[t][rest[t]], 0))
    (expected,) = torch.autograd.grad(loss / 6, exact)
    torch.testing.assert_close(found.double(), expected, atol=2e-4, rtol=1e-3)


@pytest.mark.parametrize("kind", ["dense", "sparse", "tokens"])
def test_only_masked_positions_count_and_the_sum_is_divided_as_told(kind: str) -> None:
    student, teacher = logits(1)
    mask = torch.tensor([True, False, True, True, False, False])
    tokens = torch.arange(6)
    changed = student.clone()
    changed[~mask] = 50.0

    def loss(values: torch.Tensor, which: torch.Tensor, num_tokens: float | None = None) -> float:
        if kind == "tokens":
            return cross_entropy(values, tokens, which, num_tokens=num_tokens).item()
        return forward_kl(values, Dense(teacher) if kind == "dense" else sparse(teacher, 4), which, num_tokens=num_tokens).item()

    assert loss(student, mask) == pytest.approx(loss(changed, mask), rel=1e-6)
    assert loss(student, mask, 12.0) == pytest.approx(loss(student, mask) * 3 / 12, rel=1e-5)
    parts = [loss(student, mask, 6.0), loss(student, ~mask, 6.0)]
    assert sum(parts) == pytest.approx(loss(student, ALL), rel=1e-5)
    with pytest.raises(ValueError, match="no position counts"):
        loss(student, torch.zeros(6, dtype=torch.bool))


def test_a_sparse_target_is_refused_at_another_temperature() -> None:
    student, teacher = logits(2)
    with pytest.raises(ValueError, match="temperature 1"):
        forward_kl(student, sparse(teacher, 4), ALL, temperature=2.0)


@given(SEEDS)
def test_cross_entropy_is_that_of_pytorch(seed: int) -> None:
    student, _ = logits(seed)
    tokens = torch.randint(0, 11, (6,), generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(cross_entropy(student, tokens, ALL), F.cross_entropy(student, tokens))


def test_a_divergence_from_itself_is_nothing() -> None:
    student, _ = logits(3)
    assert forward_kl(student, Dense(student), ALL).item() == pytest.approx(0, abs=1e-6)
    assert forward_kl(student, sparse(student, 3), ALL).item() == pytest.approx(0, abs=1e-6)


def test_a_sure_student_is_told_how_little_it_leaves_to_the_tail() -> None:
    """The student's tail is exp(-30) of its mass, which 1 minus the kept mass cannot hold in float32; float64 is the oracle."""
    student = torch.full((1, 11), -30.0)
    student[0, :3] = torch.tensor([1.0, 0.5, 0.0])
    kept = torch.log(torch.tensor([0.6, 0.2, 0.1]))
    target = Sparse(torch.arange(3), kept, torch.tensor([0, 3]))
    logprobs = torch.log_softmax(student.double(), -1)[0]
    tail = torch.tensor(0.1, dtype=torch.float64)
    expected = (kept.double().exp() * (kept.double() - logprobs[:3])).sum() + tail * (tail.log() - torch.logsumexp(logprobs[3:], -1))
    assert forward_kl(student, target, torch.tensor([True])).item() == pytest.approx(expected.item(), rel=1e-5)
