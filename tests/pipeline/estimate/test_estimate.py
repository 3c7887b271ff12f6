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


def own_tokenizer(recipe: dict[str, Any]) -> None:
    recipe["student"] = {"method": "fresh", "num_layers": 2, "vocabulary_size": 8192}
    recipe["targets"] = {"codec": "likelihoods"}
    recipe["distill"] |= {"loss": "alm"}


def several_modes(recipe: dict[str, Any]) -> None:
    recipe["gold"] = {"files": ["exam.jsonl"], "license": "CC0-1.0", "origin": "nobody"}
    recipe["distill"] |= {"variants": {"own": {"mode": "offline_on_policy"}, "again": {"mode": "offline_on_policy", "weight": 0.5}}}
    recipe["evaluate"] |= {"arms": ["base", "sft_gold", "distilled", "again", "own"], "seeds": [0, 1]}


@pytest.mark.parametrize(
    "change",
    [
        None,
        changed("evaluate", arms=["base", "sft"], seeds=[1, 2], exam=["exam.jsonl"]),
        changed("export", formats=[]),
        own_tokenizer,
        several_modes,
    ],
)
def test_the_steps_are_those_of_the_plan(project: Callable[..., RunContext], change: Callable[[dict[str, Any]], None] | None) -> None:
    context = project(change)
    assert [row["name"] for row in estimate_run(context)["steps"]] == [found.name for found in make_plan(context)]


def test_a_student_with_a_tokenizer_of_its_own_has_a_smaller_head(told: Told) -> None:
    def fresh(recipe: dict[str, Any]) -> None:
        recipe["student"] = {"method": "fresh", "num_layers": 2}

    own, whole = told(own_tokenizer)["models"]["student"], told(fresh)["models"]["student"]
    assert own["vocabulary"] == 8192
    assert whole["num_parameters"] - own["num_parameters"] == (whole["vocabulary"] - 8192) * whole["hidden"]


def test_weights_in_several_packages_take_the_disk_that_those_in_one_do(told: Told) -> None:
    piece = {"package": "a-model", "version": "1.0", "sha256": "0" * 64, "file": "a-135m.gguf"}

    def packaged(recipe: dict[str, Any], **source: Any) -> None:
        recipe["teacher"] = {"kind": "local", "name": "smollm2-135m", "license": "MIT", **source}

    parts = told(lambda recipe: packaged(recipe, parts=[piece, {**piece, "package": "its-rest"}]))
    assert parts["disk_bytes"] == told(lambda recipe: packaged(recipe, **piece))["disk_bytes"] > 6e8


def test_more_samples_of_own_answers_take_longer_and_not_more_memory(told: Told) -> None:
    """Answers are written in batches of as many, to fewer questions."""
    one, many = (step(told(changed("distill", mode="offline_on_policy", rollout_samples=samples)), "rollouts.0") for samples in (1, 32))
    assert many["peak_memory_bytes"] == pytest.approx(one["peak_memory_bytes"], rel=0.01)
    assert many["seconds"] > 3 * one["seconds"]


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


def test_messages_after_two_texts_make_rows_that_share_nothing(told: Told) -> None:
    """120 rows of them hold keys and values for the whole of their prompts; as many questions share theirs."""
    few, many = (step(told(changed("build", utterances_per_action=number)), "build")["peak_memory_bytes"] for number in (0, 40))
    keys = 2 * 2 * 30 * 3 * 64 * 120 * 300  # bfloat16, keys and values, blocks, heads, their width, rows, tokens at least
    assert few < 820e6 + 2 * 134.5e6 + keys < many  # of the process, and of the weights


def test_a_student_is_merged_and_saved_while_its_training_is_still_there(told: Told) -> None:
    """Whatever its packs: weights in float32, what adapters add to them, and float16."""
    found = told(changed("distill", pack_tokens=64))
    blocks, whole = 30 * (885_888 + 2_654_208), found["models"]["student"]["num_parameters"]
    taught, before = (step(found, name)["peak_memory_bytes"] for name in ("train.sft.0", "ingest"))
    frozen = 1  # of the project's recipe
    assert taught - before > 6 * whole + 4 * blocks * (30 - frozen) / 30


def test_targets_that_are_held_are_those_of_the_teacher_and_of_every_sample(told: Told) -> None:
    """Hidden states are as wide as the teacher is, and own answers are several to a question."""

    def narrow_student(recipe: dict[str, Any]) -> None:
        recipe["student_model"] = {**recipe["teacher"], "name": "a-40m", "path": None, "package": "a", "version": "1"}
        recipe["student_model"] |= {"sha256": "0" * 64, "file": "a.gguf"}
        recipe["targets"] = {"codec": "full"}
        recipe["distill"] |= {"mode": "offline_on_policy", "pack_tokens": 64}

    def sampled(recipe: dict[str, Any]) -> None:
        narrow_student(recipe)
        recipe["distill"]["rollout_samples"] = 64

    one, many = (told(change) for change in (narrow_student, sampled))
    each = 4 * 49_152 * one["counts"]["accepted"] * one["counts"]["answer_tokens"]
    cases = ((one, "train.sft.0"), (one, "train.distilled.0"), (many, "train.distilled.0"))
    sft, own, of_many = (step(row, name)["peak_memory_bytes"] for row, name in cases)
    assert own - sft > 0.9 * each
    assert of_many - own > 63 * 0.9 * each


def test_reasoning_that_is_not_counted_is_said(told: Told) -> None:
    def thinking(recipe: dict[str, Any]) -> None:
        recipe["teacher"]["thinking"] = "on"

    assert any("reasoning is not counted" in line for line in told(thinking)["assumptions"])
    assert not any("reasoning is not counted" in line for line in told()["assumptions"])


def test_a_grid_trains_every_arm_at_every_rate(told: Told) -> None:
    one, three = (step(told(changed("distill", learning_rate=rates)), "train.sft.0") for rates in (1e-3, [1e-3, 2e-3, 3e-3]))
    assert three["tokens_trained"] == pytest.approx(3 * one["tokens_trained"], abs=2)
    assert three["flops"] > 2.5 * one["flops"]  # what frozen blocks make of the records is computed anew for each
    assert three["disk_bytes"] == one["disk_bytes"]


def test_fewer_own_answers_take_less_time(told: Told) -> None:
    few, many = (told(changed("distill", mode="on_policy", on_policy_share=share)) for share in (0.1, 0.9))
    live = told(changed("distill", mode="live"))
    flops = [step(found, "train.distilled.0")["flops"] for found in (live, few, many)]
    assert flops == sorted(flops)
    assert flops[2] - flops[0] == pytest.approx(9 * (flops[1] - flops[0]), rel=0.01)
