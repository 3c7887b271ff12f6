"""The completions inside what an endpoint answers, with the reasoning apart from the text."""

from typing import Any

from seodang.models.chat_model import Completion, Sampling
from seodang.models.remote.client import usage_of
from seodang.models.remote.failures import malformed
from seodang.models.think import ThinkMode, split_reasoning


def chat_completion(value: dict[str, Any], sampling: Sampling, thinking: ThinkMode, where: str) -> Completion:
    """The answer of `/v1/chat/completions`. A `PassingError` where it has not the form that the protocol says.

    `num_new_tokens` counts the reasoning too, and is 0 where the server reports no usage.
    """
    choice = first_choice(value, where)
    message = choice.get("message")
    if not isinstance(message, dict):
        raise malformed("a choice without a message", where)
    content = message.get("content")
    # vLLM renamed the field from `reasoning_content` to `reasoning` in 2025; servers send one, the other or both.
    reasoning = message.get("reasoning_content") or message.get("reasoning") or ""
    if not isinstance(content, str | None) or not isinstance(reasoning, str):
        raise malformed("a message whose content is not text", where)
    text = content or ""
    if not reasoning:
        reasoning, text = split_reasoning(text, thinking)
    return _completion(value, choice, text, reasoning, sampling, where)


def text_completion(value: dict[str, Any], sampling: Sampling, where: str) -> Completion:
    """The answer of `/v1/completions`. A `PassingError` where it has not the form that the protocol says."""
    choice = first_choice(value, where)
    text = choice.get("text")
    if not isinstance(text, str):
        raise malformed("a choice without text", where)
    return _completion(value, choice, text, "", sampling, where)


def first_choice(value: dict[str, Any], where: str) -> dict[str, Any]:
    """`choices[0]`. A `PassingError` where there is none."""
    choices = value.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise malformed("no choices in it", where)
    return choices[0]


def _completion(value: dict[str, Any], choice: dict[str, Any], text: str, reasoning: str, sampling: Sampling, where: str) -> Completion:
    reason = choice.get("finish_reason")
    if not isinstance(reason, str):
        raise malformed("a choice without a finish_reason, as of a server that stopped half-way", where)
    prompt, new = usage_of(value) or (0, 0)
    end = min((place for place in (text.find(stop) for stop in sampling.stop) if place >= 0), default=len(text))
    thought = _num_reasoning_tokens(value) if reasoning else 0
    return Completion(_whole(text[:end]), reason, prompt, new, reasoning=_whole(reasoning), num_reasoning_tokens=thought)


def _num_reasoning_tokens(value: dict[str, Any]) -> int | None:
    """What the server says of how many new tokens were reasoning."""
    usage = value.get("usage")
    details = usage.get("completion_tokens_details") if isinstance(usage, dict) else None
    found = details.get("reasoning_tokens") if isinstance(details, dict) else None
    return found if isinstance(found, int) and found > 0 else None


def _whole(text: str) -> str:
    """`text` with halves of letters, which JSON can hold and UTF-8 cannot, replaced by U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
