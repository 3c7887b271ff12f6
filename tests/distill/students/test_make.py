"""Every kind of student is raised to an ordinary checkpoint with its teacher's tokenizer; what cannot be made is refused first."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from transformers import AutoTokenizer, GPTJConfig, GPTJForCausalLM

from seodang.core.errors import ModelError
from seodang.core.progress import Progress
from seodang.distill.packing import Example
from seodang.distill.raise_student import raise_student
from seodang.distill.section import DistillSection
from seodang.distill.students.family import sizes
from seodang.distill.students.make import make_student
from seodang.distill.students.prune_depth import prune_depth
from seodang.distill.students.prune_width import prune_width
from seodang.distill.students.section import StudentSection

SECTION = DistillSection(epochs=1, pack_tokens=128, checkpoint_steps=2, held_out=0)
WHOLE = {"num_layers": 6, "intermediate_size": 48, "num_heads": 4, "num_kv_heads": 2, "hidden_size": 32}
STUDENTS: dict[str, dict[str, int]] = {
    "lora": {"rank": 4, "alpha": 8, "first_layer": 4},
    "full": {},
    "depth_prune": {"num_layers": 4},
    "width_prune": {"intermediate_size": 30, "num_kv_heads": 1, "hidden_size": 24},
    "prune": {"intermediate_size": 30, "num_layers": 3},
    "fresh": {"hidden_size": 16, "num_layers": 2},
}
CHANGED = {"width_prune": {"num_heads": 2}}


@pytest.mark.parametrize("method", STUDENTS)
def test_a_raised_student_is_an_ordinary_checkpoint_with_its_tokenizer(
    deep_dir: Path, examples: list[Example], tmp_path: Path, opened: Callable[[Path], Any], logits: Callable[..., torch.Tensor], method: str
) -> None:
    asked = STUDENTS[method]
    student = StudentSection.model_validate({"method": method, **asked})
    with Progress("train") as progress:
        summary = raise_student(deep_dir, tmp_path, examples, student, SECTION, divergence="forward_kl", seed=0, progress=progress)
    model = opened(tmp_path / "checkpoint")
    wanted = WHOLE | {name: size for name, size in asked.items() if name in WHOLE} | CHANGED.get(method, {})
    assert sizes(model.config) == summary["sizes"] == wanted
    assert logits(model).isfinite().all()
    assert sum(values.numel() for values in model.parameters()) == summary["num_parameters"]
    assert (summary["num_trained_parameters"] == summary["num_parameters"]) == (method != "lora")
    assert AutoTokenizer.from_pretrained(tmp_path / "checkpoint").chat_template
    assert (tmp_path / "adapter").is_dir() == (method == "lora")
    assert summary["num_examples"] == len(examples)
    assert summary["num_answer_tokens"] == sum(len(example.answer_ids) for example in examples)


@pytest.mark.parametrize("method", ["prune", "fresh"])
def test_a_student_is_made_equal_each_time(deep_dir: Path, examples: list[Example], method: str) -> None:
    student = StudentSection.model_validate({"method": method, **STUDENTS[method]})
    first, again = (make_student(deep_dir, student, examples, 3).state_dict() for _ in range(2))
    assert first.keys() == again.keys()
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_width_comes_before_depth(deep_dir: Path, examples: list[Example], opened: Callable[[Path], Any]) -> None:
    student = StudentSection.model_validate({"method": "prune", **STUDENTS["prune"]})
    by_hand = prune_width(opened(deep_dir), examples, 512, intermediate_size=30)
    prune_depth(by_hand, examples, 3, 512)
    ours, theirs = make_student(deep_dir, student, examples, 0).state_dict(), by_hand.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours.keys() | theirs.keys())


def test_a_model_with_an_attention_of_its_own_is_taught_in_full_and_refused_otherwise(
    tiny_tokenizer_dir: Path, examples: list[Example], tmp_path: Path, opened: Callable[[Path], Any]
) -> None:
    config = GPTJConfig(vocab_size=400, n_positions=64, n_embd=32, n_layer=2, n_head=4, rotary_dim=4, bos_token_id=1, eos_token_id=2)
    start = tmp_path / "start"
    GPTJForCausalLM(config).save_pretrained(start)
    AutoTokenizer.from_pretrained(tiny_tokenizer_dir).save_pretrained(start)
    student, section = StudentSection(method="full"), SECTION.model_copy(update={"epochs": 3.0, "learning_rate": 1e-2})
    with Progress("train") as progress:
        summary = raise_student(start, tmp_path, examples, student, section, divergence="forward_kl", seed=0, progress=progress)
    losses = [loss for _, loss in summary["loss_curve"]]
    assert losses[-1] < losses[0]
    assert type(opened(tmp_path / "checkpoint")).__name__ == "GPTJForCausalLM"
    for method in ("lora", "depth_prune", "width_prune"):
        values = {"method": method, **({"num_layers": 1} if method == "depth_prune" else {"hidden_size": 16} if method != "lora" else {})}
        with pytest.raises(ModelError, match="not built as Llama is"):
            make_student(start, StudentSection.model_validate(values), examples, 0)


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"method": "prune", "num_layers": 7}, "cannot make `num_layers` 7: the model has 6"),
        ({"method": "width_prune", "intermediate_size": 49}, "cannot make `intermediate_size` 49: the model has 48"),
        ({"method": "width_prune", "hidden_size": 30}, "not a multiple of the number of attention heads"),
    ],
)
def test_sizes_that_pruning_cannot_reach_are_refused(deep_dir: Path, examples: list[Example], values: dict[str, Any], what: str) -> None:
    with pytest.raises(ModelError, match=what):
        make_student(deep_dir, StudentSection.model_validate(values), examples, 0)


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"method": "depth_prune"}, "needs one of `num_layers`"),
        ({"method": "width_prune", "num_layers": 3}, "`num_layers` is not used by the method `width_prune`"),
        ({"method": "lora", "hidden_size": 3}, "`hidden_size` is not used"),
        ({"method": "prune", "num_heads": 3}, "`num_heads` is not used"),
        ({"method": "fresh", "num_layers": 0}, "greater than or equal to 1"),
    ],
)
def test_a_size_that_a_method_does_not_use_or_lacks_is_refused(values: dict[str, Any], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        StudentSection.model_validate(values)
