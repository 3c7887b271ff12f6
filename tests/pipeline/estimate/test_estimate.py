"""An estimate grows with what is asked, falls with the device, and is the same for the same recipe."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seodang.core.errors import InputError
from seodang.pipeline.context import RunContext
from seodang.pipeline.estimate.device import bundled_devices
from seodang.pipeline.estimate.estimate import estimate_run
from seodang.pipeline.run import make_plan

Told = Callable[..., dict[str, Any]]


def changed(section: str, **values: Any) -> Callable[[dict[str, Any]], None]:
    def change(recipe: dict[str, Any]) -> None:
        recipe[section] = {**recipe.get(section, {}), **values}

    return change


def step(told: dict[str, Any], name: str) -> dict[str, Any]:
    return next(row for row in told["steps"] if row["name"] == name)


def test_equal_recipes_give_equal_json(told: Told) -> None:
    assert json.dumps(told(), allow_nan=False) == json.dumps(told(), allow_nan=False)


def test_the_keys_that_others_judge_by(told: Told) -> None:
    found = told()
    numbers = (
        "teacher_hours",
        "student_hours",
        "exam_hours",
        "other_hours",
        "total_hours",
        "cache_bytes",
        "disk_bytes",
        "peak_memory_bytes",
    )
    for name in numbers:
        low, high = found["ranges"][name]
        assert 0 < low < found[name] < high or found[name] < 1e-3
    assert set(found) >= {"format", "recipe", "peak_memory_step", "tokens", "device", "models", "counts", "steps", "assumptions"}
    parts = ("teacher_hours", "student_hours", "exam_hours", "other_hours")
    assert found["total_hours"] == pytest.approx(sum(found[part] for part in parts), abs=4e-4)
    assert found["total_hours"] == pytest.approx(sum(row["seconds"] for row in found["steps"]) / 3600, rel=0.05)
    assert found["peak_memory_bytes"] == step(found, found["peak_memory_step"])["peak_memory_bytes"]


def test_the_steps_are_those_of_the_plan(project: Callable[..., RunContext]) -> None:
    for change in (None, changed("evaluate", arms=["base", "sft"], seeds=[1, 2], exam=["exam.jsonl"]), changed("export", formats=[])):
        context = project(change)
        assert [row["name"] for row in estimate_run(context)["steps"]] == [found.name for found in make_plan(context)]


@pytest.mark.parametrize(
    ("section", "values", "grows"),
    [
        ("distill", {"epochs": 4}, "student_hours"),
        ("build", {"question_openers": 8}, "teacher_hours"),
        ("build", {"utterances_per_action": 20}, "teacher_hours"),
        ("build", {"answer_samples": 3}, "teacher_hours"),
        ("verify", {"rivals": 4}, "teacher_hours"),
        ("evaluate", {"max_new_tokens": 60}, "exam_hours"),
        ("targets", {"codec": "full"}, "cache_bytes"),
        ("targets", {"nats_per_byte": 1e-4}, "cache_bytes"),
        ("distill", {"gradient_checkpointing": True}, "student_hours"),
        ("student", {"first_layer": 0}, "student_hours"),
        ("student", {"rank": 64}, "disk_bytes"),
        ("export", {"formats": ["F16", "Q8_0"]}, "disk_bytes"),
    ],
)
def test_more_is_dearer(told: Told, section: str, values: dict[str, Any], grows: str) -> None:
    assert told(changed(section, **values))[grows] > told()[grows]


def test_more_openers_are_more_tokens_for_the_teacher(told: Told) -> None:
    one, four = told(changed("build", question_openers=1)), told(changed("build", question_openers=4))
    assert four["counts"]["questions"] == 4 * one["counts"]["questions"] == 4 * one["counts"]["passages"]
    for name in ("teacher_read", "teacher_written"):
        assert four["tokens"][name] > one["tokens"][name]


def test_seeds_multiply_training_and_leave_the_teacher_alone(told: Told) -> None:
    one, three = told(), told(changed("evaluate", seeds=[0, 1, 2]))
    assert three["tokens"]["trained"] == pytest.approx(3 * one["tokens"]["trained"], abs=6)
    assert three["student_hours"] == pytest.approx(3 * one["student_hours"], rel=0.01)
    assert three["teacher_hours"] == one["teacher_hours"]


@pytest.mark.parametrize(("method", "sizes"), [("depth_prune", {"num_layers": 15}), ("fresh", {"num_layers": 10})])
def test_a_smaller_student_trains_faster_than_a_whole_one_and_takes_less_memory(told: Told, method: str, sizes: dict[str, int]) -> None:
    def of(**student: Any) -> dict[str, Any]:
        def change(recipe: dict[str, Any]) -> None:
            recipe["student"] = student

        return told(change)

    whole, small = of(method="full"), of(method=method, **sizes)
    assert small["models"]["student"]["num_parameters"] < whole["models"]["student"]["num_parameters"]
    assert step(small, "train.sft.0")["seconds"] < step(whole, "train.sft.0")["seconds"]
    assert step(small, "train.sft.0")["disk_bytes"] < step(whole, "train.sft.0")["disk_bytes"]
    adapters = told()
    assert step(adapters, "train.sft.0")["peak_memory_bytes"] < step(whole, "train.sft.0")["peak_memory_bytes"]


def test_a_faster_device_takes_fewer_hours(told: Told) -> None:
    here, there = told(), told(device="h100")
    for name in ("teacher_hours", "student_hours", "exam_hours"):
        assert there[name] < here[name]
    assert there["tokens"] == here["tokens"]
    assert [row["flops"] for row in there["steps"]] == [row["flops"] for row in here["steps"]]
    assert there["device"] == {"name": "NVIDIA H100 SXM 80 GB", "origin": "described", "error_factor": 3.0}


def test_what_does_not_fit_a_device_is_said_first(told: Told, tmp_path: Path) -> None:
    text = bundled_devices()["h100_sxm"].read_text(encoding="utf-8").replace("capacity: {value: 8.0e+10", "capacity: {value: 1.1e+9")
    (tmp_path / "small.yaml").write_text(text, encoding="utf-8")
    first = told(device=str(tmp_path / "small.yaml"))["assumptions"][0]
    assert first.startswith("it does not fit: build,")
    assert not told(device="h100")["assumptions"][0].startswith("it does not fit")


def test_an_endpoint_has_tokens_and_no_hours_unless_its_pace_is_told(told: Told) -> None:
    def remote(recipe: dict[str, Any], **more: Any) -> None:
        recipe["student_model"] = recipe["teacher"]
        recipe["teacher"] = {"kind": "openai_http", "url": "http://127.0.0.1:8000/v1", "model": "big", **more}
        recipe["targets"] = {"codec": "top_k", "top_k": 20}

    unknown, here = told(remote), told()
    assert unknown["teacher_hours"] is None
    assert unknown["total_hours"] is None
    assert unknown["ranges"]["teacher_hours"] is None
    assert unknown["student_hours"] > 0
    assert unknown["tokens"]["teacher_read"] > here["tokens"]["teacher_read"]
    assert "how long it takes is not known" in " ".join(unknown["assumptions"])
    paced = told(lambda recipe: remote(recipe, requests_per_minute=60))
    requests = sum(row["requests"] for row in paced["steps"] if row["part"] == "teacher")
    assert paced["teacher_hours"] == pytest.approx(requests / 3600, rel=0.01)


def test_documents_that_are_not_there_are_an_error_when_nothing_may_be_fetched(project: Callable[..., RunContext], tmp_path: Path) -> None:
    package = {"package": "absent-package", "version": "1.0", "sha256": "0" * 64, "files": ["a.md"], "license": "MIT", "language": "en"}

    def change(recipe: dict[str, Any]) -> None:
        recipe["documents"] = [package]

    with pytest.raises(InputError, match="not in the store") as caught:
        estimate_run(project(change), offline=True)
    assert caught.value.hint
