"""Training can be killed anywhere without a trace, and what it keeps of frozen blocks changes nothing."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from seodang.core.errors import ModelError
from seodang.core.progress import Progress
from seodang.distill.losses.forward_kl import forward_kl
from seodang.distill.packing import Example, build_pack
from seodang.distill.section import TrainSection
from seodang.distill.students.lora import add_lora
from seodang.distill.train import Trainer

SECTION = TrainSection(epochs=1.5, learning_rate=1e-2, pack_tokens=64, checkpoint_steps=2, held_out=0.1)


class KilledError(Exception):
    """Stands for the end of the process."""


def trainer(folder: Path, examples: list[Example], *, lora: bool = True, first_layer: int = 0, kept: bool = True) -> Trainer:
    """A trainer with equal starting weights each time; `kept=False` computes the frozen blocks anew in every step."""
    torch.manual_seed(0)
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="sdpa")
    if lora:
        add_lora(model, 4, 8.0, first_layer)
    return Trainer(model, examples, SECTION, seed=5, divergence=forward_kl, weight=0.6, first_layer=first_layer if kept else 0)


class StopsAt(Progress):
    """Ends the process, as it were, when step `last` is told."""

    def __init__(self, last: int) -> None:
        super().__init__("train")
        self.last = last

    def advance(self, count: int = 1, note: str | None = None) -> None:
        super().advance(count, note)
        if self.done == self.last:
            raise KilledError


@pytest.mark.parametrize(("lora", "first_layer"), [(True, 0), (True, 1), (False, 0)], ids=["lora", "lora above", "all weights"])
def test_a_killed_training_ends_bit_equal_to_an_unbroken_one(
    tiny_model_dir: Path, examples: list[Example], tmp_path: Path, lora: bool, first_layer: int
) -> None:
    whole = trainer(tiny_model_dir, examples, lora=lora, first_layer=first_layer)
    whole.run(tmp_path / "whole", Progress("train"))
    assert whole.step == len(whole.schedule) >= 6
    for last in (3, 5):
        with pytest.raises(KilledError):
            trainer(tiny_model_dir, examples, lora=lora, first_layer=first_layer).run(tmp_path / "broken", StopsAt(last))
    resumed = trainer(tiny_model_dir, examples, lora=lora, first_layer=first_layer)
    resumed.run(tmp_path / "broken", Progress("train"))
    assert resumed.loss_curve == whole.loss_curve
    assert resumed.held_out_curve == whole.held_out_curve
    assert (resumed.num_tokens, resumed.num_answer_tokens) == (whole.num_tokens, whole.num_answer_tokens)
    assert all(torch.equal(a, b) for a, b in zip(resumed.parameters, whole.parameters, strict=True))
    assert len(list((tmp_path / "broken").glob("step-*"))) == 1


def test_a_loss_that_is_no_number_ends_the_training_with_a_hint(tiny_model_dir: Path, examples: list[Example], tmp_path: Path) -> None:
    run = trainer(tiny_model_dir, examples)
    run.divergence = lambda *args, **options: torch.tensor(float("nan"), requires_grad=True)
    with pytest.raises(ModelError, match="no longer a number at step 1") as caught:
        run.run(tmp_path, Progress("train"))
    assert "distill.learning_rate" in caught.value.render()


def test_training_lowers_the_loss(tiny_model_dir: Path, examples: list[Example], tmp_path: Path) -> None:
    run = trainer(tiny_model_dir, examples, lora=False)
    run.run(tmp_path, Progress("train"))
    assert run.loss_curve[-1][1] < run.loss_curve[0][1]


def test_kept_states_of_frozen_blocks_give_the_same_losses(tiny_model_dir: Path, examples: list[Example], tmp_path: Path) -> None:
    kept = trainer(tiny_model_dir, examples, first_layer=1)
    anew = trainer(tiny_model_dir, examples, first_layer=1, kept=False)
    kept.run(tmp_path / "kept", Progress("train"))
    anew.run(tmp_path / "anew", Progress("train"))
    assert [loss for _, loss in kept.loss_curve] == pytest.approx([loss for _, loss in anew.loss_curve], abs=2e-5)
    assert len(kept.parameters) == 14
    for a, b in zip(kept.parameters, anew.parameters, strict=True):
        torch.testing.assert_close(a, b, atol=1e-3, rtol=1e-2)


def test_without_a_divergence_the_loss_is_cross_entropy(tiny_model_dir: Path, examples: list[Example]) -> None:
    run = trainer(tiny_model_dir, examples)
    run.divergence = None
    example = run.examples[0]
    loss = run._loss(build_pack([example], run.prefix), [example])
    ids = torch.tensor([[*example.prompt_ids, *example.answer_ids]])
    labels = torch.tensor([[*[-100] * len(example.prompt_ids), *example.answer_ids]])
    run.model.set_attn_implementation("sdpa")
    assert loss.item() == pytest.approx(run.model(ids, labels=labels).loss.item(), abs=1e-5)


def test_held_out_examples_are_never_trained_on(tiny_model_dir: Path, examples: list[Example]) -> None:
    run = trainer(tiny_model_dir, examples)
    trained = {run.examples[i].record for indices in run.schedule for i in indices}
    assert len(run.watched) == 2
    assert trained.isdisjoint(example.record for example in run.watched)
    assert len(run.examples) + len(run.watched) == len(examples)
