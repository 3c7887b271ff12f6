"""What a template writes about thinking: with a switch as in Qwen3, with a block that it opens itself, and without a switch."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import booleans, text

from endpoints.byte_tokenizer import ByteTokenizer
from seodang.core.errors import ModelError
from seodang.models.chat_model import Message, Sampling, think_mode
from seodang.models.local import LocalModel
from seodang.models.openai_http import OpenAIHTTPTeacher
from seodang.models.source import LocalTeacher
from seodang.models.think import ThinkMode, has_switch, opens_block, reasoning_so_far, render, split_reasoning, thought_answer, with_default

# Opens the block itself, and never shows a reasoning.
OPENS = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% if enable_thinking is false %}\n</think>\n\n{% endif %}{% endif %}"
)
ASKED = [{"role": "user", "content": "Is water wet?"}]


@pytest.fixture
def tokenizer(tiny_tokenizer_dir: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_tokenizer_dir)


@pytest.fixture
def switch(tiny_switch_dir: Path) -> str:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_switch_dir).chat_template


@pytest.mark.parametrize(
    ("written", "mode", "reasoning", "answer"),
    [
        ("<think>\nhm\n</think>\n\nyes", ThinkMode.NONE, "hm", "yes"),
        ("hm</think>yes", ThinkMode.ON, "hm", "yes"),  # the template opened the block
        ("hm</think>yes", ThinkMode.NONE, "", "hm</think>yes"),
        ("<think></think>yes", ThinkMode.OFF, "", "yes"),
        ("the tag </think> ends it", ThinkMode.OFF, "", "the tag </think> ends it"),
        ("<think>cut off", ThinkMode.ON, "cut off", ""),
        ("  yes\n", ThinkMode.NONE, "", "  yes\n"),
    ],
)
def test_reasoning_in_a_text_is_taken_out(written: str, mode: ThinkMode, reasoning: str, answer: str) -> None:
    assert split_reasoning(written, mode) == (reasoning, answer)


@pytest.mark.parametrize("mode", list(ThinkMode))
def test_inside_of_a_block_all_is_reasoning_until_it_ends(mode: ThinkMode) -> None:
    assert split_reasoning("the accepted answer, cut o", mode, inside=True) == ("the accepted answer, cut o", "")
    assert split_reasoning("hm</think>\n\nyes", mode, inside=True) == ("hm", "yes")


@pytest.mark.parametrize("inside", [True, False])
@given(text(alphabet="a\n<", max_size=12), text(alphabet="b\n<", max_size=12), booleans())
def test_what_was_given_of_a_growing_text_stays(inside: bool, thought: str, answer: str, closed: bool) -> None:
    whole = ("" if inside else "<think>") + thought + ("</think>" + answer if closed else "")
    parts = [reasoning_so_far(whole[:end], inside=inside, finished=False) for end in range(len(whole) + 1)]
    parts.append(reasoning_so_far(whole, inside=inside, finished=True))
    for (reasoning, said), (longer, more) in pairwise(parts):
        assert longer.startswith(reasoning)
        assert more.startswith(said)
    assert parts[-1] == split_reasoning(whole, ThinkMode.ON, inside=inside)


def test_the_switch_is_found_by_what_the_template_writes(tokenizer: Any, switch: str) -> None:
    assert not has_switch(tokenizer)
    for template in (switch, OPENS):
        tokenizer.chat_template = template
        assert has_switch(tokenizer)
    assert has_switch(ByteTokenizer())


def test_a_template_without_a_switch_is_applied_as_transformers_applies_it(tokenizer: Any) -> None:
    plain = tokenizer.apply_chat_template(ASKED, tokenize=False, add_generation_prompt=True)
    assert {render(tokenizer, ASKED, mode) for mode in ThinkMode} == {plain}
    assert not opens_block(plain)


@pytest.mark.parametrize("opens", [False, True])
def test_a_thought_answer_reads_as_the_template_writes_it(tokenizer: Any, switch: str, opens: bool) -> None:
    """After the prompt of the think mode stands one block and then the answer, and what is written can be read back."""
    tokenizer.chat_template = OPENS if opens else switch
    prompt = render(tokenizer, ASKED, ThinkMode.ON)
    turn = thought_answer(tokenizer, "Water makes wet.\nSo it is.", "Yes.")
    assert (prompt + turn).endswith("<|im_start|>assistant\n<think>\nWater makes wet.\nSo it is.\n</think>\n\nYes.")
    assert split_reasoning(turn, ThinkMode.ON, inside=opens_block(prompt)) == ("Water makes wet.\nSo it is.", "Yes.")
    assert not opens_block(render(tokenizer, ASKED, ThinkMode.OFF))


@pytest.mark.parametrize("opens", [None, False, True])
def test_a_mark_in_a_question_opens_no_block(tokenizer: Any, switch: str, opens: bool | None) -> None:
    """What is answered to it is an answer, and no reasoning without an end."""
    if opens is not None:
        tokenizer.chat_template = OPENS if opens else switch
    for mode in ThinkMode:
        prompts = [render(tokenizer, [{"role": "user", "content": said}], mode) for said in ("Hello", "What is <think>?", "Write <think>")]
        assert {opens_block(prompt) for prompt in prompts} == {bool(opens) and mode is not ThinkMode.OFF}


def test_the_block_of_a_template_without_line_breaks_has_none() -> None:
    prompt = render(ByteTokenizer(), ASKED, ThinkMode.ON)
    assert opens_block(prompt)
    assert prompt + thought_answer(ByteTokenizer(), "hm", "yes") == "<|user|>Is water wet?<|end|><|assistant|><think>hm</think>yes"


@pytest.mark.parametrize("mode", [ThinkMode.ON, ThinkMode.OFF])
def test_a_default_holds_where_nobody_says_another_mode(tokenizer: Any, switch: str, mode: ThinkMode) -> None:
    tokenizer.chat_template = switch
    plain = {asked: render(tokenizer, ASKED, asked) for asked in (ThinkMode.ON, ThinkMode.OFF)}
    tokenizer.chat_template = with_default(with_default(switch, ThinkMode.ON), mode)
    assert {asked: render(tokenizer, ASKED, asked) for asked in plain} == plain
    assert render(tokenizer, ASKED, ThinkMode.NONE) == plain[mode]
    assert tokenizer.chat_template == with_default(switch, mode)


def test_yaml_words_are_modes() -> None:
    local = {"name": "a", "license": "MIT", "path": "x"}
    remote = {"url": "http://127.0.0.1:9/v1", "model": "m"}
    for written, mode in ((True, "on"), ("on", "on"), (False, "off"), ("off", "off"), (None, "none"), ("none", "none")):
        assert LocalTeacher.model_validate({**local, "thinking": written}).thinking == mode
        assert OpenAIHTTPTeacher.model_validate({**remote, "thinking": written}).thinking == mode
    with pytest.raises(ValueError, match="thinking"):
        LocalTeacher.model_validate({**local, "thinking": "sometimes"})


def test_a_model_without_a_switch_cannot_be_told_to_think(tiny_model_dir: Path) -> None:
    for mode in (ThinkMode.ON, ThinkMode.OFF):
        with pytest.raises(ModelError, match=f"no switch for thinking .* so it cannot be turned {mode}") as caught:
            LocalModel(tiny_model_dir, dtype="float32", thinking=mode)
        assert caught.value.hint
    assert think_mode(LocalModel(tiny_model_dir, dtype="float32")) is ThinkMode.NONE


def test_the_mode_is_part_of_the_identity_and_of_the_prompt(tiny_switch_dir: Path) -> None:
    models = {mode: LocalModel(tiny_switch_dir, dtype="float32", thinking=mode) for mode in ThinkMode}
    assert {mode: model.identity["thinking"] for mode, model in models.items()} == {"on": "on", "off": "off", "none": None}
    asked = [Message("user", "Is water wet?")]
    off = models[ThinkMode.OFF]
    empty = off.encode_text("<think>\n\n</think>\n\n")
    assert off.encode_chat(asked)[-len(empty) :] == empty
    assert models[ThinkMode.ON].encode_chat(asked) == off.encode_chat(asked, ThinkMode.ON) == off.encode_chat(asked)[: -len(empty)]


def test_what_is_thought_stands_apart_and_is_counted(tiny_switch_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = LocalModel(tiny_switch_dir, dtype="float32", thinking=ThinkMode.ON)
    from seodang.models import local
    from seodang.models.decoding import Row

    thought = model.encode_text("<think>\nIt is green.\n</think>")
    whole, cut = model.encode_answer("It is blue.", "It is green.")[:-1], model.encode_text("<think>\nIt is gre")
    assert whole[: len(thought)] == thought
    monkeypatch.setattr(local, "decode_batch", lambda *_: [[Row(whole, "stop")], [Row(cut, "length")]])
    (done,), (broken,) = model.chat([[Message("user", "Colour?")], [Message("user", "Colour?")]], Sampling(64))
    assert (done.text, done.reasoning, done.num_reasoning_tokens) == ("It is blue.", "It is green.", len(thought))
    assert done.num_new_tokens == len(whole)
    assert (broken.text, broken.reasoning, broken.num_reasoning_tokens) == ("", "It is gre", len(cut))
