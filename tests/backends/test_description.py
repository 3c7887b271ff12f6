"""Every bundled device is described whole, in plain units and with sources; what is wrong in a description is told with its place."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from seodang.backends.description import Description, bundled, load_description
from seodang.core.errors import InputError, RecipeError


def number(value: float, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "kind": "claimed", "source": "made up", "date": "2026-11-25"}


def made_up() -> dict[str, Any]:
    return {
        "name": "chip",
        "vendor": "nobody",
        "kind": "npu",
        "memory": [{"name": "HBM", "capacity": number(8e10, "B"), "bandwidth": number(1e12, "B/s")}],
        "peak": {"bfloat16": number(1e14, "FLOP/s"), "int8": number(2e14, "OP/s")},
        "links": [{"name": "wire", "reach": "scale_up", "devices": 8, "bandwidth": number(1e11, "B/s"), "latency": number(1e-6, "s")}],
        "power": number(300, "W"),
        "price": number(2.5, "USD/h"),
        "reached": {"stream": number(8e11, "B/s"), "gemm.bfloat16": number(0.7, "1")},
    }


def write(folder: Path, rows: dict[str, Any]) -> str:
    (folder / "chip.yaml").write_text(yaml.safe_dump(rows), encoding="utf-8")
    return str(folder / "chip.yaml")


@pytest.mark.parametrize("name", sorted(bundled()))
def test_each_bundled_device_has_sources_and_numbers_of_a_plausible_size(name: str) -> None:
    device = load_description(name)
    places = dict(device.quantities())
    assert {"memory.0.capacity", "memory.0.bandwidth"} <= set(places)
    assert any(place.startswith("peak.") for place in places)
    assert all(not quantity.source.startswith("/") for quantity in places.values())
    assert 8e9 <= device.memory[0].capacity.value <= 1e12
    assert 1e9 < device.memory[0].bandwidth.value < 1e14
    products_per_byte = max(peak.value for peak in device.peak.values()) / device.memory[0].bandwidth.value
    assert 10 < products_per_byte < 5000  # a unit that is a thousand times off leaves this range
    for key, quantity in device.reached.items():
        if quantity.unit == "B/s" and not key.startswith("link."):
            assert quantity.value <= device.memory[0].bandwidth.value
        if quantity.unit == "FLOP/s" and key.startswith("gemm."):
            assert quantity.value <= device.peak[key.removeprefix("gemm.")].value  # type: ignore[index]


@pytest.mark.parametrize("name", ["h100_sxm", "h200_sxm", "b200_sxm", "gb200", "gb300", "h800"])
def test_types_of_half_the_width_compute_twice_as_fast(name: str) -> None:
    peak = load_description(name).peak
    assert peak["float8"].value == pytest.approx(2 * peak["bfloat16"].value, rel=0.01)


def test_where_sources_differ_the_note_says_so() -> None:
    for name in ("atom_max_ca25", "rngd", "gaudi3", "rebel100", "b200_sxm", "tpu_v6e"):
        assert any(word in load_description(name).note for word in ("differ", "also writes", "own page"))
    rebel = load_description("rebel100")
    assert rebel.reached["stream"].value < 0.6 * rebel.memory[0].bandwidth.value


def test_a_name_may_be_shortened_while_one_device_begins_with_it() -> None:
    assert load_description("h100") == load_description("h100_sxm")
    with pytest.raises(InputError, match="no description") as caught:
        load_description("atom")
    assert "`atom_ca22` or `atom_max_ca25`" in (caught.value.hint or "")


def test_a_near_name_or_file_is_offered(tmp_path: Path) -> None:
    write(tmp_path, made_up())
    for wrong, right in (("rebell100", "rebel100"), (str(tmp_path / "chipp.yaml"), "chip.yaml")):
        with pytest.raises(InputError) as caught:
            load_description(wrong)
        assert right in (caught.value.hint or "")


def test_a_file_reads_back_what_was_written(tmp_path: Path) -> None:
    device = load_description(write(tmp_path, made_up()))
    assert Description.model_validate(device.model_dump()) == device
    assert device.link is not None
    assert device.link.devices == 8
    assert device.said == "claimed"
    assert dict(device.quantities())["links.0.latency"].value == 1e-6


@pytest.mark.parametrize(
    ("keys", "value", "told"),
    [
        (("memory", 0, "capacity", "unit"), "GB", "memory.0.capacity"),
        (("memory", 0, "bandwidth", "unit"), "B", "memory.0.bandwidth"),
        (("peak", "bfloat16", "unit"), "OP/s", "peak"),
        (("peak", "int8", "unit"), "FLOP/s", "peak"),
        (("links", 0, "bandwidth", "unit"), "bit/s", "links.0.bandwidth"),
        (("links", 0, "latency", "unit"), "us", "links.0.latency"),
        (("power", "unit"), "kW", "power"),
        (("price", "unit"), "USD", "price"),
        (("reached", "stream", "unit"), "GB/s", "reached"),
        (("memory", 0, "capacity", "value"), 0, "memory.0.capacity"),
        (("memory", 0, "capacity", "kind"), "guessed", "memory.0.capacity.kind"),
    ],
)
def test_a_wrong_unit_is_refused_with_its_place_and_a_way_out(tmp_path: Path, keys: tuple[Any, ...], value: object, told: str) -> None:
    rows = made_up()
    inside: Any = rows
    for key in keys[:-1]:
        inside = inside[key]
    inside[keys[-1]] = value
    with pytest.raises(RecipeError) as caught:
        load_description(write(tmp_path, rows))
    assert f"`{told}" in str(caught.value)
    assert "chip.yaml:" in str(caught.value)
    assert caught.value.hint


def test_two_links_of_one_reach_and_a_device_without_a_peak_are_refused(tmp_path: Path) -> None:
    for change in ({"links": made_up()["links"] * 2}, {"peak": {}}, {"memory": []}):
        with pytest.raises(RecipeError):
            load_description(write(tmp_path, made_up() | change))


def test_an_empty_file_is_no_recipe_that_lacks_sections(tmp_path: Path) -> None:
    (tmp_path / "chip.yaml").write_text("")
    with pytest.raises(RecipeError) as caught:
        load_description(str(tmp_path / "chip.yaml"))
    assert "recipe" not in f"{caught.value} {caught.value.hint}"
