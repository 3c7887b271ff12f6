"""A GGUF file holds the checkpoint's numbers and names; what it could not hold faithfully is refused."""

import json
import re
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from seodang.core.errors import ModelError
from seodang.export.gguf import FileType, write_gguf

MakeModel = Callable[..., Path]


def load_back(path: Path) -> Any:
    """The file as transformers reads it: an oracle with its own table of names and its own rotation of heads."""
    import torch
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32).eval()


def load(folder: Path) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def fields(path: Path) -> dict[str, Any]:
    return {name: field.contents() for name, field in gguf.GGUFReader(path).fields.items()}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"tie_word_embeddings": False},
        {"num_key_value_heads": 4, "head_dim": 32},
        {"vocab_size": 416, "num_key_value_heads": 1},
    ],
    ids=["tied", "untied", "wide_heads", "spare_rows"],
)
def test_f16_gives_the_same_logits_to_the_last_bit(make_model: MakeModel, tmp_path: Path, changes: dict[str, Any]) -> None:
    import torch

    folder = make_model(**changes)
    write_gguf(folder, tmp_path / "model.gguf", "F16")
    ours, back = load(folder), load_back(tmp_path / "model.gguf")
    ids = torch.arange(0, 400, 7)[None]
    with torch.inference_mode():
        assert torch.equal(ours(ids).logits, back(ids).logits)
    assert all(torch.equal(values, back.state_dict()[name]) for name, values in ours.state_dict().items())


def test_q8_0_stays_within_the_step_of_its_quantiser(half_model_dir: Path, tmp_path: Path) -> None:
    """Half a step of the block's largest number / 127, and the rounding of that step to F16; vectors are exact."""
    write_gguf(half_model_dir, tmp_path / "model.gguf", "Q8_0")
    back = load_back(tmp_path / "model.gguf").state_dict()
    for name, tensor in load(half_model_dir).state_dict().items():
        ours, theirs = tensor.numpy(), back[name].numpy()
        if ours.ndim == 1:
            assert np.array_equal(ours, theirs)
            continue
        blocks = ours.reshape(-1, 32)
        step = np.abs(blocks).max(1, keepdims=True) / 127
        assert (np.abs(blocks - theirs.reshape(-1, 32)) <= step * (0.5 + 127 * 2.0**-11)).all()
        assert not np.array_equal(ours, theirs)


def test_rows_that_are_no_multiple_of_32_stay_f16(make_model: MakeModel, tmp_path: Path) -> None:
    write_gguf(make_model(intermediate_size=80), tmp_path / "model.gguf", "Q8_0")
    kinds = {tensor.name: tensor.tensor_type.name for tensor in gguf.GGUFReader(tmp_path / "model.gguf").tensors}
    assert kinds["blk.0.ffn_down.weight"] == "F16"
    assert kinds["blk.0.ffn_up.weight"] == "Q8_0"
    assert kinds["blk.0.attn_norm.weight"] == "F32"


@pytest.mark.parametrize("file_type", ["F16", "Q8_0"])
def test_equal_inputs_give_equal_bytes_however_the_weights_are_cut(make_model: MakeModel, tmp_path: Path, file_type: FileType) -> None:
    general = {"name": "tiny"}
    write_gguf(make_model(), tmp_path / "whole.gguf", file_type, general)
    shards = make_model(shard="60KB")
    assert len(list(shards.glob("*.safetensors"))) > 1
    write_gguf(shards, tmp_path / "shards.gguf", file_type, general)
    assert (tmp_path / "whole.gguf").read_bytes() == (tmp_path / "shards.gguf").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["shards.gguf", "whole.gguf"]


def test_bfloat16_weights_are_read(make_model: MakeModel, tmp_path: Path) -> None:
    import torch

    folder = make_model(dtype=torch.bfloat16)
    write_gguf(folder, tmp_path / "model.gguf", "F16")
    back = load_back(tmp_path / "model.gguf").state_dict()
    assert all(torch.equal(values, back[name]) for name, values in load(folder).state_dict().items())


def test_metadata(half_model_dir: Path, half_gguf: Path) -> None:
    found = fields(half_gguf)
    tokenizer = json.loads((half_model_dir / "tokenizer.json").read_text())
    assert found["general.architecture"] == "llama"
    assert (found["general.name"], found["general.license"]) == ("tiny", "apache-2.0")
    assert found["general.file_type"] == gguf.LlamaFileType.MOSTLY_F16
    assert found["llama.rope.freq_base"] == 5000.0
    assert found["llama.context_length"] == 512
    assert (found["tokenizer.ggml.model"], found["tokenizer.ggml.pre"]) == ("gpt2", "gpt-2")
    assert {token: index for index, token in enumerate(found["tokenizer.ggml.tokens"])} == tokenizer["model"]["vocab"]
    assert found["tokenizer.ggml.token_type"][:4] == [gguf.TokenType.CONTROL] * 3 + [gguf.TokenType.NORMAL]
    assert len(found["tokenizer.ggml.merges"]) == len(tokenizer["model"]["merges"])
    assert (found["tokenizer.ggml.bos_token_id"], found["tokenizer.ggml.eos_token_id"]) == (1, 2)
    assert found["tokenizer.ggml.add_bos_token"] is False
    assert "<|im_start|>" in found["tokenizer.chat_template"]


