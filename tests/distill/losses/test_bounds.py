"""What theory says of every divergence: nothing for equals, never below, bounded by what the bucket joins, and by ln 2."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles.plain import CASES, ONE_OF_EACH, Case, distance
from oracles.targets import every_kind, logits, sparse
from seodang.distill.losses.divergence import Divergence
from seodang.distill.losses.support import SUPPORT
from seodang.distill.losses.target import Dense, Sparse

SEEDS = st.integers(0, 10_000)
SCALES = st.floats(0.1, 12)
ALL = torch.ones(6, dtype=torch.bool)
SIZE = 13
TAUGHT = [(case, kind) for case in CASES for kind, how in SUPPORT[case.name].items() if how != "refused"]
BOUNDED = [case for case in CASES if SUPPORT[case.name]["sparse"] == "bound"]


@pytest.mark.parametrize("case", BOUNDED, ids=str)
@settings(max_examples=15, deadline=None)
@given(SEEDS, SCALES, st.integers(1, SIZE), st.integers(0, SIZE))
def test_a_longer_head_loses_less_and_a_whole_one_nothing(case: Case, seed: int, scale: float, k: int, more: int) -> None:
    """Joining outcomes into one bucket can only lose an f-divergence (the data processing inequality)."""
    student, teacher = logits(seed, scale=scale), logits(seed + 1, scale=scale)
    short, long, whole = (case.on_logits(student, sparse(teacher, [n] * 6), ALL).item() for n in (k, min(SIZE, k + more), SIZE))
    rounding = 1e-5 * (1 + whole)  # a tail below 1e-7 counts as 1e-7
    assert -rounding <= short <= long + rounding
    assert long <= whole + rounding
    assert whole == pytest.approx(case.on_logits(student, Dense(teacher), ALL).item(), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("case", "kind"), [entry for entry in TAUGHT if entry[1] != "sampled"], ids=str)
@given(SEEDS, SCALES)
@settings(max_examples=5, deadline=None)
def test_equals_do_not_diverge_and_nothing_is_below(case: Case, kind: str, seed: int, scale: float) -> None:
    student, teacher = logits(seed, scale=scale), logits(seed + 1, scale=scale)
    leaf = teacher.clone().requires_grad_()
    same = case.on_logits(leaf, every_kind(teacher)[kind], ALL)
    assert same.item() == pytest.approx(0, abs=1e-6)
    if case.name != "total_variation":  # which has a kink there
        assert torch.autograd.grad(same, leaf)[0].abs().max() < 1e-6
    assert case.on_logits(student, every_kind(teacher)[kind], ALL).item() >= -1e-6


@given(SEEDS, st.floats(0.05, 0.95), st.floats(0.1, 400))
@settings(max_examples=60, deadline=None)
def test_the_jensen_shannon_divergence_never_passes_the_entropy_of_beta(seed: int, beta: float, scale: float) -> None:
    """Which is ln 2 at most, and reached where the two have nothing in common; exchanging them exchanges beta and 1 - beta."""
    student, teacher = (logits(seed + side, scale=scale, dtype=torch.float32) for side in (0, 1))
    entropy = -beta * math.log(beta) - (1 - beta) * math.log1p(-beta)
    case, exchanged = Case("generalized_jsd", {"beta": beta}), Case("generalized_jsd", {"beta": 1 - beta})
    found = case.on_logits(student, Dense(teacher), ALL).item()
    assert found <= entropy * (1 + 1e-6) <= math.log(2) * (1 + 2e-6)
    assert found == pytest.approx(exchanged.on_logits(teacher, Dense(student), ALL).item(), rel=1e-4, abs=1e-6)
    apart = torch.zeros(1, 4).index_fill_(1, torch.tensor([0, 1]), 200.0)
    assert case.on_logits(apart, Dense(-apart), ALL[:1]).item() == pytest.approx(entropy, rel=1e-6)


@given(SEEDS, st.floats(0.1, 400))
@settings(max_examples=40, deadline=None)
def test_total_variation_is_at_most_one_and_bounded_by_the_divergence(seed: int, scale: float) -> None:
    """Pinsker: half the sum of |p - q| is at most sqrt(KL / 2), at each position."""
    student, teacher = (logits(seed + side, 1, scale=scale) for side in (0, 1))
    apart = Case("total_variation").on_logits(student, Dense(teacher), ALL[:1]).item()
    for name in ("forward_kl", "reverse_kl"):
        divergence = Case(name).on_logits(student, Dense(teacher), ALL[:1]).item()
        assert apart <= min(1.0, math.sqrt(max(divergence, 0.0) / 2)) + 1e-7  # a rounding of 1e-16 is 1e-8 under the root


@pytest.mark.parametrize(("case", "kind"), TAUGHT, ids=str)
@given(SEEDS, st.floats(-50, 50))
@settings(max_examples=4, deadline=None)
def test_what_is_added_to_all_logits_of_a_position_changes_nothing(case: Case, kind: str, seed: int, shift: float) -> None:
    """So the derivative of a position sums to nothing."""
    student, target = logits(seed).requires_grad_(), every_kind(logits(seed + 1))[kind]
    shifts = shift * torch.linspace(-1, 1, 6, dtype=torch.float64)[:, None]
    plain, moved = (case.on_logits(x, target, ALL) for x in (student, student + shifts))
    assert moved.item() == pytest.approx(plain.item(), rel=1e-9, abs=1e-10)
    grad, moved_grad = (torch.autograd.grad(x, student)[0] for x in (plain, moved))
    assert distance(moved_grad, grad) < 1e-9
    assert grad.sum(-1).abs().max() < 1e-12


@pytest.mark.parametrize("kept", [1, 4, 9], ids="{} kept".format)
@pytest.mark.parametrize(("case", "kind"), TAUGHT, ids=str)
def test_columns_that_no_token_has_are_as_if_they_were_not_there(case: Case, kind: str, kept: int) -> None:
    """A vocabulary that was padded for speed: minus infinity on both sides gives finite numbers, and no gradient there."""
    teacher = logits(1, size=9)
    cut = sparse(teacher, [kept] * 6) if kind == "sparse" else every_kind(teacher)[kind]
    nothing = torch.full((6, 4), float("-inf"), dtype=torch.float64)
    padded = Dense(torch.cat([teacher, nothing], 1)) if kind in ("dense", "hidden") else cut
    student = logits(2, size=9).requires_grad_()
    wanted = case.on_logits(student, cut, ALL)
    found = case.on_logits(torch.cat([student, nothing], 1), padded, ALL)
    assert found.item() == pytest.approx(wanted.item(), rel=1e-9)
    assert distance(torch.autograd.grad(found, student)[0], torch.autograd.grad(wanted, student)[0]) < 1e-9
    wide = torch.cat([student.detach(), nothing], 1).requires_grad_()
    (grad,) = torch.autograd.grad(case.on_logits(wide, padded, ALL), wide)
    assert grad.isfinite().all()
    assert (grad[:, 9:] == 0).all()


@pytest.mark.parametrize("name", ["reverse_kl", "forward_kl"])
@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_what_is_impossible_for_one_side_alone_costs_infinity(name: str, kind: str) -> None:
    """Neither a clamp nor a nan hides that a student allows what the teacher excludes, or the other way round."""
    allowed, excluded = torch.zeros(1, 3), torch.tensor([[0.0, 0.0, float("-inf")]])
    student, teacher = (allowed, excluded) if name == "reverse_kl" else (excluded, allowed)
    target = Dense(teacher) if kind == "dense" else sparse(teacher, [3])
    assert Case(name).on_logits(student, target, ALL[:1]).item() == math.inf


def test_a_sure_student_is_told_how_little_it_leaves_to_the_tail() -> None:
    """The student's tail is exp(-30) of its mass, which 1 minus the kept mass cannot hold in float32; float64 is the oracle."""
    student = torch.full((1, 11), -30.0)
    student[0, :3] = torch.tensor([1.0, 0.5, 0.0])
    kept = torch.log(torch.tensor([0.6, 0.2, 0.1]))
    target = Sparse(torch.arange(3), kept, torch.tensor([0, 3]))
    logprobs = torch.log_softmax(student.double(), -1)[0]
    tail = torch.tensor(0.1, dtype=torch.float64)
    expected = (kept.double().exp() * (kept.double() - logprobs[:3])).sum() + tail * (tail.log() - torch.logsumexp(logprobs[3:], -1))
    assert Case("forward_kl").on_logits(student, target, ALL[:1]).item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("case", [case for case in ONE_OF_EACH if case in BOUNDED], ids=str)
def test_what_is_least_holds_the_kept_probabilities_and_the_tails_mass(case: Case) -> None:
    """A free distribution that is fitted to a head and its bucket ends at the teacher's probabilities, whatever was left in the tail."""
    teacher = logits(4, scale=1.0)
    target, student = sparse(teacher, [4] * 6), logits(5, scale=1.0).requires_grad_()
    optimizer = torch.optim.Adam([student], lr=0.1)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.985)
    for _ in range(400):
        optimizer.zero_grad()
        case.on_logits(student, target, ALL).backward()
        optimizer.step()
        schedule.step()
    p, q = torch.softmax(teacher, -1), torch.softmax(student.detach(), -1)
    ids = target.ids.view(6, 4)
    assert (q.gather(1, ids) - p.gather(1, ids)).abs().max() < 5e-3


def test_a_divergence_is_a_value_that_says_what_it_is() -> None:
    assert all(isinstance(case.divergence(2.0), Divergence) and case.divergence(2.0).name == case.name for case in CASES)
