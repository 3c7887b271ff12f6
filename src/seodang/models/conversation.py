"""The conversation after which a record's answer comes."""

import json
from collections.abc import Mapping
from typing import Any

from seodang.core.records import Record
from seodang.models.chat_model import Message
from seodang.scoring.tool_call import ToolCall, render_tool_calls


def conversation(record: Record) -> list[Message]:
    """All messages before the answer; the question alone where the record has no turns. Calls stand in a message's text, as our students
    write them."""
    return [_message(turn) for turn in record.turns] or [Message("user", record.question)]


def _message(turn: Mapping[str, Any]) -> Message:
    content: str = turn.get("content") or ""
    calls = [_call(call["function"]) for call in turn.get("tool_calls") or ()]
    return Message(turn["role"], " ".join(filter(None, [content, render_tool_calls(calls) if calls else ""])))


def _call(function: Mapping[str, Any]) -> ToolCall:
    given = function["arguments"]
    return ToolCall(function["name"], json.loads(given) if isinstance(given, str) else dict(given))
