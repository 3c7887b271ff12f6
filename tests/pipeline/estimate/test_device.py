"""A device turns work into seconds by a roofline that can be followed by hand; a description that lacks a number is refused."""

import dataclasses
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis.strategies import floats, sampled_from

from seodang.backends.description import Description
from seodang.core.errors import InputError, RecipeError
from seodang.pipeline.estimate.chosen_device import choose_device, keep_measurement
from seodang.pipeline.estimate.cost import step_costs
from seodang.pipeline.estimate.device import Device, as_device, bundled_devices, load_device
from seodang.pipeline.estimate.model_size import SMOLLM2_135M
from seodang.pipeline.estimate.work import Activity, Memory, Pass, StepWork


def number(value: float, unit: str) -> dict[str, object]:
    return {"value": value, "unit": unit, "kind": "measured", "source": "made up", "date": "2026-11-25"}


def made_up(**changes: float) -> Device:
    """10 FLOP/s in float32, 40 in bfloat16, half of them reached; 8 bytes a second; 1 s for each block that is called."""
    values = {"memory_bytes_per_s": 8.0, "float32": 10.0, "bfloat16": 40.0, "efficiency": 0.5, "block": 1.0, **changes}
    description = {
        "name": "made up",
        "vendor": "nobody",
        "kind": "npu",
        "memory": [{"name": "RAM", "capacity": number(1000, "B"), "bandwidth": number(values["memory_bytes_per_s"], "B/s")}],
        "peak": {name: number(values[name], "FLOP/s") for name in ("float32", "bfloat16")},
        "runs": {
            **{name: number(values["efficiency"], "1") for name in ("read", "decode", "train")},
            "block": number(values["block"], "s"),
            "process": number(100, "B"),
            "opening": number(1e-9, "s/B"),
            "error_factor": number(2, "1"),
        },
    }
    return as_device(Description.model_validate(description), "made up")


WORK = Pass("read", "float32", flops=100, calls=2, call_values=16, num_blocks=3, traffic_bytes=24)


def test_time_is_the_longer_of_products_and_moved_weights_plus_what_calls_and_traffic_take() -> None:
    device = made_up()
    # products 100 / (10 * 0.5) = 20 s; weights 2 * 16 * 4 / 8 = 16 s; traffic 24 / 8 = 3 s; blocks 2 * 3 * 1 = 6 s
    assert device.seconds(WORK) == pytest.approx(20 + 3 + 6)
    # in bfloat16: products 100 / (40 * 0.5) = 5 s; weights 2 * 16 * 2 / 8 = 8 s
    assert device.seconds(dataclasses.replace(WORK, dtype="auto")) == pytest.approx(8 + 3 + 6)
    slow = device.description.model_copy(update={"peak": {"float32": device.description.peak["float32"]}})
    assert as_device(slow, "slow").seconds(dataclasses.replace(WORK, dtype="auto")) == pytest.approx(20 + 3 + 6)


@given(floats(1, 1e3), sampled_from(["memory_bytes_per_s", "float32", "bfloat16", "efficiency"]), sampled_from(["read", "decode", "train"]))
def test_a_device_that_is_better_in_one_thing_is_never_slower(factor: float, what: str, activity: Activity) -> None:
    work = dataclasses.replace(WORK, activity=activity, dtype="auto")
    before = {"memory_bytes_per_s": 8.0, "float32": 10.0, "bfloat16": 40.0, "efficiency": 0.5}[what]
    assert made_up(**{what: factor * before}).seconds(work) <= made_up().seconds(work)


def test_memory_is_the_most_that_is_held_at_once_with_the_process_and_what_stays_open() -> None:
    step = StepWork("a", "exam", held=(Memory("float32", 10, 5), Memory("auto", 30)), beside=Memory("auto", 7))
    assert made_up().held(step) == (100 + max(10 * 4 + 5, 30 * 2) + 7 * 2, 0)


