"""Counts equal those of transformers' own classes, built without weights."""

import json
from pathlib import Path
from typing import Any

import pytest

from seodang.core.errors import InputError
from seodang.testbed.workloads.class_count import class_parameters
from seodang.testbed.workloads.count import parameters
from seodang.testbed.workloads.shape import bundled_models, read_config, read_shape, shape_of

_SMALL: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "vocab_size": 100,
    "max_position_embeddings": 128,
    "tie_word_embeddings": False,
    "pad_token_id": None,
}
_LATENT = {"q_lora_rank": 24, "kv_lora_rank": 16, "qk_nope_head_dim": 8, "qk_rope_head_dim": 4, "v_head_dim": 12, "num_key_value_heads": 4}
_INDEX = {"index_n_heads": 2, "index_head_dim": 8, "index_topk": 16}
_GROUPS = {"n_group": 2, "topk_group": 1}
_EXPERTS = {"n_routed_experts": 8, "n_shared_experts": 2, "num_experts_per_tok": 2, "moe_intermediate_size": 32, **_GROUPS}


@pytest.mark.parametrize("name", list(bundled_models()))
def test_a_bundled_model_equals_its_class(name: str) -> None:
    """A.X K1 but for the norm after the dense layer's MLP, which the class does not build and the published count has."""
    expected = 7168 if name == "ax-k1" else 0
    assert parameters(read_shape(name)).total - class_parameters(read_config(name), name) == expected


@pytest.mark.parametrize(
    ("family", "fields"),
    [
        ("llama", {}),
        ("llama", {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True}),
        ("mistral", {}),
        ("qwen2", {}),
        ("qwen3", {"tie_word_embeddings": True}),
        ("phi3", {}),
        ("glm4_moe", {**_EXPERTS, "first_k_dense_replace": 1, "use_qk_norm": True, "attention_bias": True}),
        ("mixtral", {"num_local_experts": 4, "num_experts_per_tok": 2}),
        (
            "qwen3_moe",
            {"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "decoder_sparse_step": 2, "mlp_only_layers": [1]},
        ),
        ("gpt_oss", {"num_local_experts": 4, "num_experts_per_tok": 2, "attention_bias": True, "sliding_window": 8}),
        ("deepseek_v3", {**_LATENT, **_EXPERTS, "first_k_dense_replace": 2, "attention_bias": True}),
        ("deepseek_v3", {**_LATENT, **_EXPERTS, "first_k_dense_replace": 1, "q_lora_rank": None}),
        ("deepseek_v32", {**_LATENT, **_EXPERTS, "first_k_dense_replace": 1, **_INDEX}),
        (
            "axk2",
            {
                **_LATENT,
                **_EXPERTS,
                "first_k_dense_replace": 1,
                "index_n_heads": 2,
                "index_head_dim": 8,
                "index_topk": 16,
                "gated_norm_rank": 4,
            },
        ),
    ],
)
def test_a_small_model_of_each_family_equals_its_class(family: str, fields: dict[str, Any]) -> None:
    config = {**_SMALL, **fields, "model_type": family}
    shape = shape_of(config, family)
    assert parameters(shape).total == class_parameters(config, family)
    assert shape.differences == ()


def test_a_saved_model_is_read_from_its_folder_or_file(tiny_model_dir: Path, tiny_axk1_dir: Path) -> None:
    for folder, more in ((tiny_model_dir, 0), (tiny_axk1_dir, read_shape(tiny_axk1_dir).hidden)):  # A.X K1: the dense layer's norm
        shape = read_shape(folder)
        assert parameters(shape) == parameters(read_shape(folder / "config.json"))
        assert parameters(shape).total - class_parameters(read_config(folder), str(folder)) == more


def test_a_family_that_was_not_compared_says_so(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({**_SMALL, "model_type": "nobody_knows"}), encoding="utf-8")
    assert "no code of this family was compared" in read_shape(tmp_path).differences[0]


def test_a_class_that_transformers_does_not_have_is_refused() -> None:
    with pytest.raises(InputError, match="nobody_knows"):
        class_parameters({**_SMALL, "model_type": "nobody_knows"}, "here")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hidden_size": None, "vocab_size": None}, "no field `hidden_size`, `vocab_size`"),
        ({"num_hidden_layers": "4"}, "`num_hidden_layers` is '4'"),
        ({"hidden_size": -1}, "`hidden_size` is -1"),
        ({"num_key_value_heads": 3}, "no multiple of num_key_value_heads"),
        ({"num_local_experts": 4}, "no field `num_experts_per_tok`"),
        ({"num_local_experts": 4, "num_experts_per_tok": 8}, "8 experts a token of 4"),
        ({"moe_num_experts": 4}, "experts under names that are not known"),
        ({"num_local_experts": 2, "num_experts_per_tok": 1, "mlp_layer_types": ["sparse"]}, "another length"),
    ],
)
def test_an_impossible_configuration_is_told(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        shape_of({**_SMALL, "model_type": "mixtral", **change}, "config.json")
    assert said in str(caught.value)


def test_a_name_that_is_not_known_gets_a_near_one() -> None:
    with pytest.raises(InputError) as caught:
        read_shape("deepseek-v4")
    assert caught.value.hint == "did you mean `deepseek-v3`?"


def test_a_file_that_is_no_configuration_is_told(tmp_path: Path) -> None:
    for text, said in (("{", "not JSON"), ("[]", "no mapping")):
        (tmp_path / "config.json").write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=said):
            read_config(tmp_path / "config.json")
