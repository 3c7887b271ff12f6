"""Every loss on every path is its formula, differentiated by autograd in float64: to rounding in float64, to 1e-5 in float32."""

from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles.plain import CASES, ONE_OF_EACH, Case, by_formula, cross_entropy, distance
from oracles.targets import every_kind, logits
from seodang.distill.losses import divergence, fused
from seodang.distill.losses.divergence import Written
from seodang.distill.losses.support import SUPPORT

SIZE, WIDTH = 13, 5
SEEDS = st.integers(0, 10_000)
DTYPES = [(torch.float64, 1e-11), (torch.float32, 1e-5)]
TAUGHT = [(case, kind) for case in CASES for kind, how in SUPPORT[case.name].items() if how != "refused"]


@pytest.fixture(autouse=True, scope="module")
def small_pieces() -> Iterator[None]:
    """A vocabulary is looked at in three pieces, and the fused path holds few positions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(divergence, "_COLUMNS", 5)
        patch.setitem(fused._CHUNK_BYTES, "cpu", 3 * 8 * SIZE)
        yield


def made(seed: int, rows: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Hidden states, a head, the teacher's logits, and a mask with at least one position."""
    mask = torch.rand(rows, generator=torch.Generator().manual_seed(seed)) < 0.7
    mask[seed % rows] = True
    return logits(seed, rows, WIDTH, 1.0), logits(seed + 1, SIZE, WIDTH, 1.0), logits(seed + 2, rows, SIZE), mask


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES, ids=["float64", "float32"])
@pytest.mark.parametrize(("case", "kind"), TAUGHT, ids=str)
@settings(max_examples=4, deadline=None)
@given(SEEDS, st.integers(1, 7), st.sampled_from([1.0, 0.7, 3.0]), st.sampled_from([None, 2.5]))
def test_value_and_gradient_on_both_paths(
    case: Case,
    kind: str,
    dtype: torch.dtype,
    tolerance: float,
    seed: int,
    rows: int,
    temperature: float,
    num_tokens: float | None,
) -> None:
    temperature = 1.0 if kind == "sampled" else temperature
    inputs = [x.to(dtype) for x in made(seed, rows)[:3]]
    mask = made(seed, rows)[3]
    exact = [x.double() for x in inputs]
    target = every_kind(inputs[2], (temperature,))[kind]
    rounding = tolerance / 10 * max(1.0, temperature**2)
    hidden, head = (x.requires_grad_() for x in exact[:2])
    student = hidden @ head.T
    wanted = by_formula(case.formula, student, exact[2], target, mask, temperature, num_tokens)
    by_logits, by_hidden, by_head = torch.autograd.grad(wanted, [student, hidden, head])

    options = {"temperature": temperature, "num_tokens": num_tokens}
    leaf = student.detach().to(dtype).requires_grad_()
    found = case.on_logits(leaf, target, mask, **options)
    assert found.item() == pytest.approx(wanted.item(), rel=tolerance, abs=rounding)
    assert distance(torch.autograd.grad(found, leaf)[0], by_logits) < tolerance

    states, weights = (x.detach().to(dtype).requires_grad_() for x in (hidden, head))
    found = case.on_hidden(states, weights, target, mask, **options)
    assert found.item() == pytest.approx(wanted.item(), rel=tolerance, abs=rounding)
    grads = torch.autograd.grad(found, [states, weights])
    assert distance(grads[0], by_hidden) < 3 * tolerance  # a sum over the vocabulary that partly cancels
    assert distance(grads[1], by_head) < tolerance


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES, ids=["float64", "float32"])
@pytest.mark.parametrize(
    ("case", "kind"), [(case, kind) for case in ONE_OF_EACH for kind in SUPPORT[case.name] if (case, kind) in TAUGHT], ids=str
)
@settings(max_examples=3, deadline=None)
@given(SEEDS, st.integers(1, 7), st.sampled_from([0.1, 0.5, 0.9, 1.0]))
def test_cross_entropy_is_mixed_in_by_its_share(
    case: Case, kind: str, dtype: torch.dtype, tolerance: float, seed: int, rows: int, share: float
) -> None:
    hidden, head, teacher, mask = made(seed, rows)
    ids = torch.randint(SIZE, (rows,), generator=torch.Generator().manual_seed(seed))
    hidden, head = hidden.to(dtype).double().requires_grad_(), head.to(dtype).double().requires_grad_()
    student = hidden @ head.T
    target = every_kind(teacher.to(dtype))[kind]
    wanted = (1 - share) * by_formula(case.formula, student, teacher, target, mask)
    wanted = wanted + share * cross_entropy(student, ids, mask)
    expected = torch.autograd.grad(wanted, [hidden, head])
    states, weights = (x.detach().to(dtype).requires_grad_() for x in (hidden, head))
    found = fused.linear(case.divergence(), states, weights, target, mask, written=Written(ids, share))
    assert found.item() == pytest.approx(wanted.item(), rel=tolerance)
    for grad, exact in zip(torch.autograd.grad(found, [states, weights]), expected, strict=True):
        assert distance(grad, exact) < 3 * tolerance


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES, ids=["float64", "float32"])
@pytest.mark.parametrize(
    ("case", "kind"), [(case, kind) for case in ONE_OF_EACH for kind in SUPPORT[case.name] if (case, kind) in TAUGHT], ids=str
)
def test_each_position_may_have_its_own_share(case: Case, kind: str, dtype: torch.dtype, tolerance: float) -> None:
    """Against the positions one by one, each with its share for all of them; the mask leaves one out."""
    hidden, head, teacher, mask = made(11, 6)
    ids, target = torch.randint(SIZE, (6,), generator=torch.Generator().manual_seed(11)), every_kind(teacher.to(dtype))[kind]
    shares = torch.tensor([0.0, 0.1, 0.5, 0.9, 1.0, 0.3], dtype=torch.float64)
    states, weights = (x.detach().to(dtype).requires_grad_() for x in (hidden, head))
    found = fused.linear(case.divergence(), states, weights, target, mask, num_tokens=6, written=Written(ids, shares))
    alone = [torch.arange(6) == place for place in mask.nonzero()[:, 0].tolist()]
    wanted = torch.stack(
        [
            fused.linear(case.divergence(), states, weights, target, one, num_tokens=6, written=Written(ids, shares[one].item()))
            for one in alone
        ]
    ).sum()
    assert found.item() == pytest.approx(wanted.item(), rel=tolerance)
    for grad, exact in zip(*(torch.autograd.grad(x, [states, weights]) for x in (found, wanted)), strict=True):
        assert distance(grad, exact.double()) < 3 * tolerance


