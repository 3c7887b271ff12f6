"""Texts, reasoning and finish reasons inside an endpoint's answers."""

from typing import Any

import pytest

from seodang.models.chat_model import Sampling
from seodang.models.remote.answers import chat_completion, text_completion
from seodang.models.remote.failures import PassingError
from seodang.models.think import ThinkMode


def chat(message: Any, reason: Any = "stop") -> dict[str, Any]:
    return {"choices": [{"message": message, "finish_reason": reason}], "usage": {"prompt_tokens": 3, "completion_tokens": 5}}


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_both_names_of_the_reasoning_are_read(name: str) -> None:
    found = chat_completion(chat({"content": "yes", name: "hm"}), Sampling(), ThinkMode.ON, "host")
    assert (found.text, found.reasoning, found.num_prompt_tokens, found.num_new_tokens) == ("yes", "hm", 3, 5)


def test_an_answer_cut_while_thinking_has_no_text() -> None:
    found = chat_completion(chat({"content": None, "reasoning_content": "hm"}, "length"), Sampling(), ThinkMode.ON, "host")
    assert (found.text, found.finish_reason) == ("", "length")


def test_a_stop_text_that_the_server_left_in_is_cut_off() -> None:
    value = {"choices": [{"text": "yes\nno", "finish_reason": "stop"}]}
    assert text_completion(value, Sampling(stop=("\n",)), "host").text == "yes"


def test_half_a_letter_becomes_a_replacement_character() -> None:
    """JSON can carry a lone surrogate, which no file in UTF-8 can."""
    found = chat_completion(chat({"content": "a\ud83db 🙂"}), Sampling(), ThinkMode.NONE, "host")
    assert found.text == "a\ufffdb 🙂"
    assert found.text.encode()


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"choices": None},
        {"choices": []},
        {"choices": ["text"]},
        chat(None),
        chat({"content": 7}),
        chat({"content": "x", "reasoning": ["y"]}),
        chat({"content": "cut by a dying server"}, None),
    ],
)
def test_an_answer_without_the_protocols_form_is_an_error(value: dict[str, Any]) -> None:
    with pytest.raises(PassingError, match="host"):
        chat_completion(value, Sampling(), ThinkMode.NONE, "host")
