"""A calibration gives a device whose roofline returns what was timed."""

from pathlib import Path

import pytest

from seodang.pipeline.context import RunContext
from seodang.pipeline.estimate.chosen_device import choose_device
from seodang.pipeline.estimate.measure import measure_machine
from seodang.pipeline.estimate.model_size import read_size
from seodang.pipeline.recipe import load_recipe
from seodang.pipeline.workspace import Workspace
from small_project import write_project


def test_a_machine_is_measured_once_and_used_from_then_on(random_model: Path, tmp_path: Path) -> None:
    recipe = write_project(tmp_path, random_model)
    context = RunContext(load_recipe(recipe), tmp_path, Workspace(tmp_path / "runs"))
    path = measure_machine(context)
    found = choose_device(None, context.workspace.store, read_size(random_model, "any"))
    assert path.is_file()
    assert found.origin == "measured"
    for name in ("read", "decode", "train"):
        number = getattr(found.device.runs, name)
        assert number.kind == "measured"
        assert "--measure" in number.source
        assert 0 < number.value < 50
    assert found.device.memory_bytes_per_s > 1e7
    assert found.device.peak("float32") > 1e7
    assert found.device.runs.error_factor.value == pytest.approx(1.6) or found.device.runs.error_factor.value == pytest.approx(3.0)
