"""A pack read as one sequence or as padded rows gives the states of its examples read one by one."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, GPTJConfig, GPTJForCausalLM, MistralConfig, MistralForCausalLM

from seodang.distill import packed_attention
from seodang.distill.packing import Example, build_pack, common_prefix
from seodang.distill.read_pack import prepare, read_pack


def model_of(kind: str, axk1: Path) -> Any:
    torch.manual_seed(2)
    if kind == "own attention":
        return GPTJForCausalLM(GPTJConfig(vocab_size=400, n_positions=64, n_embd=32, n_layer=2, n_head=4, rotary_dim=4)).eval()
    if kind == "sliding window":
        sizes: dict[str, Any] = {"vocab_size": 400, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2}
        return MistralForCausalLM(MistralConfig(**sizes, num_attention_heads=4, num_key_value_heads=2, sliding_window=5)).eval()
    return AutoModelForCausalLM.from_pretrained(axk1, dtype=torch.float32).eval()


@pytest.mark.parametrize("without_prefix", [False, True], ids=["prefix", "no prefix"])
@pytest.mark.parametrize("kind", ["latent attention", "own attention", "sliding window"])
def test_a_packs_states_are_those_of_its_examples(examples: list[Example], tiny_axk1_dir: Path, kind: str, without_prefix: bool) -> None:
    model = model_of(kind, tiny_axk1_dir)
    own = model.config._attn_implementation
    few = examples[:5]
    prefix = () if without_prefix else common_prefix(few)
    with torch.no_grad():
        alone = [model.base_model(torch.tensor([[*e.prompt_ids, *e.answer_ids[:-1]]])).last_hidden_state[0] for e in few]
        prepare(model)
        assert model.config._attn_implementation == (packed_attention.NAME if kind == "latent attention" else own)
        pack = build_pack(few, prefix)
        states = read_pack(model, pack.rows, pack.ids, pack.positions)
    expected = torch.cat([alone[0][: len(prefix)], *(rows[len(prefix) :] for rows in alone)])
    torch.testing.assert_close(states[0], expected, atol=1e-5, rtol=1e-4)


def test_embedded_tokens_are_read_like_their_ids(examples: list[Example], tiny_axk1_dir: Path) -> None:
    for kind in ("latent attention", "own attention"):
        model = model_of(kind, tiny_axk1_dir)
        prepare(model)
        pack = build_pack(examples[:4], common_prefix(examples))
        with torch.no_grad():
            embedded = model.get_input_embeddings()(pack.ids)
            torch.testing.assert_close(
                read_pack(model, pack.rows, embedded, pack.positions), read_pack(model, pack.rows, pack.ids, pack.positions)
            )
