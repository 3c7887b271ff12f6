"""What training goes on from after a kill: tensors in one file, and a small record that names it and is written last."""

import os
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from seodang.core.files import read_json, remove_torn, storage_errors, write_json

_RECORD = "latest.json"


def save(folder: Path, step: int, tensors: dict[str, torch.Tensor], state: dict[str, Any]) -> None:
    """Writes the state of a step; the one before it goes when this one is whole."""
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"step-{step:06d}.safetensors"
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
        with path.open("rb") as file:
            os.fsync(file.fileno())
        write_json(folder / _RECORD, {"file": path.name, **state})
        _remove_others(folder, path.name)


def load(folder: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]] | None:
    """The tensors and the state that were saved last; None: none were. What a kill left half written, or left over, is removed."""
    remove_torn(folder)
    if not (folder / _RECORD).is_file():
        return None
    state = read_json(folder / _RECORD)
    _remove_others(folder, state["file"])
    return load_file(folder / state["file"]), state


def _remove_others(folder: Path, name: str) -> None:
    for path in folder.glob("step-*.safetensors"):
        if path.name != name:
            path.unlink(missing_ok=True)
