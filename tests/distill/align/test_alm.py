"""Approximate likelihood matching against PyTorch's own divergence and autograd in float64, on random shapes, and its limits."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from seodang.distill.align.alm import alm, coin_divergence
from seodang.distill.align.boundary import Boundary, boundary_logprobs, merge_chunks
from seodang.distill.align.chunks import Chunks
from seodang.distill.align.surprisal import set_surprisal, surprisal

SEEDS = st.integers(0, 10_000)
V_TEACHER, V_STUDENT = 17, 11


def slices(lengths: list[int]) -> torch.Tensor:
    stops = torch.tensor(lengths).cumsum(0)
    return torch.stack([stops - torch.tensor(lengths), stops], -1)


def case(seed: int, scale: float = 2.0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, Chunks, Boundary]:
    """Student's logits and ids, the teacher's log-probabilities, chunks of 1 to 3 tokens on both sides, and the ends of words."""
    draw = torch.Generator().manual_seed(seed)
    lengths = [torch.randint(1, 4, (6,), generator=draw).tolist() for _ in range(2)]
    num_teacher, num_student = (sum(row) for row in lengths)
    chunks = Chunks(slices(lengths[0]), slices(lengths[1]), torch.tensor([True] * 5 + [False]), num_teacher, num_student)
    student = torch.randn(num_student, V_STUDENT, generator=draw) * scale
    teacher = torch.log_softmax(torch.randn(num_teacher, V_TEACHER, generator=draw) * scale, -1)
    tokens_t = torch.randint(0, V_TEACHER, (num_teacher,), generator=draw)
    tokens_s = torch.randint(0, V_STUDENT, (num_student,), generator=draw)
    begins = torch.arange(V_STUDENT) % 3 == 0
    boundary = Boundary(boundary_logprobs(teacher, torch.arange(V_TEACHER) % 4 == 0), begins)
    return student, tokens_s, teacher.gather(1, tokens_t[:, None])[:, 0], chunks, boundary


def plain(
    student: torch.Tensor, ids: torch.Tensor, teacher: torch.Tensor, chunks: Chunks, tau: float, boundary: Boundary | None, num: float
) -> torch.Tensor:
    """The loss chunk by chunk with torch's log_softmax and its divergence of two distributions over heads and tails."""
    logprobs = torch.log_softmax(student, -1)
    total = student.new_zeros(())
    for place, ((start, stop), (first, last)) in enumerate(zip(chunks.teacher.tolist(), chunks.student.tolist(), strict=True)):
        log_p = teacher[start:stop].to(student.dtype).sum()
        log_q = logprobs[torch.arange(first, last), ids[first:last]].sum()
        if boundary is not None and chunks.followed[place]:
            log_p = log_p + boundary.teacher[stop].to(student.dtype)
            log_q = log_q + logprobs[last].exp()[boundary.student].sum().log()
        p, q = (torch.stack([x / tau, torch.log(-torch.expm1(x / tau))]) for x in (log_p, log_q))
        total = total + F.kl_div(q, p, reduction="sum", log_target=True)
    return tau * total / num


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.sampled_from([1.0, 3.0, 100.0]), st.floats(0.1, 6), st.booleans())
def test_value_and_gradient_are_those_of_float64_autograd(seed: int, tau: float, scale: float, debiased: bool) -> None:
    student, ids, teacher, chunks, ends = case(seed, scale)
    boundary = ends if debiased else None
    exact = student.double().requires_grad_()
    expected = plain(exact, ids, teacher, chunks, tau, boundary, 6)
    (expected_grad,) = torch.autograd.grad(expected, exact)
    for dtype, rtol in ((torch.float64, 1e-9), (torch.float32, 1e-5)):
        values = student.to(dtype).requires_grad_()
        found = alm(values, ids, teacher, chunks, tau=tau, boundary=boundary)
        (grad,) = torch.autograd.grad(found, values)
        assert found.dtype == grad.dtype == dtype
        size = expected_grad.abs().max().item()
        torch.testing.assert_close(found.double(), expected.detach(), rtol=rtol, atol=rtol * 0.1)
        torch.testing.assert_close(grad.double(), expected_grad, rtol=10 * rtol, atol=rtol * max(size, 0.1))


