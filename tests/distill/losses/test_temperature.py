"""The temperature divides both sides' logits, and its square is multiplied in once (Hinton et al. 2015, arXiv 1503.02531)."""

import pytest
import torch

from oracles.plain import CASES, ONE_OF_EACH, Case, distance
from oracles.targets import every_kind, logits, ragged, sparse
from seodang.distill.losses import fused
from seodang.distill.losses.divergence import Written
from seodang.distill.losses.support import SUPPORT
from seodang.distill.losses.target import Dense

ALL = torch.ones(6, dtype=torch.bool)
SIZE = 13
HOT = [(case, kind) for case in ONE_OF_EACH for kind, how in SUPPORT[case.name].items() if how in ("exact", "bound")]


def curvature(case: Case) -> float:
    """The second derivative of each divergence where student and teacher are equal, as a share of that of KL."""
    if case.name == "generalized_jsd":
        beta = case.settings.get("beta", 0.5)
        return beta * (1 - beta) if 0 < beta < 1 else 1.0
    if case.name.startswith("skew"):
        return (1 - case.settings.get("alpha", 0.1)) ** 2
    if case.name == "alpha_beta":
        return SIZE ** (1 - case.settings.get("alpha", 0.2) - case.settings.get("beta", 0.7))
    return 1.0


@pytest.mark.parametrize("case", [case for case in CASES if case.name != "total_variation"], ids=str)
def test_a_hot_gradient_is_that_of_matching_logits(case: Case) -> None:
    """Hinton's limit: 1 / (V T^2) of the difference of the centred logits, so 1 / V of it once T^2 is multiplied in, at every hot T."""
    student, teacher = logits(1).requires_grad_(), logits(2)
    centred = [x - x.mean(-1, keepdim=True) for x in (student.detach(), teacher)]
    expected = curvature(case) * (centred[0] - centred[1]) / SIZE / len(student)
    errors: list[float] = []
    for temperature in (100.0, 1000.0):
        (grad,) = torch.autograd.grad(case.on_logits(student, Dense(teacher), ALL, temperature=temperature), student)
        errors.append(distance(grad, expected))
    assert errors[1] < 5e-3
    assert errors[1] < errors[0] / 5  # the error is of order 1 / T


@pytest.mark.parametrize(("case", "kind"), HOT, ids=str)
def test_the_square_is_multiplied_in_once(case: Case, kind: str) -> None:
    student, teacher = logits(3), logits(4)
    hot = case.on_logits(student, every_kind(teacher, (3.0,))[kind], ALL, temperature=3.0)
    divided = case.on_logits(student / 3, every_kind(teacher / 3)[kind], ALL)
    assert hot.item() == pytest.approx(9 * divided.item(), rel=1e-9)
    assert case.on_logits(student, every_kind(teacher)[kind], ALL, temperature=1.0).item() == pytest.approx(
        case.on_logits(student, every_kind(teacher)[kind], ALL).item()
    )


def test_a_sparse_target_is_refused_where_its_normaliser_is_not_known() -> None:
    student, teacher = logits(5), logits(6)
    for case in ONE_OF_EACH:
        if SUPPORT[case.name]["sparse"] != "refused":
            with pytest.raises(ValueError, match="stored at temperature 1"):
                case.on_logits(student, ragged(teacher, (3.0,)), ALL, temperature=2.0)
        whole = case.on_logits(student, sparse(teacher, [SIZE] * 6), ALL, temperature=2.0)
        assert whole.item() == pytest.approx(case.on_logits(student, Dense(teacher), ALL, temperature=2.0).item(), rel=1e-9)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_a_temperature_that_is_not_above_nothing_is_refused(temperature: float) -> None:
    for case in ONE_OF_EACH:
        with pytest.raises(ValueError, match="not above 0"):
            case.on_logits(logits(1), Dense(logits(2)), ALL, temperature=temperature)


def test_cross_entropy_is_mixed_in_at_temperature_one_only() -> None:
    written = Written(torch.zeros(6, dtype=torch.long), 0.5)
    with pytest.raises(ValueError, match="add the two losses"):
        fused.linear(
            Case("forward_kl").divergence(2.0), logits(1), torch.eye(SIZE, dtype=torch.float64), Dense(logits(2)), ALL, written=written
        )
