"""What a recipe sets of loss and training reaches the student."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from seodang.core.progress import Progress
from seodang.distill.packing import Example
from seodang.distill.raise_student import EVENTS, StudentSection, raise_student
from seodang.distill.section import DistillSection
from seodang.models import precision

STUDENT = StudentSection(method="lora", rank=4, alpha=8, first_layer=1)


def raised(folder: Path, examples: list[Example], out: Path, **settings: Any) -> dict[str, Any]:
    section = DistillSection.model_validate({"epochs": 4, "pack_tokens": 64, "weight": 1.0, "held_out": 0.2, **settings})
    return raise_student(folder, out, examples, STUDENT, section, divergence=section.loss, seed=0, progress=Progress("train"))


def test_loss_and_settings_change_what_is_minimised(tiny_model_dir: Path, examples: list[Example], tmp_path: Path) -> None:
    """By what holds between them at the first step, on equal weights and packs: Pinsker's inequality, and JSD at most ln 2 times the
    total variation (Lin 1991)."""
    first: dict[str, float] = {}
    for number, (loss, given) in enumerate(
        [("forward_kl", {}), ("generalized_jsd", {"beta": 0.5}), ("generalized_jsd", {"beta": 0.1}), ("total_variation", {})]
    ):
        found = raised(tiny_model_dir, examples, tmp_path / str(number), loss=loss, loss_settings=given)
        first[f"{loss} {given.get('beta', '')}"] = found["loss_curve"][0][1]
    assert len(set(first.values())) == 4
    assert 0 < first["generalized_jsd 0.5"] < math.log(2) * first["total_variation "]
    assert first["total_variation "] < math.sqrt(first["forward_kl "] / 2)


def test_a_student_ends_early_and_leaves_its_curves(tiny_model_dir: Path, examples: list[Example], tmp_path: Path) -> None:
    settings = {"epochs": 30, "learning_rate": 0.1, "evaluations": 1000, "patience": 2}
    found = raised(tiny_model_dir, examples, tmp_path, **settings)
    losses = [loss for _, loss in found["held_out_curve"]]
    assert found["best_step"] == 1 + losses.index(min(losses)) == found["num_steps"] - 2
    assert len(list((tmp_path / EVENTS).iterdir())) == 1


@pytest.mark.parametrize(("setting", "expected"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_frozen_weights_have_the_precision_that_is_set(
    tiny_model_dir: Path, examples: list[Example], tmp_path: Path, setting: str, expected: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the processor is fast in; the adapters are kept in float32."""
    seen: set[torch.dtype] = set()
    linear = torch.nn.Linear.forward

    def noting(self: torch.nn.Linear, given: torch.Tensor) -> torch.Tensor:
        seen.add(self.weight.dtype)
        return linear(self, given)

    monkeypatch.setattr(precision, "cpu_has_bfloat16", lambda: expected != torch.bfloat16)
    monkeypatch.setattr(torch.nn.Linear, "forward", noting)
    raised(tiny_model_dir, examples, tmp_path, precision=setting)
    assert seen == {expected}
    adapter = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    assert {tensor.dtype for tensor in adapter.values()} == {torch.float32}
