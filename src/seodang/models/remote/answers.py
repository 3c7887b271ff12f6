"""The completions inside what an endpoint answers, with the reasoning apart from the text."""

from dataclasses import dataclass
from typing import Any

from seodang.models.chat_model import Completion, Sampling
from seodang.models.remote.client import usage_of
from seodang.models.remote.failures import malformed

_OPEN, _CLOSE = "<think>", "</think>"


@dataclass(frozen=True, slots=True)
class RemoteCompletion(Completion):
    """A completion of a remote model. `num_new_tokens` counts the reasoning too; 0 where the server reports no usage."""

    reasoning: str = ""


def chat_completion(value: dict[str, Any], sampling: Sampling, thinking: bool | None, where: str) -> RemoteCompletion:
    """The answer of `/v1/chat/completions`. A `PassingError` where it has not the form that the protocol says."""
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


def text_completion(value: dict[str, Any], sampling: Sampling, where: str) -> RemoteCompletion:
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


def split_reasoning(text: str, thinking: bool | None) -> tuple[str, str]:
    """(reasoning, answer) of a text whose server did not take them apart.

    A chat template may have opened the block itself, so in think mode a closing mark alone ends the reasoning. An unclosed block
    is reasoning to its end: the answer was cut before it began.
    """
    opened = text.lstrip().startswith(_OPEN)
    if thinking is False and not opened:
        return "", text
    if _CLOSE in text and (opened or thinking):
        reasoning, _, answer = text.partition(_CLOSE)
        return reasoning.strip().removeprefix(_OPEN).strip(), answer.lstrip("\n")
    return (text.strip().removeprefix(_OPEN).strip(), "") if opened else ("", text)


def _completion(
    value: dict[str, Any], choice: dict[str, Any], text: str, reasoning: str, sampling: Sampling, where: str
) -> RemoteCompletion:
    reason = choice.get("finish_reason")
    if not isinstance(reason, str):
        raise malformed("a choice without a finish_reason, as of a server that stopped half-way", where)
    prompt, new = usage_of(value) or (0, 0)
    end = min((place for place in (text.find(stop) for stop in sampling.stop) if place >= 0), default=len(text))
    return RemoteCompletion(_whole(text[:end]), reason, prompt, new, reasoning=_whole(reasoning))


def _whole(text: str) -> str:
    """`text` with halves of letters, which JSON can hold and UTF-8 cannot, replaced by U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
