"""A model's size is what transformers says it is, whether it is read from weights, from a configuration, or follows from a recipe."""

import json
from pathlib import Path
from typing import Any

import pytest

from seodang.core.errors import ModelError
from seodang.distill.students.section import StudentSection
from seodang.models.source import LocalTeacher
from seodang.pipeline.draft import BUNDLED_TEACHER
from seodang.pipeline.estimate.model_size import SMOLLM2_135M, find_size, num_adapter_parameters, read_size, student_size

SMALL = {
    "vocab_size": 300,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}


def num_parameters(**sizes: Any) -> int:
    """Of the model that transformers makes of a configuration, without memory for it."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config: dict[str, Any] = {"tie_word_embeddings": False, **SMALL, **sizes}
    with torch.device("meta"):
        model = LlamaForCausalLM(LlamaConfig(**config))
    return sum(parameter.numel() for parameter in model.parameters())


def write_config(folder: Path, **sizes: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"tie_word_embeddings": False, **SMALL, **sizes}), encoding="utf-8")
    return folder


@pytest.mark.parametrize("sizes", [{}, {"tie_word_embeddings": True}, {"num_hidden_layers": 7, "hidden_size": 128}, {"head_dim": 32}])
def test_a_configuration_gives_the_number_of_parameters(tmp_path: Path, sizes: dict[str, Any]) -> None:
    size = read_size(write_config(tmp_path / "model", **sizes), "a")
    assert size.num_parameters == pytest.approx(num_parameters(**sizes), rel=1e-3)  # but for the last norm


def test_weight_files_give_the_number_of_parameters_without_being_opened(random_model: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(random_model, dtype=torch.float32)
    size = read_size(random_model, "random")
    assert size.num_parameters + size.hidden == sum(parameter.numel() for parameter in model.parameters())
    assert size.source == "its configuration and weight files"
    assert size.tied is False


def test_the_size_that_is_known_beforehand_is_that_of_the_bundled_teacher(tmp_path: Path) -> None:
    size, doubt = find_size(LocalTeacher.model_validate(BUNDLED_TEACHER), tmp_path, tmp_path)
    assert doubt is None
    tied = {"vocab_size": 49_152, "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9}
    assert size.num_parameters + 576 == num_parameters(**tied, num_key_value_heads=3, tie_word_embeddings=True) == 134_515_008
    assert num_adapter_parameters(SMOLLM2_135M, 32, 15) == 4_884_480  # as its training reports


@pytest.mark.parametrize(
    ("student", "sizes"),
    [
        ({"method": "depth_prune", "num_layers": 2}, {"num_hidden_layers": 2}),
        ({"method": "width_prune", "intermediate_size": 32}, {"intermediate_size": 32}),
        ({"method": "width_prune", "num_kv_heads": 1}, {"num_key_value_heads": 1, "num_attention_heads": 2, "head_dim": 16}),
        ({"method": "width_prune", "hidden_size": 32}, {"hidden_size": 32, "head_dim": 16}),
        ({"method": "fresh", "num_layers": 1, "hidden_size": 32, "num_heads": 2, "num_kv_heads": 1, "intermediate_size": 48},
         {"num_hidden_layers": 1, "hidden_size": 32, "num_attention_heads": 2, "num_key_value_heads": 1, "intermediate_size": 48}),
    ],
)  # fmt: skip
def test_a_student_is_as_large_as_the_model_that_would_be_made(tmp_path: Path, student: dict[str, Any], sizes: dict[str, Any]) -> None:
    start = read_size(write_config(tmp_path / "model"), "a")
    found = student_size(start, StudentSection.model_validate(student))
    assert found.num_parameters == pytest.approx(num_parameters(**sizes), rel=0.01)


def test_of_routed_experts_a_token_meets_some(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    folder = write_config(tmp_path / "model", num_hidden_layers=1, n_routed_experts=8, num_experts_per_tok=2)
    tensors = {f"model.layers.0.mlp.experts.{i}.up_proj.weight": torch.zeros(10, 10) for i in range(8)}
    tensors |= {"model.layers.0.mlp.shared_experts.up_proj.weight": torch.zeros(5, 10), "model.embed_tokens.weight": torch.zeros(300, 64)}
    save_file(tensors, folder / "model.safetensors")
    size = read_size(folder, "experts")
    assert (size.mlp, size.mlp_used, size.attention) == (850, 250, 0)


@pytest.mark.parametrize(("name", "wanted"), [("Some-Model-7B-Instruct", 7e9), ("tiny-360M", 360e6), ("gemma3-270m", 270e6)])
def test_a_size_that_is_not_known_is_taken_from_the_name_and_said(tmp_path: Path, name: str, wanted: float) -> None:
    source = LocalTeacher.model_validate({**BUNDLED_TEACHER, "name": name})
    size, doubt = find_size(source, tmp_path, tmp_path)
    assert size.num_parameters == pytest.approx(wanted, rel=0.1)
    assert "taken from its name" in (doubt or "")


@pytest.mark.parametrize(("text", "what"), [("{}", "without a model's sizes"), ("[", "without a model's sizes"), (None, "no model here")])
def test_a_folder_without_sizes_is_an_error(tmp_path: Path, text: str | None, what: str) -> None:
    if text is not None:
        (tmp_path / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=what) as caught:
        read_size(tmp_path, "a")
    assert caught.value.hint
