"""Every kind of student is raised to an ordinary checkpoint with its teacher's tokenizer; what cannot be made is refused first."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from transformers import AutoTokenizer

from seodang.core.errors import ModelError
from seodang.core.progress import Progress
from seodang.distill.packing import Example
from seodang.distill.raise_student import raise_student
from seodang.distill.section import DistillSection
from seodang.distill.students.family import sizes
from seodang.distill.students.make import make_student
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
