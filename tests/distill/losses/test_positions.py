"""Which positions count, and what the sum over them is divided by."""

from itertools import pairwise

import pytest
import torch

from oracles.plain import ONE_OF_EACH, Case, distance
from oracles.targets import every_kind, logits
from seodang.distill.losses import fused
from seodang.distill.losses.cross_entropy import cross_entropy
from seodang.distill.losses.support import SUPPORT
from seodang.distill.losses.target import Dense

ROWS, SIZE = 9, 13
MASK = torch.tensor([True, False, True, True, False, False, True, True, False])
TAUGHT = [(case, kind) for case in ONE_OF_EACH for kind, how in SUPPORT[case.name].items() if how != "refused"]
CUTS = [(0, 4, 5, ROWS), (0, 1, ROWS), (0, 3, 4, 6, ROWS)]  # micro-batches of different sizes, one of them with nothing that counts


@pytest.mark.parametrize("path", ["logits", "fused"])
@pytest.mark.parametrize(("case", "kind"), TAUGHT, ids=str)
def test_uneven_micro_batches_add_up_to_the_whole(case: Case, kind: str, path: str) -> None:
    """Each is divided by the tokens of the whole step, so that values and gradients are those of one large batch."""
    student, head = logits(1, ROWS, 5).requires_grad_(), logits(2, SIZE, 5).requires_grad_()
    target = every_kind(logits(3, ROWS, SIZE))[kind]

    def loss(rows: slice, num_tokens: float | None) -> torch.Tensor:
        part = target.take(torch.arange(ROWS)[rows])
        if path == "fused":
            return case.on_hidden(student[rows], head, part, MASK[rows], num_tokens=num_tokens)
        return case.on_logits(student[rows] @ head.T, part, MASK[rows], num_tokens=num_tokens)

    whole = loss(slice(0, ROWS), None)
    expected = torch.autograd.grad(whole, [student, head])
    for cuts in CUTS:
        parts = sum((loss(slice(a, b), float(MASK.sum())) for a, b in pairwise(cuts)), torch.zeros(()))
        assert parts.item() == pytest.approx(whole.item(), rel=1e-12)
        for found, wanted in zip(torch.autograd.grad(parts, [student, head]), expected, strict=True):
            assert distance(found, wanted) < 1e-12


@pytest.mark.parametrize("path", ["logits", "fused"])
@pytest.mark.parametrize(("case", "kind"), TAUGHT, ids=str)
def test_a_position_that_does_not_count_is_not_even_read(case: Case, kind: str, path: str) -> None:
    """Prompts and padding may hold anything; they get no gradient."""
    student = logits(1, ROWS, SIZE)
    target = every_kind(logits(3, ROWS, SIZE))[kind]
    spoilt = student.clone()
    spoilt[~MASK] = float("nan")
    spoilt.requires_grad_()
    identity = torch.eye(SIZE, dtype=torch.float64)
    found = case.on_hidden(spoilt, identity, target, MASK) if path == "fused" else case.on_logits(spoilt, target, MASK)
    assert found.item() == pytest.approx(case.on_logits(student, target, MASK).item(), rel=1e-12)
    (grad,) = torch.autograd.grad(found, spoilt)
    assert (grad[~MASK] == 0).all()
    assert (grad[MASK].abs().sum(-1) > 0).all()


@pytest.mark.parametrize("case", ONE_OF_EACH, ids=str)
def test_a_mask_without_positions_is_refused_unless_it_is_part_of_a_step(case: Case) -> None:
    student, head, target = logits(1, ROWS, SIZE), torch.eye(SIZE, dtype=torch.float64), Dense(logits(2, ROWS, SIZE))
    none = torch.zeros(ROWS, dtype=torch.bool)
    for loss in (
        lambda **options: case.on_logits(student, target, none, **options),
        lambda **o: case.on_hidden(student, head, target, none, **o),
    ):
        with pytest.raises(ValueError, match="no position counts"):
            loss()
        with pytest.raises(ValueError, match="no position counts"):
            loss(num_tokens=0.0)
        assert loss(num_tokens=4.0).item() == 0.0


def test_the_gradient_is_that_of_a_weighted_sum() -> None:
    """A loss that is multiplied and added to others gives its part of the gradient, fused or not."""
    student, identity = logits(1, ROWS, SIZE).requires_grad_(), torch.eye(SIZE, dtype=torch.float64).requires_grad_()
    target, tokens = Dense(logits(2, ROWS, SIZE)), torch.arange(ROWS)
    for case in ONE_OF_EACH:
        mixed = 0.3 * case.on_hidden(student, identity, target, MASK) + 0.7 * fused.cross_entropy(student, identity, tokens, MASK)
        plain = 0.3 * case.on_logits(student @ identity.T, target, MASK) + 0.7 * cross_entropy(student @ identity.T, tokens, MASK)
        for found, wanted in zip(*(torch.autograd.grad(x, [student, identity]) for x in (mixed, plain)), strict=True):
            assert distance(found, wanted) < 1e-12
