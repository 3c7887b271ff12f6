"""What a change of a recipe or of its files computes again, told by the keys of the plan alone: nothing is run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from seodang.pipeline.context import RunContext
from seodang.pipeline.recipe import load_recipe
from seodang.pipeline.run import make_plan
from seodang.pipeline.workspace import Workspace
from small_project import write_project

Change = Callable[[dict[str, Any], Path], object]
TAUGHT = {"train.distilled.0", "train.mild.0", "evaluate.distilled.0", "evaluate.mild.0", "export"}
GOLD = {"train.sft_gold.0", "evaluate.sft_gold.0"}
TRAINED = TAUGHT | GOLD | {"train.sft.0", "evaluate.sft.0"}
EXAMS = {f"evaluate.{arm}" for arm in ("base", "sft.0", "sft_gold.0", "distilled.0", "mild.0", "teacher_open")}
AFTER_VERIFY = TRAINED | {"targets"}


def settings(section: str, **values: Any) -> Change:
    return lambda recipe, _: recipe.setdefault(section, {}).update(values)


def file(name: str) -> Change:
    """A row that is written otherwise."""

    def change(_: dict[str, Any], folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        (folder / name).write_text(text.replace("?", "??", 1), encoding="utf-8")

    return change


@pytest.fixture
def project(random_model: Path, tmp_path: Path) -> Path:
    def arms(recipe: dict[str, Any]) -> None:
        recipe["evaluate"]["arms"] = ["base", "sft", "sft_gold", "distilled", "mild", "teacher_open"]
        recipe["distill"]["variants"] = {"mild": {"weight": 0.9}}
        recipe["gold"] = {"files": ["gold.jsonl"], "license": "CC0-1.0", "origin": "nobody"}

    path = write_project(tmp_path, random_model, arms)
    (path.parent / "policy.yaml").write_text("version: 1\nname: p\noutcomes: {undecided: failed}\n", encoding="utf-8")
    (path.parent / "default.yaml").write_text("version: 1\nname: default\n", encoding="utf-8")
    (path.parent / "gold.jsonl").write_text(json.dumps({"question": "How much oil?", "answer": "Much."}) + "\n", encoding="utf-8")
    return path


def keys(path: Path) -> dict[str, str]:
    return {step.name: step.key for step in make_plan(RunContext(load_recipe(path), path.parent, Workspace(path.parent / "runs")))}


def again(path: Path, change: Change) -> set[str]:
    """The steps that a change computes again."""
    before = keys(path)
    recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(recipe, path.parent)
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    after = keys(path)
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (file("gold.jsonl"), {"gold", *GOLD}),
        (file("exam.jsonl"), {"verify", "gold", *AFTER_VERIFY, *EXAMS}),
        (file("general.jsonl"), {"verify", "gold", *AFTER_VERIFY, *EXAMS}),
        (settings("evaluate", max_new_tokens=7), EXAMS),
        (settings("evaluate", max_items=3), EXAMS | {"export"}),
        (settings("evaluate", max_general=2), EXAMS),
        (settings("evaluate", max_reasoning_tokens=9), set()),
        (settings("evaluate", guard={"margin": 0.3}), set()),
        (settings("verify", exam_similarity=0.5), {"verify", "gold", *AFTER_VERIFY}),
        (settings("verify", policy="policy.yaml"), {"verify", *AFTER_VERIFY}),
        (settings("verify", policy="default.yaml"), set()),
        (settings("verify", workers=3, executor="ray", ray_address="auto"), set()),
        (settings("student", rank=5), TRAINED),
        (settings("distill", epochs=3), TRAINED),
        (settings("distill", learning_rate=[1e-3, 2e-3]), TRAINED),
        (settings("distill", think_share=0.0), set()),
        (settings("distill", loss="reverse_kl"), TAUGHT),
        (settings("distill", general_weight=0.5), TAUGHT),
        (settings("distill", weight=0.5), TAUGHT - {"train.mild.0", "evaluate.mild.0"}),
        (settings("distill", variants={"mild": {"weight": 0.8}}), {"train.mild.0", "evaluate.mild.0"}),
        (settings("distill", on_policy_share=0.1, rollout_temperature=0.7, rollout_tokens=9, rollout_samples=3), set()),
        (settings("distill", mode="live"), {"targets", *TAUGHT}),
        (settings("distill", variants={"mild": {"weight": 0.9, "mode": "live"}}), {"train.mild.0", "evaluate.mild.0"}),
        (settings("targets", nats_per_byte=1e-3), {"targets", *TAUGHT}),
        (settings("export", formats=["Q8_0"]), {"export"}),
        (lambda recipe, _: recipe["gold"].update(origin="somebody", license="MIT"), set()),
        (lambda recipe, _: recipe.update(title="Lamps"), set()),
    ],
)
def test_a_change_computes_again_what_depends_on_it_and_nothing_else(project: Path, change: Change, expected: set[str]) -> None:
    assert again(project, change) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (settings("distill", rollout_temperature=0.7), {"rollouts.0", "targets.0", "train.distilled.0", "evaluate.distilled.0", "export"}),
        (settings("distill", rollout_samples=2), {"rollouts.0", "targets.0", "train.distilled.0", "evaluate.distilled.0", "export"}),
        (settings("targets", nats_per_byte=1e-3), {"targets.0", *TAUGHT, "targets"}),
        (settings("distill", on_policy_share=0.1), set()),
    ],
)
def test_own_answers_depend_on_what_they_are_drawn_with(project: Path, change: Change, expected: set[str]) -> None:
    again(project, settings("distill", mode="offline_on_policy", variants={"mild": {"mode": "cached"}}))
    assert again(project, change) == expected


def test_every_step_of_every_seed_has_a_key_of_its_own(project: Path) -> None:
    again(project, settings("evaluate", seeds=[0, 1, 2]))
    found = keys(project)
    assert len(set(found.values())) == len(found)
    assert {f"train.sft.{seed}" for seed in range(3)} <= set(found)
