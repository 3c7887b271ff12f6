"""With patience, training ends where the held-out loss no longer falls, and the best weights are the student's."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM

from seodang.core.progress import Progress
from seodang.distill.early_stop import EarlyStop
from seodang.distill.packing import Example
from seodang.distill.train import Trainer
from seodang.distill.train_section import TrainSection

LOSSES = st.lists(st.floats(0, 10), min_size=1, max_size=30)


@given(LOSSES, st.integers(1, 5))
def test_it_is_over_after_patience_evaluations_without_a_lower_loss(losses: list[float], patience: int) -> None:
    stop, weight = EarlyStop(patience), torch.zeros(1)
    seen: list[float] = []
    for step, loss in enumerate(losses):
        if stop.over:
            break
        weight.fill_(step)
        stop.see(step, loss, [weight])
        seen.append(loss)
        assert stop.loss == min(seen)
        assert stop.step == seen.index(min(seen))
        assert stop.over == (len(seen) - 1 - seen.index(min(seen)) >= patience)
    stop.restore([weight])
    assert weight.item() == seen.index(min(seen))


@given(LOSSES, st.integers(1, 5), st.integers(0, 29))
def test_its_state_can_be_taken_up_anywhere(losses: list[float], patience: int, cut: int) -> None:
    whole, broken = EarlyStop(patience), EarlyStop(patience)
    for step, loss in enumerate(losses):
        if step == cut:
            row, weights = broken.row(), broken.weights
            broken = EarlyStop(patience)
            broken.go_on(row, weights)
        for stop in (whole, broken):
            stop.see(step, loss, [torch.tensor([float(step)])])
    assert whole.row() == broken.row()
    assert whole.over == broken.over
    assert [w.item() for w in whole.weights] == [w.item() for w in broken.weights]


def test_without_patience_nothing_is_kept_and_nothing_ends() -> None:
    stop = EarlyStop(None)
    for step in range(50):
        stop.see(step, float(step), [torch.zeros(1)])
    assert not stop.over
    assert stop.weights == []


@pytest.mark.parametrize("first", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_is_never_the_best(first: float) -> None:
    stop, weight = EarlyStop(2), torch.zeros(1)
    for step, loss in enumerate([first, 2.0, float("nan"), 3.0]):
        assert not stop.over
        stop.see(step, loss, [weight.fill_(step)])
    assert (stop.loss, stop.step, stop.over) == (2.0, 1, True)
    stop.restore([weight])
    assert weight.item() == 1


def trained(folder: Path, examples: Sequence[Example], work: Path, **settings: Any) -> Trainer:
    """All weights trained far too fast on few examples, so that the held-out loss rises."""
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    section = TrainSection(epochs=20, learning_rate=2e-2, pack_tokens=64, held_out=0.2, evaluations=10_000, **settings)
    run = Trainer(model, examples, section, seed=1, divergence=None, weight=0.0, first_layer=0)
    run.run(work, Progress("train"))
    return run


def test_the_weights_of_the_lowest_held_out_loss_are_given_back(tiny_model_dir: Path, examples: list[Example], tmp_path: Path) -> None:
    run = trained(tiny_model_dir, examples, tmp_path, patience=2)
    steps, losses = zip(*run.held_out_curve, strict=True)
    best = losses.index(min(losses))
    assert run.step < len(run.schedule)
    assert len(losses) == best + 3
    assert run.early_stop.step == steps[best]
    assert run._watch()["loss"] == pytest.approx(losses[best], abs=1e-6)
    assert losses[-1] > losses[best] + 1e-4


def test_a_training_that_has_stopped_is_not_gone_on_with(tiny_model_dir: Path, examples: list[Example], tmp_path: Path) -> None:
    first = trained(tiny_model_dir, examples, tmp_path, patience=2)
    again = trained(tiny_model_dir, examples, tmp_path, patience=2)
    assert again.step == first.step
    assert all(torch.equal(a, b) for a, b in zip(first.parameters, again.parameters, strict=True))