def test_rows_without_a_token_are_named_unused(make_model: MakeModel, tmp_path: Path) -> None:
    write_gguf(make_model(vocab_size=403), tmp_path / "model.gguf", "F16")
    found = fields(tmp_path / "model.gguf")
    assert found["tokenizer.ggml.tokens"][400:] == ["[PAD400]", "[PAD401]", "[PAD402]"]
    assert found["tokenizer.ggml.token_type"][399:] == [gguf.TokenType.NORMAL] + [gguf.TokenType.UNUSED] * 3


def test_all_tokens_that_end_an_answer_are_named(half_model_dir: Path, tmp_path: Path) -> None:
    folder = copy(half_model_dir, tmp_path, {"generation_config.json": {"eos_token_id": [2, 0]}})
    write_gguf(folder, tmp_path / "model.gguf", "F16")
    found = fields(tmp_path / "model.gguf")
    assert (found["tokenizer.ggml.eos_token_id"], found["tokenizer.ggml.eot_token_id"]) == (2, 0)


def copy(folder: Path, tmp_path: Path, changes: dict[str, dict[str, Any]]) -> Path:
    """A copy of a model folder whose JSON files have other values at some keys."""
    new = tmp_path / "changed"
    shutil.copytree(folder, new)
    for name, values in changes.items():
        content = json.loads((new / name).read_text())
        (new / name).write_text(json.dumps(content | values))
    return new


SPLIT = {"type": "Split", "pattern": {"Regex": r"\p{N}{1,3}"}, "behavior": "Isolated", "invert": False}
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}


@pytest.mark.parametrize(
    ("changes", "what", "hint"),
    [
        ({"config.json": {"architectures": ["MambaForCausalLM"]}}, "MambaForCausalLM", "LlamaForCausalLM"),
        ({"config.json": {"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}}}, "linear", "plain Llama"),
        ({"config.json": {"hidden_act": "gelu"}}, "gelu", "plain Llama"),
        ({"config.json": {"num_hidden_layers": 3}}, "model.layers.2", "all weights"),
        ({"config.json": {"num_hidden_layers": 1}}, "model.layers.1", "not written"),
        ({"config.json": {"intermediate_size": 128}}, "has shape", "config"),
        (
            {"tokenizer.json": {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [SPLIT, BYTE_LEVEL]}}},
            "pre-tokenizer",
            "`gpt-2`.*`smollm`",
        ),
        ({"tokenizer.json": {"normalizer": {"type": "NFC"}}}, "normalizer", "byte-level BPE"),
        ({"generation_config.json": {"eos_token_id": [2, 0, 5, 6]}}, "4 tokens end", "generation_config.json"),
    ],
    ids=["architecture", "rope", "activation", "missing", "left_over", "shape", "pre_tokenizer", "normalizer", "ends"],
)
def test_refuses_what_would_run_differently_and_leaves_no_file(
    half_model_dir: Path, tmp_path: Path, changes: dict[str, dict[str, Any]], what: str, hint: str
) -> None:
    folder = copy(half_model_dir, tmp_path, changes)
    with pytest.raises(ModelError, match=what) as caught:
        write_gguf(folder, tmp_path / "out" / "model.gguf", "F16")
    assert caught.value.where == str(folder)
    assert caught.value.hint is not None
    assert re.search(hint, caught.value.hint)
    assert not list((tmp_path / "out").glob("*"))


def test_a_write_that_fails_is_told_and_leaves_no_file(half_model_dir: Path, tmp_path: Path) -> None:
    """The limit stands for a full disk: it is met inside the weights, some of which fit into a buffer."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_gguf(half_model_dir, tmp_path / "out" / "model.gguf", "F16")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list((tmp_path / "out").glob("*"))


def test_a_config_as_older_versions_wrote_it_is_understood(half_model_dir: Path, half_gguf: Path, tmp_path: Path) -> None:
    folder = copy(half_model_dir, tmp_path, {"config.json": {"rope_theta": 5000.0, "rope_scaling": None}})
    config = json.loads((folder / "config.json").read_text())
    for key in ("rope_parameters", "head_dim"):
        del config[key]
    (folder / "config.json").write_text(json.dumps(config))
    write_gguf(folder, tmp_path / "model.gguf", "F16", {"name": "tiny", "license": "apache-2.0"})
    assert (tmp_path / "model.gguf").read_bytes() == half_gguf.read_bytes()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e6])
def test_refuses_numbers_that_f16_cannot_hold(half_model_dir: Path, tmp_path: Path, value: float) -> None:
    from safetensors.torch import load_file, save_file

    folder = copy(half_model_dir, tmp_path, {})
    weights = load_file(folder / "model.safetensors")
    weights["model.layers.1.mlp.up_proj.weight"][3, 5] = value
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="up_proj"):
        write_gguf(folder, tmp_path / "out" / "model.gguf", "Q8_0")
    assert not list((tmp_path / "out").glob("*"))


@pytest.mark.parametrize("key", ["architecture", "file_type", "License", "a b"])
def test_refuses_general_keys_that_are_not_for_the_caller(half_model_dir: Path, tmp_path: Path, key: str) -> None:
    with pytest.raises(ModelError, match="cannot be set"):
        write_gguf(half_model_dir, tmp_path / "model.gguf", "F16", {key: "x"})


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"config\.json is missing"):
        write_gguf(tmp_path, tmp_path / "model.gguf", "F16")
