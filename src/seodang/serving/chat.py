"""`/v1/chat/completions`: what the scheduler does for it, and its answers."""

import json
import uuid
from collections.abc import AsyncGenerator, Iterable
from typing import Any

from jinja2.exceptions import TemplateError

from seodang.models.chat_model import Message
from seodang.models.local import LocalModel
from seodang.models.think import ThinkMode, reasoning_so_far
from seodang.scoring.tool_call import ToolCall, render_tool_calls, split_tool_calls, to_openai
from seodang.serving import wire
from seodang.serving.generation import Opened, Piece, Steps, Token, answer, room_for_answer, to_sampling, with_seed
from seodang.serving.protocol import ChatMessage, ChatRequest
from seodang.serving.refusal import RefusalError
from seodang.serving.scheduler import Job
from seodang.serving.section import ServeSection

_LONGEST_CALL = 2_000  # characters, as in `scoring.tool_call`


def encode(model: LocalModel, messages: Iterable[ChatMessage]) -> list[int]:
    """Token ids of a conversation. RefusalError where the model's template does not take it."""
    try:
        return model.encode_chat([_to_message(message) for message in messages])
    except TemplateError as error:
        raise RefusalError(400, f"the model's chat template does not take this conversation: {error}", param="messages") from error


def _to_message(message: ChatMessage) -> Message:
    role = "system" if message.role == "developer" else message.role
    try:
        calls = [ToolCall(call.function.name, json.loads(call.function.arguments or "{}")) for call in message.tool_calls or ()]
        return Message(role, (message.content or "") + (render_tool_calls(calls) if calls else ""))
    except (ValueError, AttributeError, RecursionError) as error:
        raise RefusalError(400, "an earlier tool call has a name or arguments that cannot be read", param="messages") from error


def steps(model: LocalModel, ask: ChatRequest, section: ServeSection) -> Steps:
    """The work of one chat, in the scheduler's thread."""
    prompt = encode(model, ask.messages)
    room = room_for_answer(model, len(prompt), ask.max_completion_tokens or ask.max_tokens, section, "messages")
    sampling = to_sampling(ask, room, section)
    yield Opened(len(prompt))
    for sample in range(ask.n or 1):
        yield from answer(model, prompt, with_seed(sampling, sample), sample, ask.top_logprobs or 0)


async def whole(job: Job[Opened | Piece], name: str, ask: ChatRequest, model: LocalModel) -> wire.JSON:
    """The answer as one object."""
    choices, used = await wire.collect(job)
    return {
        **wire.envelope("chatcmpl", "chat.completion", name),
        "choices": [_choice(index, choice, ask, model) for index, choice in enumerate(choices)],
        "usage": used,
    }


def _choice(index: int, choice: wire.Choice, ask: ChatRequest, model: LocalModel) -> wire.JSON:
    reasoning, text = _reasoning(model, choice.text, finished=True)
    said, calls = _calls(text, ask)
    message: wire.JSON = {"role": "assistant", "content": said or None if calls else text, "refusal": None}
    if reasoning:
        message["reasoning_content"] = reasoning
    if calls:
        message["tool_calls"] = calls
    return {
        "index": index,
        "message": message,
        "logprobs": _logprobs(choice.tokens) if ask.logprobs else None,
        "finish_reason": "tool_calls" if calls else choice.finish_reason,
    }


def _reasoning(model: LocalModel, text: str, *, finished: bool) -> tuple[str, str]:
    """What a model thinks and what it answers, of a text that it has written so far; all is the answer where it is not told to think."""
    if model.thinking is not ThinkMode.ON:
        return "", text
    return reasoning_so_far(text, inside=model.begins_inside, finished=finished)


def _calls(text: str, ask: ChatRequest) -> tuple[str, list[dict[str, Any]]]:
    """What an answer says, and the tool calls that end it, where they are among those offered. Otherwise it is plain text."""
    offered = {tool.function.name for tool in ask.tools or ()} if ask.tool_choice != "none" else set[str]()
    said, calls = split_tool_calls(text) if offered else (text, None)
    if not calls or any(call.name not in offered for call in calls):
        return text, []
    return said, to_openai(calls, id_prefix=f"call_{uuid.uuid4().hex[:16]}_")


async def events(
    job: Job[Opened | Piece], num_prompt_tokens: int, name: str, ask: ChatRequest, model: LocalModel
) -> AsyncGenerator[wire.JSON]:
    """The answer as chunks. Where tools are offered, text that may be the beginning of a call is held back until that is decided."""
    with_usage = bool(ask.stream_options and ask.stream_options.include_usage)
    base = {**wire.envelope("chatcmpl", "chat.completion.chunk", name), **({"usage": None} if with_usage else {})}

    def chunk(index: int, delta: wire.JSON, logprobs: wire.JSON | None = None, reason: str | None = None) -> wire.JSON:
        return {**base, "choices": [{"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}]}

    texts: dict[int, str] = {}
    sent: dict[int, int] = {}  # characters of the answer
    thought: dict[int, int] = {}  # and of the reasoning
    num_new_tokens = 0
    async for piece in wire.pieces(job):
        index = piece.choice
        num_new_tokens += piece.num_new_tokens
        if index not in texts:
            texts[index], sent[index], thought[index] = "", 0, 0
            yield chunk(index, {"role": "assistant", "content": ""})
        texts[index] += piece.text
        reasoning, answered = _reasoning(model, texts[index], finished=piece.finish_reason is not None)
        if len(reasoning) > thought[index]:
            yield chunk(index, {"reasoning_content": reasoning[thought[index] :]})
            thought[index] = len(reasoning)
        said, calls = _calls(answered, ask) if piece.finish_reason else (answered, [])
        until = len(said) if piece.finish_reason or not ask.tools else _num_certain(said)
        text, sent[index] = said[sent[index] : until], until
        logprobs = _logprobs(piece.tokens) if ask.logprobs else None
        if text or (logprobs and logprobs["content"]):
            yield chunk(index, {"content": text}, logprobs)
        if calls:
            yield chunk(index, {"tool_calls": [{"index": place, **call} for place, call in enumerate(calls)]})
        if piece.finish_reason:
            yield chunk(index, {}, reason="tool_calls" if calls else piece.finish_reason)
    if with_usage:
        yield {**base, "choices": [], "usage": wire.usage(num_prompt_tokens, num_new_tokens)}


def _num_certain(beginning: str) -> int:
    """How many characters of an answer are plain text, whatever follows: up to the first bracket that is not too far back for a call."""
    place = beginning.find("[", max(0, len(beginning) - _LONGEST_CALL))
    return len((beginning if place < 0 else beginning[:place]).rstrip())


def _logprobs(tokens: Iterable[Token]) -> wire.JSON:
    rows: list[wire.JSON] = []
    for token in tokens:
        if not token.ends and token.logprob is not None:
            top = [_entry(text, logprob) for _, text, logprob in token.top]
            rows.append({**_entry(token.text, token.logprob), "top_logprobs": top})
    return {"content": rows, "refusal": None}


def _entry(text: str, logprob: float) -> wire.JSON:
    """A token's text and bytes. A half character has no text of its own, so that its bytes are not known here."""
    return {"token": text, "logprob": wire.finite(logprob), "bytes": None if "\ufffd" in text else list(text.encode())}