@settings(max_examples=6, deadline=None)
@given(SEEDS, st.booleans())
def test_the_gradient_passes_a_numerical_check(seed: int, debiased: bool) -> None:
    student, ids, teacher, chunks, boundary = case(seed, 1.0)
    values = student.double().requires_grad_()
    torch.autograd.gradcheck(lambda x: alm(x, ids, teacher, chunks, tau=5.0, boundary=boundary if debiased else None), (values,))


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.sampled_from([1.0, 100.0]))
def test_it_is_never_negative_and_nothing_where_the_likelihoods_are_equal(seed: int, tau: float) -> None:
    student, ids, teacher, chunks, _ = case(seed)
    assert alm(student, ids, teacher, chunks, tau=tau).item() >= 0
    own = torch.log_softmax(student, -1)[torch.arange(len(ids)), ids]
    same = Chunks(chunks.student, chunks.student, chunks.followed, len(ids), len(ids))
    values = student.clone().requires_grad_()
    loss = alm(values, ids, own, same, tau=tau)
    (grad,) = torch.autograd.grad(loss, values)
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert grad.abs().max().item() < 1e-5


def test_a_high_tau_tends_to_a_divergence_of_the_log_likelihoods() -> None:
    """a log(a / b) + b - a, where a and b are the surprisals; and the size of the loss does not fall with tau."""
    a, b = torch.tensor([0.3, 5.0, 40.0], dtype=torch.float64), torch.tensor([2.0, 0.1, 41.0], dtype=torch.float64)
    limit = a * (a / b).log() + b - a
    torch.testing.assert_close(coin_divergence(a, b, 1e6), limit, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(coin_divergence(a, b, 100.0), limit, rtol=0.2, atol=1e-3)


def test_a_sure_student_and_a_sure_teacher_have_finite_losses() -> None:
    """Gaps of 80 nats between logits: 1 - q is 1e-35, which float32 cannot tell from nothing by subtraction. Float64 is the oracle."""
    student = torch.zeros(2, 5)
    student[:, 1] = 80.0
    chunks = Chunks(slices([1]), slices([2]), torch.tensor([False]), 1, 2)
    for logprob in (0.0, -0.5, -60.0):
        values = student.clone().requires_grad_()
        loss = alm(values, torch.tensor([1, 1]), torch.tensor([logprob]), chunks)
        (grad,) = torch.autograd.grad(loss, values)
        sure = torch.tensor([2 * 4 * math.exp(-80)], dtype=torch.float64)
        assert loss.item() == pytest.approx(coin_divergence(-torch.tensor([logprob]).double(), sure, 100.0).item(), rel=1e-6)
        assert grad.isfinite().all()
        assert grad.abs().max().item() <= -logprob + 1e-6
        assert grad.sum().item() == pytest.approx(0, abs=1e-5)


def test_tokens_that_cannot_be_written_do_not_spoil_the_gradient() -> None:
    """Logits of minus infinity, as of a model's unused rows: also where only one token, or none of a set, is left."""
    logits = torch.full((2, 4), float("-inf"))
    logits[0, 1], logits[1, 1:3] = 0.5, torch.tensor([1.0, 1.0])
    rows, values = torch.arange(2), logits.clone().requires_grad_()
    found = surprisal(values, rows, torch.tensor([1, 2]))
    (grad,) = torch.autograd.grad(found.sum(), values)
    torch.testing.assert_close(found.detach(), torch.tensor([0.0, math.log(2)], dtype=torch.float64))
    torch.testing.assert_close(grad, torch.tensor([[0.0, 0, 0, 0], [0, 0.5, -0.5, 0]]))
    mass = set_surprisal(values, rows, torch.tensor([True, True, False, False]))
    (grad,) = torch.autograd.grad(mass.sum(), values)
    torch.testing.assert_close(grad, torch.tensor([[0.0, 0, 0, 0], [0, -0.5, 0.5, 0]]))


def test_only_chunks_of_the_mask_count_and_the_sum_is_divided_as_told() -> None:
    student, ids, teacher, chunks, boundary = case(3)
    mask = torch.tensor([True, False, True, True, False, False])
    parts = [alm(student, ids, teacher, chunks, part, num_chunks=6.0, boundary=boundary).item() for part in (mask, ~mask)]
    assert sum(parts) == pytest.approx(alm(student, ids, teacher, chunks, boundary=boundary).item(), rel=1e-5)
    assert alm(student, ids, teacher, chunks, mask, boundary=boundary).item() == pytest.approx(2 * parts[0], rel=1e-5)
    values = student.clone().requires_grad_()
    (grad,) = torch.autograd.grad(alm(values, ids, teacher, chunks, mask), values)
    counted = {row for start, stop in chunks.student[mask].tolist() for row in range(start, stop)}
    assert {row for row in range(len(grad)) if grad[row].any()} == counted
    with pytest.raises(ValueError, match="no position counts"):
        alm(student, ids, teacher, chunks, torch.zeros(6, dtype=torch.bool))


@pytest.mark.parametrize("wrong", [float("nan"), float("-inf"), 0.5])
def test_what_is_no_log_probability_is_refused(wrong: float) -> None:
    student, ids, teacher, chunks, _ = case(4)
    teacher[2] = wrong
    with pytest.raises(ValueError, match="not a natural-log probability"):
        alm(student, ids, teacher, chunks)


def test_what_does_not_fit_is_refused() -> None:
    student, ids, teacher, chunks, _ = case(5)
    with pytest.raises(ValueError, match="rows of logits"):
        alm(student[1:], ids, teacher, chunks)
    with pytest.raises(ValueError, match="teacher tokens"):
        alm(student, ids, teacher[1:], chunks)
    with pytest.raises(ValueError, match="not above 0"):
        alm(student, ids, teacher, chunks, tau=0.0)


def test_the_end_of_a_word_makes_agreeing_models_equal() -> None:
    """Both say "comp" at 0.27 and "computer" at 0.63; one writes "computer" as two tokens, the other as one."""
    one = torch.tensor([[0.9, 1e-9, 0.1], [1e-9, 0.7, 0.3]]).log()  # comp, uter, " x"
    other = torch.tensor([[0.27, 0.63, 0.1], [1e-9, 1e-9, 1.0]]).log()  # comp, computer, " x"
    ids, begins = torch.tensor([0, 2]), torch.tensor([False, False, True])
    pairs = torch.tensor([[0, 1], [1, 2]])
    chunks, first = Chunks(pairs, pairs, torch.tensor([True, False]), 2, 2), torch.tensor([True, False])
    teacher = one[torch.arange(2), ids]
    boundary = Boundary(boundary_logprobs(one, begins), begins)
    assert alm(other, ids, teacher, chunks, first).item() > 0.1
    assert alm(other, ids, teacher, chunks, first, boundary=boundary).item() == pytest.approx(0, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.floats(0, 1))
def test_merged_chunks_cover_the_same_and_end_where_words_may(seed: int, threshold: float) -> None:
    _, _, _, chunks, boundary = case(seed)
    merged = merge_chunks(chunks, boundary.teacher, threshold)
    for old, new in ((chunks.teacher, merged.teacher), (chunks.student, merged.student)):
        assert (new[0, 0], new[-1, 1]) == (old[0, 0], old[-1, 1])
        assert new[1:, 0].tolist() == new[:-1, 1].tolist()
        assert set(new[:, 1].tolist()) <= set(old[:, 1].tolist())
    ends = {stop for stop in chunks.teacher[:-1, 1].tolist() if math.exp(boundary.teacher[stop]) > threshold}
    assert set(merged.teacher[:-1, 1].tolist()) == ends


def test_chunks_of_two_texts_are_not_merged() -> None:
    """The first text ends after its second chunk; in the second one, a token stands between the chunks that belongs to none."""
    pairs = torch.tensor([[0, 1], [1, 2], [2, 3], [4, 5]])
    chunks = Chunks(pairs, pairs, torch.tensor([True, False, True, False]), 5, 5)
    merged = merge_chunks(chunks, torch.full((5,), -30.0))
    assert merged.teacher.tolist() == [[0, 2], [2, 3], [4, 5]]
    assert merged.followed.tolist() == [False, True, False]
