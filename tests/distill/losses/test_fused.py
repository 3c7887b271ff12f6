"""The fused path holds the logits of a few positions at a time, and cuts where it likes without changing the result."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from oracles.plain import CASES, ONE_OF_EACH, Case, distance
from oracles.targets import every_kind, logits
from seodang.distill.losses import divergence, fused
from seodang.distill.losses.divergence import Written
from seodang.distill.losses.support import SUPPORT
from seodang.distill.losses.target import Hidden

ROWS, WIDTH, SIZE = 96, 8, 600
MASK = torch.arange(ROWS) % 5 != 0
TAUGHT = [(case, kind) for case in ONE_OF_EACH for kind, how in SUPPORT[case.name].items() if how != "refused"]


class Largest(TorchDispatchMode):
    """The numbers in the largest tensor that any operation gave."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else (result,):
            if isinstance(tensor, torch.Tensor):
                self.numbers = max(self.numbers, tensor.numel())
        return result


@contextmanager
def holding(positions: int) -> Generator[None, None, None]:
    """The fused path holds so many positions of a live teacher and the student, or twice as many of the student alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(fused._CHUNK_BYTES, "cpu", positions * 2 * 8 * SIZE)
        yield


@pytest.mark.parametrize(("case", "kind"), TAUGHT, ids=str)
def test_logits_of_all_positions_are_never_held(case: Case, kind: str) -> None:
    hidden, head = logits(1, ROWS, WIDTH).requires_grad_(), logits(2, SIZE, WIDTH).requires_grad_()
    target = every_kind(logits(3, ROWS, WIDTH) @ logits(4, SIZE, WIDTH).T)[kind]
    if kind == "hidden":
        target = Hidden(logits(3, ROWS, WIDTH), logits(4, SIZE, WIDTH))
    kept = max((x.numel() for x in (getattr(target, "ids", None),) if x is not None), default=0)
    with holding(4), Largest() as largest:
        case.on_hidden(hidden, head, target, MASK).backward()
    if kind == "sparse":  # heads of half the vocabulary on average: what is kept is held
        assert largest.numbers <= max(kept, 8 * SIZE, SIZE * WIDTH)
    else:
        assert largest.numbers <= max(8 * SIZE, SIZE * WIDTH)
    with Largest() as plain:
        case.on_logits(hidden @ head.T, target, MASK).backward()
    assert plain.numbers >= ROWS * SIZE  # the measure sees logits where they are held


@pytest.mark.parametrize("columns", [7, 600, 2048])
@pytest.mark.parametrize("positions", [1, 5, 1000])
def test_where_it_is_cut_does_not_matter(positions: int, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden, head = logits(1, ROWS, WIDTH).requires_grad_(), logits(2, SIZE, WIDTH, 0.5).requires_grad_()
    targets = every_kind(logits(3, ROWS, SIZE))
    written = Written(torch.arange(ROWS), 0.25)
    monkeypatch.setattr(divergence, "_COLUMNS", columns)
    for case, kind in TAUGHT[:: 1 if positions == 5 else 5]:
        with holding(positions):
            found = fused.linear(case.divergence(), hidden, head, targets[kind], MASK, written=written)
        wanted = fused.linear(case.divergence(), hidden, head, targets[kind], MASK, written=written)
        assert found.item() == pytest.approx(wanted.item(), rel=1e-11)
        for grad, expected in zip(*(torch.autograd.grad(x, [hidden, head]) for x in (found, wanted)), strict=True):
            assert distance(grad, expected) < 1e-11


@pytest.mark.parametrize("trained", ["hidden", "head", "both", "neither"])
def test_only_what_is_trained_gets_a_gradient(trained: str) -> None:
    """Under adapters the head is frozen: its gradient, as large as the head itself, is not made."""
    hidden, head = logits(1, ROWS, WIDTH), logits(2, SIZE, WIDTH)
    hidden.requires_grad_(trained in ("hidden", "both"))
    head.requires_grad_(trained in ("head", "both"))
    target = every_kind(logits(3, ROWS, SIZE))["dense"]
    loss = Case("forward_kl").on_hidden(hidden, head, target, MASK)
    assert loss.requires_grad == (trained != "neither")
    if loss.requires_grad:
        loss.backward()
    assert (hidden.grad is not None, head.grad is not None) == (hidden.requires_grad, head.requires_grad)
    assert loss.item() == pytest.approx(Case("forward_kl").on_logits(hidden @ head.T, target, MASK).item(), rel=1e-12)


def test_a_teacher_is_left_as_it_was() -> None:
    """Logits are overwritten in buffers of our own, also where nothing had to be copied for their type."""
    student, teacher = logits(1, ROWS, SIZE), logits(3, ROWS, SIZE)
    for case, kind in TAUGHT:
        target = every_kind(teacher, (2.0,))[kind]
        kept = [x.clone() for x in vars_of(target)]
        for temperature in (1.0,) if kind == "sampled" else (1.0, 2.0):
            leaf = student.clone().requires_grad_()
            case.on_logits(leaf, target, MASK, temperature=temperature).backward()
            case.on_hidden(leaf, torch.eye(SIZE, dtype=torch.float64), target, MASK, temperature=temperature).backward()
            assert torch.equal(leaf.detach(), student)
        assert all(torch.equal(a, b) for a, b in zip(kept, vars_of(target), strict=True))


def vars_of(target: Any) -> list[torch.Tensor]:
    """The tensors of a target."""
    return [value for name in target.__slots__ if isinstance(value := getattr(target, name), torch.Tensor)]


def test_taking_positions_of_a_target_is_what_a_loss_of_them_needs() -> None:
    """Also in another order and repeated, as micro-batches of packed sequences ask for them."""
    student, teacher = logits(1, 9, 13), logits(2, 9, 13)
    places = torch.tensor([8, 0, 0, 5])
    every = torch.ones(9, dtype=torch.bool)
    for case in CASES:
        for kind, target in every_kind(teacher, (2.0,)).items():
            if SUPPORT[case.name][kind] == "refused":
                continue
            heat = 1.0 if kind == "sampled" else 2.0
            one = [case.on_logits(student, target, every & (torch.arange(9) == place), temperature=heat).item() for place in places]
            taken = case.on_logits(student[places], target.take(places), every[:4], temperature=heat).item()
            assert taken == pytest.approx(sum(one) / 4, rel=1e-9)
