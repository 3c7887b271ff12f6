"""The blocks that do least are taken out, and what is left opens with transformers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from seodang.core.errors import ModelError
from seodang.distill.packing import Example
from seodang.distill.students.prune_depth import block_influence, prune_depth

Open = Callable[[Path], Any]
Logits = Callable[..., torch.Tensor]


def test_the_blocks_that_do_least_are_taken_out(
    deep_dir: Path, examples: list[Example], tmp_path: Path, opened: Open, logits: Logits
) -> None:
    model = opened(deep_dir)
    influence = block_influence(model, examples, 512)
    assert sorted(sorted(range(6), key=lambda i: influence[i])[:2]) == [2, 4]
    assert prune_depth(model, examples, 4, 512) == [0, 1, 3, 5]
    model.save_pretrained(tmp_path)
    reopened = opened(tmp_path)
    assert reopened.config.num_hidden_layers == 4
    torch.testing.assert_close(logits(reopened), logits(model), atol=1e-6, rtol=1e-5)


def test_influence_is_one_less_the_mean_cosine_over_the_sample(deep_dir: Path, examples: list[Example], opened: Open) -> None:
    model = opened(deep_dir)
    found: list[torch.Tensor] = []
    with torch.no_grad():
        for example in examples[:5]:
            ids = torch.tensor([[*example.prompt_ids, *example.answer_ids]])
            given = model.model.embed_tokens(ids)
            states = model(ids, output_hidden_states=True).hidden_states
            found.append(F.cosine_similarity(given, states[1], dim=-1).mean())
    assert block_influence(model, examples, 5)[0] == pytest.approx(1 - torch.stack(found).mean().item(), abs=1e-5)


@pytest.mark.parametrize(("keep", "kept"), [(1, 2), (2, 2), (3, 3), (6, 6), (99, 6)])
def test_the_first_and_the_last_block_are_always_kept(
    deep_dir: Path, examples: list[Example], opened: Open, logits: Logits, keep: int, kept: int
) -> None:
    model = opened(deep_dir)
    places = prune_depth(model, examples, keep, 16)
    assert (places[0], places[-1], len(places)) == (0, 5, kept)
    assert logits(model).isfinite().all()


def test_blocks_of_two_kinds_keep_theirs(
    tiny_axk1_dir: Path, examples: list[Example], tmp_path: Path, opened: Open, logits: Logits
) -> None:
    model = opened(tiny_axk1_dir)
    assert model.config.mlp_layer_types == ["dense", "sparse", "sparse"]
    assert prune_depth(model, examples, 2, 16) == [0, 2]
    assert model.config.mlp_layer_types == ["dense", "sparse"]
    model.save_pretrained(tmp_path)
    torch.testing.assert_close(logits(opened(tmp_path)), logits(model), atol=1e-6, rtol=1e-5)


def test_a_model_that_would_not_open_again_is_refused(examples: list[Example]) -> None:
    from transformers import DeepseekV3Config, DeepseekV3ForCausalLM

    sizes: dict[str, Any] = {
        "vocab_size": 400,
        "hidden_size": 32,
        "intermediate_size": 48,
        "moe_intermediate_size": 16,
        "n_routed_experts": 4,
    }
    sizes |= {"num_attention_heads": 2, "num_key_value_heads": 2, "n_group": 1, "topk_group": 1, "num_experts_per_tok": 2}
    ranks: dict[str, Any] = {"q_lora_rank": 8, "kv_lora_rank": 8, "qk_rope_head_dim": 4, "qk_nope_head_dim": 4, "v_head_dim": 4}
    model: Any = DeepseekV3ForCausalLM(DeepseekV3Config(**sizes, **ranks, num_hidden_layers=4, first_k_dense_replace=3)).eval()
    with pytest.raises(ModelError, match="does not fit its own configuration"):
        prune_depth(model, examples, 2, 16)
