"""A small project whose model is a configuration alone: sizes are read from it, and nothing has to be opened."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seodang.pipeline.context import RunContext
from seodang.pipeline.estimate.estimate import estimate_run
from seodang.pipeline.recipe import load_recipe
from seodang.pipeline.workspace import Workspace
from small_project import write_project

CONFIG = {
    "model_type": "llama",
    "vocab_size": 49_152,
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "tie_word_embeddings": True,
}
Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def project(tmp_path: Path) -> Callable[[Change | None], RunContext]:
    """Writes the project, with a change to its recipe, and opens it as a run would."""
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")

    def write(change: Change | None = None) -> RunContext:
        path = write_project(tmp_path / "project", model, change)
        return RunContext(load_recipe(path), path.parent, Workspace(tmp_path / "runs"))

    return write


@pytest.fixture
def told(project: Callable[[Change | None], RunContext]) -> Callable[..., dict[str, Any]]:
    """The estimate of the project, with a change to its recipe, on the reference machine or on a device."""

    def estimate(change: Change | None = None, device: str = "cpu-2-cores") -> dict[str, Any]:
        return estimate_run(project(change), device=device)

    return estimate
