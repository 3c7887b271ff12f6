"""llama.cpp reads the same ids out of a text as transformers, and says the same next tokens with the same probabilities."""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seodang.core.errors import ModelError
from seodang.export.gguf import write_gguf
from seodang.export.llama_cpp import LlamaCppModel
from seodang.models.chat_model import Message

pytest.importorskip("xllamacpp")

DIGITS_APART = {
    "type": "Sequence",
    "pretokenizers": [
        {"type": "Digits", "individual_digits": True},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
    ],
}
PIECES = [
    " ",
    "  ",
    "\n",
    "\t",
    "\r\n",
    "1",
    "23",
    "٣",
    "½",
    "'s",
    "'LL",
    "don't",
    "The",
    "customer",
    "é",
    "한글",
    "東",
    "🙂",
    "\u0301",
    "\u00a0",
    "\u3000",
    "!?",
    "-",
    "_",
]
TEXTS = st.one_of(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.text(max_size=12))


@pytest.fixture(scope="module", params=["gpt-2", "smollm"])
def tokenizers(
    request: pytest.FixtureRequest, make_model: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[LlamaCppModel, Any]]:
    from transformers import AutoTokenizer

    folder = tmp_path_factory.mktemp("tokenizer") / "model"
    shutil.copytree(make_model(), folder)
    if request.param == "smollm":
        content = json.loads((folder / "tokenizer.json").read_text())
        (folder / "tokenizer.json").write_text(json.dumps(content | {"pre_tokenizer": DIGITS_APART}))
    write_gguf(folder, folder.parent / "model.gguf", "F16")
    with LlamaCppModel(folder.parent / "model.gguf", threads=1, context=256) as model:
        yield model, AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def model(half_gguf: Path) -> Iterator[LlamaCppModel]:
    with LlamaCppModel(half_gguf, threads=1, context=256) as opened:
        yield opened


@settings(max_examples=150, deadline=None)
@given(text=TEXTS)
def test_a_text_has_the_same_ids_as_in_transformers(tokenizers: tuple[LlamaCppModel, Any], text: str) -> None:
    ours, oracle = tokenizers
    assert ours.encode_text(text) == oracle(text, add_special_tokens=False)["input_ids"]


@settings(max_examples=30, deadline=None)
@given(contents=st.lists(TEXTS, min_size=1, max_size=3))
def test_a_conversation_has_the_same_ids_as_in_transformers(tokenizers: tuple[LlamaCppModel, Any], contents: list[str]) -> None:
    ours, oracle = tokenizers
    messages = [Message(("user", "assistant")[index % 2], content) for index, content in enumerate(contents)]
    rows = [{"role": message.role, "content": message.content} for message in messages]
    text = oracle.apply_chat_template(rows, tokenize=False, add_generation_prompt=True)
    assert ours.encode_chat(messages) == oracle(text, add_special_tokens=False)["input_ids"]


def test_probabilities_are_those_of_the_whole_softmax(model: LlamaCppModel, half_model_dir: Path) -> None:
    """Also after and before a token that is half a character, as many of this model's are."""
    import torch
    from transformers import AutoModelForCausalLM

    oracle: Any = AutoModelForCausalLM.from_pretrained(half_model_dir, dtype=torch.float32).eval()
    prompt = [1, 70, 300, 301, 44, 2, 1]
    answer = model.generate(prompt, 8, ignore_end=True).token_ids
    with torch.inference_mode():
        logprobs_TV = torch.log_softmax(oracle(torch.tensor([[*prompt, *answer]])).logits[0], -1)[len(prompt) - 1 :]
    for position, logprobs_V in enumerate(logprobs_TV):
        step = model.next_token([*prompt, *answer[:position]], top_k=400)
        found = [logprob for _, _, logprob in step.top]
        assert found == sorted(found, reverse=True)
        assert torch.allclose(torch.tensor([logprob for _, _, logprob in sorted(step.top)]), logprobs_V, atol=0.02)
        assert torch.tensor(found).exp().sum().item() == pytest.approx(1, abs=1e-4)
        assert (step.token_id, step.logprob) == (step.top[0][0], found[0])


def test_an_answer_is_the_greedy_one_and_does_not_depend_on_what_was_asked_before(model: LlamaCppModel) -> None:
    prompt = [1, 70, 300, 301]
    answer = model.generate(prompt, 6, ignore_end=True)
    assert answer.finish_reason == "length"
    for position, token in enumerate(answer.token_ids):
        assert model.next_token([*prompt, *answer.token_ids[:position]], 1).token_id == token
    model.generate([5, 6, 7], 2)
    assert model.generate(prompt, 6, ignore_end=True).token_ids == answer.token_ids


def test_the_token_that_ends_an_answer_is_one_like_others(make_model: Callable[..., Path], tmp_path: Path) -> None:
    """With the head's other rows near 0 and a fitting last norm, `<|im_end|>` (id 2) is always next."""
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "model"
    shutil.copytree(make_model(tie_word_embeddings=False), folder)
    weights = load_file(folder / "model.safetensors")
    weights["model.norm.weight"].zero_()
    weights["model.norm.weight"][0] = 1.0
    weights["model.embed_tokens.weight"][:, 0] = 8.0
    weights["lm_head.weight"].mul_(0.01)
    weights["lm_head.weight"][2, 0] = 4.0
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    write_gguf(folder, tmp_path / "model.gguf", "F16")
    with LlamaCppModel(tmp_path / "model.gguf", threads=1, context=64) as ending:
        answer = ending.generate([1, 70], 5)
        assert (answer.token_ids, answer.finish_reason, answer.text) == ([2], "stop", "")
        assert ending.next_token([1, 70], 2).token_id == 2
        assert len(ending.generate([1, 70], 5, ignore_end=True).token_ids) == 5


def test_a_prompt_that_is_too_long_or_empty_is_refused_and_the_model_lives_on(model: LlamaCppModel) -> None:
    with pytest.raises(ModelError, match="context"):
        model.generate([5] * 600, 1)
    with pytest.raises(ModelError, match="empty"):
        model.generate([], 1)
    assert len(model.generate([1, 2, 3], 2, ignore_end=True).token_ids) == 2


def test_files_that_are_missing_foreign_or_cut_short_are_refused(half_gguf: Path, tmp_path: Path) -> None:
    (tmp_path / "foreign.gguf").write_bytes(b"no such thing")
    (tmp_path / "cut.gguf").write_bytes(half_gguf.read_bytes()[:-5000])
    (tmp_path / "head.gguf").write_bytes(half_gguf.read_bytes()[:100])
    for name, what in [
        ("none.gguf", "no GGUF file"),
        ("foreign.gguf", "not a GGUF"),
        ("cut.gguf", "cannot open"),
        ("head.gguf", "cannot open"),
    ]:
        with pytest.raises(ModelError, match=what) as caught:
            LlamaCppModel(tmp_path / name)
        assert caught.value.where == str(tmp_path / name)
        assert caught.value.hint


def test_closing_leaves_no_socket_behind(half_gguf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(prefix="s-", dir="/tmp") as short:  # tmp_path can be longer than a socket's address
        monkeypatch.setattr(tempfile, "tempdir", short)
        with LlamaCppModel(half_gguf, threads=1, context=64):
            (folder,) = Path(short).iterdir()
            assert folder.name.startswith("seodang-")
            assert folder.stat().st_mode & 0o077 == 0
        assert not list(Path(short).iterdir())
