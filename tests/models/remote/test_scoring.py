"""Token ids from a real tokenizer of transformers, as a remote teacher's scores need them."""

from pathlib import Path
from typing import Any

import pytest

from seodang.models.chat_model import Message
from seodang.models.remote.scoring import encode_chat, encode_text
from seodang.models.think import ThinkMode


@pytest.fixture(scope="module")
def tokenizer(tiny_tokenizer_dir: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_tokenizer_dir)


def test_a_conversation_gets_the_ids_of_its_template(tokenizer: Any) -> None:
    rows = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "요금은?"}]
    ids = encode_chat(tokenizer, [Message(row["role"], row["content"]) for row in rows], ThinkMode.NONE)
    assert ids == tokenizer.apply_chat_template(rows, add_generation_prompt=True, return_dict=True)["input_ids"]


def test_the_think_mode_reaches_the_template(tokenizer: Any) -> None:
    plain = tokenizer.chat_template
    tokenizer.chat_template = plain + "{% if enable_thinking is defined %}{{ enable_thinking }}{% endif %}"
    try:
        found = {mode: tokenizer.decode(encode_chat(tokenizer, [Message("user", "hi")], mode)) for mode in ThinkMode}
    finally:
        tokenizer.chat_template = plain
    assert found[ThinkMode.ON].endswith("True")
    assert found[ThinkMode.OFF].endswith("False")
    assert found[ThinkMode.NONE].endswith("assistant\n")


def test_text_gets_nothing_before_or_after_it(tokenizer: Any) -> None:
    assert tokenizer.decode(encode_text(tokenizer, "a phone")) == "a phone"
