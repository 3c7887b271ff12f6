"""A model's attention is exchanged only where it is plain; every other model answers and scores as transformers does."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    Gemma2Config,
    Gemma2ForCausalLM,
    GPTJConfig,
    GPTJForCausalLM,
    MistralConfig,
    MistralForCausalLM,
)

from seodang.models import attention
from seodang.models.chat_model import Message, Sampling
from seodang.models.local import LocalModel

SIZES: dict[str, Any] = {"vocab_size": 400, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2}
HEADS: dict[str, Any] = {"num_attention_heads": 4, "num_key_value_heads": 2, "initializer_range": 0.3}
ENDS: dict[str, Any] = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2}
QUESTIONS = ["What should the customer do next?", "Is the line active?", "Is the bill active?"]


def other(kind: str) -> Any:
    torch.manual_seed(2)
    if kind == "gptj":
        return GPTJForCausalLM(
            GPTJConfig(vocab_size=400, n_positions=512, n_embd=32, n_layer=2, n_head=4, rotary_dim=4, initializer_range=0.3, **ENDS)
        )
    if kind == "gemma2":
        return Gemma2ForCausalLM(Gemma2Config(**SIZES, **HEADS, **ENDS, head_dim=8, sliding_window=6))
    return MistralForCausalLM(MistralConfig(**SIZES, **HEADS, **ENDS, sliding_window=6))


def test_plain_attention_is_told_from_other_kinds(tiny_model_dir: Path, tiny_axk1_dir: Path) -> None:
    for folder in (tiny_model_dir, tiny_axk1_dir):
        model: Any = AutoModelForCausalLM.from_pretrained(folder)
        before = model.config._attn_implementation
        assert attention.is_plain(model)
        assert model.config._attn_implementation == before
    assert attention.is_plain(MistralForCausalLM(MistralConfig(**SIZES, **HEADS, sliding_window=None)))
    assert [attention.is_plain(other(kind)) for kind in ("gptj", "gemma2", "mistral")] == [False, False, False]


@pytest.fixture(scope="module", params=["gptj", "mistral", "axk1"])
def folder(request: pytest.FixtureRequest, tiny_tokenizer_dir: Path, tiny_axk1_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if request.param == "axk1":
        return tiny_axk1_dir
    path = tmp_path_factory.mktemp(request.param)
    other(request.param).save_pretrained(path)
    AutoTokenizer.from_pretrained(tiny_tokenizer_dir).save_pretrained(path)
    return path


def test_answers_are_those_of_transformers(folder: Path) -> None:
    ours = LocalModel(folder, dtype="float32")
    theirs: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    prompts = [ours.encode_chat([Message("user", question)]) for question in QUESTIONS]
    answers = ours.complete(prompts, Sampling(max_new_tokens=8))
    for prompt, (answer,) in zip(prompts, answers, strict=True):
        made = theirs.generate(torch.tensor([prompt]), max_new_tokens=8, do_sample=False)[0, len(prompt) :].tolist()
        kept = made[: next((place for place, token in enumerate(made) if token in ours.stop_ids), len(made))]
        assert answer.text == ours.tokenizer.decode(kept)
        assert "".join(piece for piece, _, _ in ours.stream(prompt, Sampling(max_new_tokens=8))) == answer.text


def test_scores_are_those_of_transformers(folder: Path) -> None:
    ours = LocalModel(folder, dtype="float32")
    theirs: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    prompts = [ours.encode_chat([Message("user", question)]) for question in QUESTIONS]
    answers = [ours.encode_answer(text) for text in ("Yes.", "Run the speed test again.", "No")]
    for prompt, answer, scored in zip(prompts, answers, ours.score(prompts, answers, 4), strict=True):
        with torch.no_grad():
            logprobs = torch.log_softmax(theirs(torch.tensor([[*prompt, *answer]])).logits[0, len(prompt) - 1 : -1], -1)
        torch.testing.assert_close(
            torch.tensor(scored.logprobs), logprobs.gather(1, torch.tensor(answer)[:, None])[:, 0], atol=1e-4, rtol=1e-3
        )
