"""Distributions are those of the whole model, also where its architecture changes logits after the head."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    CohereConfig,
    CohereForCausalLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    GraniteConfig,
    GraniteForCausalLM,
    HyperCLOVAXConfig,
    HyperCLOVAXForCausalLM,
)

from seodang.core.errors import ModelError
from seodang.models.chat_model import Distributions, require
from seodang.models.decoding import distribution
from seodang.models.local import LocalModel
from seodang.models.own_logits import changes_logits
from seodang.models.tokens import token_map

SHAPE: dict[str, Any] = {
    "vocab_size": 90,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
MADE: list[Callable[[], Any]] = [
    lambda: Gemma2ForCausalLM(Gemma2Config(**SHAPE, final_logit_softcapping=0.5)),
    lambda: CohereForCausalLM(CohereConfig(**SHAPE, logit_scale=0.3)),
    lambda: GraniteForCausalLM(GraniteConfig(**SHAPE, logits_scaling=4.0)),
    lambda: HyperCLOVAXForCausalLM(HyperCLOVAXConfig(**SHAPE, logits_scaling=4.0)),
]


@pytest.mark.parametrize("make", MADE, ids=["soft cap", "scale", "divided by its scaling", "multiplied by its scaling"])
def test_a_distribution_is_that_of_the_whole_model(make: Callable[[], Any]) -> None:
    torch.manual_seed(0)
    model = make().eval()
    ids = torch.randint(3, 90, (1, 11))
    with torch.no_grad():
        expected = torch.log_softmax(model(ids).logits[0].float(), -1)
        states = model.base_model(input_ids=ids).last_hidden_state[0]
        plain = torch.log_softmax(model.get_output_embeddings()(states), -1)
    assert (expected - plain).abs().max() > 1e-3  # or this would show nothing
    torch.testing.assert_close(distribution(model, states), expected, atol=1e-5, rtol=0)
    assert changes_logits(model)


def test_states_are_given_for_every_sequence_in_its_place(tiny_model_dir: Path) -> None:
    local = LocalModel(tiny_model_dir, dtype="float32", batch_size=3)
    teacher = require(local, Distributions, "a test")
    draw = torch.Generator().manual_seed(0)
    prompts = [torch.randint(3, 390, (4 + n % 3,), generator=draw).tolist() for n in range(7)]
    answers = [torch.randint(3, 390, (1 + n,), generator=draw).tolist() for n in range(7)]
    found = dict(teacher.states(prompts, answers))
    assert sorted(found) == list(range(7))
    for place, states in found.items():
        with torch.no_grad():
            logits = local.model(torch.tensor([prompts[place] + answers[place]])).logits[0, len(prompts[place]) - 1 : -1]
        torch.testing.assert_close(teacher.distribution(states), torch.log_softmax(logits, -1), atol=1e-4, rtol=0)
        torch.testing.assert_close(torch.log_softmax(states @ teacher.plain_head().T, -1), torch.log_softmax(logits, -1), atol=1e-4, rtol=0)


def test_a_head_that_is_not_everything_is_refused(tiny_model_dir: Path) -> None:
    local = LocalModel(tiny_model_dir, dtype="float32")
    local.model = MADE[0]().to(local.model.dtype)
    with pytest.raises(ModelError, match="soft cap") as caught:
        local.plain_head()
    assert "codec: nucleus" in caught.value.render()


def test_the_map_of_tokens_names_every_id(tiny_model_dir: Path) -> None:
    found = token_map(LocalModel(tiny_model_dir, dtype="float32").tokenizer)
    assert [number for number, _ in found["tokens"]] == list(range(len(found["tokens"])))
    assert found["special"] == [0, 1, 2]
    assert (found["bos"], found["eos"], found["pad"]) == (1, 2, 2)
    assert found["decoder"]["type"] == "ByteLevel"
