"""Examples that are taught in place of others: as many tokens, the same student at the start, and the same held-out answers."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import floats, integers

from seodang.core.progress import Progress
from seodang.distill.packing import Example, build_pack, common_prefix
from seodang.distill.raise_student import raise_student
from seodang.distill.schedule import num_planned_tokens, plan_equal_steps, plan_steps
from seodang.distill.section import DistillSection
from seodang.distill.students.section import StudentSection
from seodang.distill.train_section import TrainSection


def gold_of(examples: list[Example], number: int) -> list[Example]:
    """Other examples: those read backwards."""
    return [Example(f"gold:{e.record}", (*e.prompt_ids[:12], *e.prompt_ids[:11:-1]), (*e.answer_ids, 7, 8)) for e in examples[:number]]


@given(number=integers(1, 24), epochs=floats(0.3, 4), pack_tokens=integers(64, 200), packs_per_step=integers(1, 3), seed=integers(0, 9))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_tokens_are_equal_within_a_pack(
    examples: list[Example], number: int, epochs: float, pack_tokens: int, packs_per_step: int, seed: int
) -> None:
    section = TrainSection(epochs=epochs, pack_tokens=pack_tokens, packs_per_step=packs_per_step)
    gold, length = gold_of(examples, number), len(common_prefix(examples))
    budget = num_planned_tokens(plan_steps(examples, length, section, seed), examples, length)
    steps = plan_equal_steps(gold, length, section, seed, budget)
    packs = [build_pack([gold[i] for i in pack], gold[0].prompt_ids[:length]).num_tokens for packs in steps for pack in packs]
    assert sum(packs) == num_planned_tokens(steps, gold, length)
    assert len(packs) == 1 or abs(sum(packs) - budget) <= max(packs)
    assert all(len(step) == packs_per_step for step in steps[:-1])
    taught = [index for packs in steps for pack in packs for index in pack]
    assert len(set(taught)) == min(len(set(taught)), len(gold))
    times = [taught.count(index) for index in range(len(gold))]
    assert max(times) - min(times) <= 1  # whole passes, and one that is cut


def raised(start: Path, folder: Path, examples: list[Example], taught: list[Example] | None, **given: Any) -> dict[str, Any]:
    section = DistillSection.model_validate({"epochs": 3, "pack_tokens": 96, "held_out": 0.2, "learning_rate": 5e-3, **given})
    student = StudentSection(method="lora", rank=4, alpha=8, first_layer=1)
    return raise_student(start, folder, examples, student, section, divergence=None, seed=1, progress=Progress("train"), taught=taught)


def test_a_student_reads_as_many_tokens_of_them_and_is_watched_on_the_others(
    tiny_model_dir: Path, examples: list[Example], tmp_path: Path
) -> None:
    gold = gold_of(examples, 10)
    own, other = (raised(tiny_model_dir, tmp_path / name, examples, taught) for name, taught in (("own", None), ("other", gold)))
    assert abs(own["num_tokens"] - other["num_tokens"]) <= 96
    assert (own["num_examples"], other["num_examples"]) == (20, 10)
    assert own["loss_curve"] != other["loss_curve"]
    still = [raised(tiny_model_dir, tmp_path / f"still-{n}", examples, taught, learning_rate=1e-9) for n, taught in enumerate((None, gold))]
    assert still[0]["held_out_cross_entropy"] == pytest.approx(still[1]["held_out_cross_entropy"], abs=1e-5)


def test_only_what_is_taught_is_learned(tiny_model_dir: Path, examples: list[Example], tmp_path: Path) -> None:
    """A student that is taught the held-out answers themselves knows them better than one that is taught others."""
    own = raised(tiny_model_dir, tmp_path / "own", examples, None, epochs=8)
    known = [replace(e, record=f"gold:{e.record}", target=None) for e in examples]
    cheating = raised(tiny_model_dir, tmp_path / "cheating", examples, known, epochs=8)
    assert cheating["held_out_cross_entropy"] < own["held_out_cross_entropy"] - 0.1