def test_what_comes_and_goes_stays_with_the_process_and_weights_do_not() -> None:
    first = StepWork("a", "teacher", held=(Memory("auto", 30, passing=20), Memory("auto", 10)))
    held, kept = made_up().held(first)
    assert (held, kept) == (100 + 30 * 2, 20 * 2)
    assert made_up().held(StepWork("b", "exam", held=(Memory("float32", 8, passing=6),)), kept) == (100 + 8 * 4 + 40, 40)
    assert made_up().held(StepWork("c", "other"), kept) == (100 + 40, 40)
    costs = step_costs([first, StepWork("c", "other")], made_up(), weight_bytes=0, requests_per_minute=None)
    assert [cost.memory_bytes for cost in costs] == [160, 140]


@pytest.mark.parametrize("name", sorted(bundled_devices()))
def test_every_number_of_a_bundled_device_says_where_it_comes_from(name: str) -> None:
    rows = yaml.safe_load(bundled_devices()[name].read_text(encoding="utf-8"))

    def leaves(value: object) -> list[dict[str, object]]:
        if isinstance(value, dict) and "value" not in value:
            return [leaf for child in value.values() for leaf in leaves(child)]
        if isinstance(value, list):
            return [leaf for child in value for leaf in leaves(child)]
        return [value] if isinstance(value, dict) else []

    found = leaves(rows)
    assert len(found) >= 11
    assert all(leaf["kind"] in ("claimed", "measured", "derived") and leaf["source"] for leaf in found)
    assert load_device(name).description.name == rows["name"]


@pytest.mark.parametrize("given_name", ["h10", "H100.yaml", "absent"])
def test_an_unknown_device_is_told_with_those_that_there_are(given_name: str) -> None:
    with pytest.raises(InputError, match="no description") as caught:
        load_device(given_name)
    assert "h100" in (caught.value.hint or "")


def test_a_description_without_a_needed_number_or_with_a_misspelt_key_is_refused(tmp_path: Path) -> None:
    rows = yaml.safe_load(bundled_devices()["h100_sxm"].read_text(encoding="utf-8"))
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in rows.items() if key != "memory"}), encoding="utf-8")
    with pytest.raises(RecipeError, match="memory") as caught:
        load_device(str(path))
    assert "h100_sxm.yaml" in (caught.value.hint or "")
    path.write_text(yaml.safe_dump(rows | {"memor": 1}), encoding="utf-8")
    with pytest.raises(RecipeError, match="unknown key") as caught:
        load_device(str(path))
    assert "memory" in (caught.value.hint or "")


@pytest.mark.parametrize("name", ["rebel100", "h800"])
def test_a_device_that_is_described_for_other_ends_only_is_refused_with_those_that_work(name: str) -> None:
    with pytest.raises(InputError, match="no section `runs`") as caught:
        load_device(name)
    assert "cpu-2-cores, h100_sxm" in (caught.value.hint or "")


def test_a_device_without_a_peak_in_float32_is_refused() -> None:
    described = made_up().description
    with pytest.raises(InputError, match="no peak in float32"):
        as_device(described.model_copy(update={"peak": {"bfloat16": described.peak["bfloat16"]}}), "made up")


def test_a_measurement_that_was_kept_is_used_for_this_machine_and_model_only(tmp_path: Path) -> None:
    assert choose_device(None, tmp_path, SMOLLM2_135M).origin == "reference"
    keep_measurement(made_up().description, tmp_path, SMOLLM2_135M)
    found = choose_device(None, tmp_path, dataclasses.replace(SMOLLM2_135M, name="another name"))
    assert (found.origin, found.device) == ("measured", made_up())
    assert choose_device(None, tmp_path, dataclasses.replace(SMOLLM2_135M, num_layers=12)).origin == "reference"
    assert choose_device("h100", tmp_path, SMOLLM2_135M).origin == "described"