@pytest.mark.parametrize(
    ("alpha", "beta"),
    [(0.0, 0.4), (0.0, -0.4), (0.4, 0.0), (-0.4, 0.0), (0.4, -0.4), (-0.4, 0.4), (0.0, 0.0), (1.0, 0.0), (0.0, 1.0)],
)
def test_where_a_divisor_of_alpha_beta_is_zero_it_is_the_limit(alpha: float, beta: float) -> None:
    """The mean of both sides' neighbours: the divergence is smooth there, so what is left of their difference is of second order."""
    student, teacher = logits(1).requires_grad_(), logits(2)
    mask, step = torch.ones(6, dtype=torch.bool), 1e-4
    near: list[torch.Tensor] = []
    for sign in (1, -1):
        case = Case("alpha_beta", {"alpha": alpha + sign * step, "beta": beta + 2 * sign * step})
        near.append(torch.stack([x.sum() for x in graded(case, student, teacher, mask)]))
        near.append(graded(case, student, teacher, mask)[1].flatten())
    value, grad = graded(Case("alpha_beta", {"alpha": alpha, "beta": beta}), student, teacher, mask)
    assert value.item() == pytest.approx((near[0][0] + near[2][0]).item() / 2, rel=1e-5)
    assert distance(grad.flatten(), (near[1] + near[3]) / 2) < 1e-5


def graded(case: Case, student: torch.Tensor, teacher: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The value and its derivative by the student's logits."""
    loss = case.on_logits(student, every_kind(teacher)["dense"], mask)
    return loss.detach(), torch.autograd.grad(loss, student)[0]


@pytest.mark.parametrize(("case", "kind"), TAUGHT, ids=str)
def test_half_precision_costs_half_precision(case: Case, kind: str) -> None:
    """Numbers of bfloat16 have 8 bits; what is summed of them is float32, so the loss of rounded inputs is near exact."""
    hidden, head, teacher, mask = made(7, 6)
    states, weights = (x.to(torch.bfloat16).requires_grad_() for x in (hidden, head))
    target = every_kind(teacher)[kind]
    exact = [x.detach().double().requires_grad_() for x in (states, weights)]
    wanted = by_formula(case.formula, exact[0] @ exact[1].T, teacher, target, mask)
    found = case.on_hidden(states, weights, every_kind(teacher.to(torch.bfloat16).double())[kind], mask)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(wanted.item(), rel=2e-2)
    leaf = (exact[0] @ exact[1].T).detach().to(torch.bfloat16).requires_grad_()
    (by_logits,) = torch.autograd.grad(case.on_logits(leaf, target, mask), leaf)
    rounded = leaf.detach().double().requires_grad_()
    (by_exact,) = torch.autograd.grad(by_formula(case.formula, rounded, teacher, target, mask), rounded)
    assert by_logits.dtype == torch.bfloat16
    assert distance(by_logits, by_exact) < 5e-3
