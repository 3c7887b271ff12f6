"""Weights of a Hugging Face folder, one tensor at a time, without torch."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from seodang.backends.contract import WeightsRefused

_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
_LONGEST_HEAD = 100_000_000  # bytes, as the format says


class FolderWeights(Mapping[str, np.ndarray]):
    """The tensors of a folder's safetensors files, read when they are asked for, as float32. WeightsRefused for files that are torn or of
    another type."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._places: dict[str, tuple[Path, int, dict[str, Any]]] = {}
        files = sorted(folder.glob("*.safetensors"))
        if not files:
            raise WeightsRefused("no safetensors files here", where=str(folder), hint="name a Hugging Face model folder")
        for path in files:
            begin, head = _read_head(path)
            self._places |= {name: (path, begin, told) for name, told in head.items() if name != "__metadata__"}

    def __getitem__(self, name: str) -> np.ndarray:
        path, begin, told = self._places[name]
        if told["dtype"] not in _DTYPES:
            raise WeightsRefused(f"`{name}` is of type {told['dtype']}", where=str(path), hint=f"types are {', '.join(_DTYPES)}")
        start, stop = told["data_offsets"]
        count = math.prod(told["shape"])
        if path.stat().st_size < begin + stop:
            raise WeightsRefused(f"the file ends before `{name}` does", where=str(path), hint="copy the model again: the file is torn")
        values = np.fromfile(path, _DTYPES[told["dtype"]], count, offset=begin + start).reshape(told["shape"])
        if told["dtype"] == "BF16":
            return (values.astype(np.uint32) << 16).view(np.float32)
        return values.astype(np.float32)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _read_head(path: Path) -> tuple[int, dict[str, Any]]:
    """Where the data of a file begins, and what stands of each tensor: dtype, shape, data_offsets."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        try:
            head: dict[str, Any] = json.loads(file.read(min(length, _LONGEST_HEAD)))
            for name, told in head.items():
                if name != "__metadata__":
                    _ = told["dtype"], [int(size) for size in told["shape"]], [int(place) for place in told["data_offsets"]]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise WeightsRefused("not a safetensors file", where=str(path), hint="copy the model again: the file is torn") from error
    return 8 + length, head


def check_weights(tensors: Mapping[str, tuple[int, ...]], weights: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    """The names that were given and belong to no node. WeightsRefused where tensors are missing; shapes are checked by `take_weight`."""
    missing = sorted(set(tensors) - set(weights))
    if missing:
        raise WeightsRefused(
            f"{len(missing)} tensors are missing, the first is `{missing[0]}`",
            hint="give the whole checkpoint of the graph's configuration",
        )
    return tuple(sorted(set(weights) - set(tensors)))


def take_weight(tensors: Mapping[str, tuple[int, ...]], weights: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """One tensor. WeightsRefused where its shape is not the graph's."""
    values = weights[name]
    if values.shape != tensors[name]:
        raise WeightsRefused(
            f"`{name}` is {values.shape}, the graph says {tensors[name]}", hint="are these the weights of this configuration?"
        )
    return values
