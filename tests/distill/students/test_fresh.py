"""A fresh student has the sizes that were asked for, in its teacher's family, and equal seeds give equal weights."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, LlamaConfig, Qwen3Config

from seodang.core.errors import ModelError
from seodang.distill.students.family import sizes
from seodang.distill.students.fresh import fresh
from seodang.distill.students.section import StudentSection


def asked(**values: int) -> StudentSection:
    return StudentSection.model_validate({"method": "fresh", **values})


def config_of(folder: Path) -> Any:
    return AutoConfig.from_pretrained(folder)


def test_sizes_are_those_asked_for_and_the_rest_the_teachers(tiny_model_dir: Path) -> None:
    wanted = {"num_layers": 5, "intermediate_size": 20, "num_heads": 6, "num_kv_heads": 3, "hidden_size": 48}
    model = fresh(config_of(tiny_model_dir), asked(**wanted), 0)
    assert sizes(model.config) == wanted
    assert (model.config.head_dim, model.config.vocab_size, model.config.tie_word_embeddings) == (8, 400, True)
    assert model.get_input_embeddings().weight is model.get_output_embeddings().weight
    block = 48 * 6 * 8 * 2 + 48 * 3 * 8 * 2 + 3 * 48 * 20 + 2 * 48
    assert model.num_parameters() == 400 * 48 + 5 * block + 48
    assert {values.dtype for values in model.parameters()} == {torch.float32}
    assert sizes(fresh(config_of(tiny_model_dir), asked(), 0).config) == sizes(config_of(tiny_model_dir))


def test_equal_seeds_give_equal_weights_and_leave_chance_as_it_was(tiny_model_dir: Path) -> None:
    def weights(seed: int) -> torch.Tensor:
        return fresh(config_of(tiny_model_dir), asked(num_layers=1), seed).model.layers[0].mlp.up_proj.weight

    torch.manual_seed(5)
    first = weights(1)
    after = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(torch.rand(1), after)
    assert torch.equal(first, weights(1))
    assert not torch.equal(first, weights(2))


def test_heads_keep_a_width_of_their_own_and_their_share_of_groups() -> None:
    config = Qwen3Config(vocab_size=400, hidden_size=32, intermediate_size=48, num_attention_heads=4, num_key_value_heads=2, head_dim=16)
    model = fresh(config, asked(hidden_size=24, num_heads=2, num_layers=2), 0)
    assert (model.config.head_dim, model.config.num_key_value_heads) == (16, 1)
    assert len(model.config.layer_types) == 2


def test_a_model_of_ax_k1s_shape_keeps_its_latent_attention(tiny_axk1_dir: Path) -> None:
    model = fresh(config_of(tiny_axk1_dir), asked(hidden_size=32, num_heads=2, num_layers=5), 0)
    assert (model.config.num_key_value_heads, model.config.qk_rope_head_dim, model.config.head_dim) == (2, 8, 8)
    assert model.config.mlp_layer_types == ["dense", "sparse", "sparse", "sparse", "sparse"]
    assert model(torch.tensor([[5, 6, 7]])).logits.isfinite().all()


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"num_heads": 3}, "cannot share|divide"),
        ({"num_kv_heads": 3}, "cannot share 3 heads"),
        ({"hidden_size": 50}, "does not divide into 4 heads"),
        ({"hidden_size": 20}, "even width"),
    ],
)
def test_sizes_that_do_not_go_together_are_refused(tiny_model_dir: Path, values: dict[str, int], what: str) -> None:
    with pytest.raises(ModelError, match=what) as caught:
        fresh(config_of(tiny_model_dir), asked(**values), 0)
    assert "student." in caught.value.render()


def test_sizes_that_a_family_refuses_are_refused_with_its_reason() -> None:
    config = LlamaConfig(vocab_size=400, hidden_size=32, intermediate_size=48, num_attention_heads=4, head_dim=16)
    with pytest.raises(ModelError, match="not a multiple of the number of attention heads"):
        fresh(config, asked(hidden_size=30), 0)
