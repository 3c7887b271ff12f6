"""Weights of a folder are those that safetensors wrote, and files that are torn are told."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from oracles.backend_models import graph_of
from seodang.backends.build_graph import build_graph, read_config
from seodang.backends.contract import WeightsRefused
from seodang.backends.weights import FolderWeights, check_weights, take_weight

TENSORS = {
    "wide": torch.randn(5, 7, generator=torch.Generator().manual_seed(0)),
    "bf16": torch.randn(3, 4, generator=torch.Generator().manual_seed(1)).bfloat16(),
    "f16": torch.tensor([1.5, -2.25, 6e-8, 65504.0]).half(),
    "scalar": torch.tensor(3.0),
    "empty": torch.zeros(0, 4),
}


# Heads that are JSON and not safetensors'.
HEADS = [len(head).to_bytes(8, "little") + head for head in (b"[]", b'{"a": 1}', b'{"a": {}}', b'{"a": {"dtype": "F32", "shape": 3}}')]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_file({name: TENSORS[name] for name in ("wide", "bf16")}, tmp_path / "model-1.safetensors", metadata={"format": "pt"})
    save_file({name: TENSORS[name] for name in ("f16", "scalar", "empty")}, tmp_path / "model-2.safetensors")
    return tmp_path


def test_every_type_and_file_is_read_as_float32(folder: Path) -> None:
    weights = FolderWeights(folder)
    assert set(weights) == set(TENSORS)
    assert len(weights) == len(TENSORS)
    for name, tensor in TENSORS.items():
        assert weights[name].dtype == np.float32
        np.testing.assert_array_equal(weights[name], tensor.float().numpy())


def test_a_torn_file_is_told_when_its_lost_tensor_is_read(folder: Path) -> None:
    path = folder / "model-1.safetensors"
    begun = int.from_bytes(path.read_bytes()[:8], "little")
    head = json.loads(path.read_bytes()[8 : 8 + begun])
    lost = max((name for name in head if name != "__metadata__"), key=lambda name: head[name]["data_offsets"][1])
    path.write_bytes(path.read_bytes()[:-4])
    weights = FolderWeights(folder)
    with pytest.raises(WeightsRefused, match=f"ends before `{lost}` does"):
        _ = weights[lost]
    (other,) = {"wide", "bf16"} - {lost}
    np.testing.assert_array_equal(weights[other], TENSORS[other].float().numpy())


@pytest.mark.parametrize("content", [b"", b"abc", b"\x10\x00\x00\x00\x00\x00\x00\x00{", b"\xff" * 64, *HEADS])
def test_what_is_no_safetensors_file_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(WeightsRefused, match="not a safetensors file"):
        FolderWeights(tmp_path)


def test_an_empty_folder_and_integers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsRefused, match="no safetensors files"):
        FolderWeights(tmp_path)
    save_file({"counts": torch.ones(2, dtype=torch.int64)}, tmp_path / "model.safetensors")
    with pytest.raises(WeightsRefused, match="`counts` is of type I64"):
        _ = FolderWeights(tmp_path)["counts"]


def test_a_tied_head_is_the_table_of_embeddings(tiny_model_dir: Path) -> None:
    graph = graph_of(tiny_model_dir)
    assert "lm_head.weight" not in graph.tensors
    assert graph.nodes[-1].weights == {"weight": "model.embed_tokens.weight"}
    untied = build_graph(read_config(tiny_model_dir) | {"tie_word_embeddings": False})
    with pytest.raises(WeightsRefused, match=r"1 tensors are missing, the first is `lm_head\.weight`"):
        check_weights(untied.tensors, FolderWeights(tiny_model_dir))


def test_what_belongs_to_no_node_is_named_and_a_wrong_shape_refused() -> None:
    shapes, weights = {"a": (2, 3)}, {"a": np.zeros((3, 2)), "b": np.zeros(1), "c": np.zeros(1)}
    assert check_weights(shapes, weights) == ("b", "c")
    with pytest.raises(WeightsRefused, match=r"`a` is \(3, 2\), the graph says \(2, 3\)"):
        take_weight(shapes, weights, "a")
