"""Tools told in a system message, and the calls of an answer: for models of any kind, without a server's own form of tool calls."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from seodang.models.chat_model import Message
from seodang.scoring.tool_call import ToolCall, split_tool_calls
from seodang.scoring.tool_call_json import calls_said

_FORM = """You can call these tools, given as JSON Schemas:
{tools}

To call tools, answer with nothing but a list of calls, such as
[first_tool(name="text", number=2), second_tool()]
or with one line for each call, such as
<tool_call>{{"name": "first_tool", "arguments": {{"name": "text", "number": 2}}}}</tool_call>"""
_NOT_PLAIN = re.compile(r"\W")


def plain_name(name: str) -> str:
    """A tool's name as an identifier, such as `math_factorial` for `math.factorial`."""
    return _NOT_PLAIN.sub("_", name)


def tools_in_words(tools: Sequence[Mapping[str, Any]]) -> str:
    """One tool a line, as JSON, named by identifiers."""
    return "\n".join(json.dumps({**tool, "name": plain_name(tool["name"])}, ensure_ascii=False) for tool in tools)


def told_tools(tools: Sequence[Mapping[str, Any]], before: str = "", after: str = "") -> Message:
    """The system message: what comes before, the tools with the form of calls, and what comes after."""
    return Message("system", "\n\n".join(part for part in (before, _FORM.format(tools=tools_in_words(tools)), after) if part))


def read_calls(text: str) -> list[ToolCall]:
    """The calls of an answer, also after words; none where it is words alone. ValueError where it begins like calls and cannot be read."""
    return calls_said(text) or split_tool_calls(text)[1] or []


def with_names(calls: Sequence[ToolCall], names: Sequence[str]) -> list[ToolCall]:
    """The calls by the names that the tools have at home."""
    known = {plain_name(name): name for name in names}
    return [ToolCall(known.get(plain_name(call.name), call.name), call.arguments) for call in calls]


def told_results(results: Sequence[Any]) -> Message:
    """What calls answered, in their order, as one JSON list."""
    return Message("tool", json.dumps(list(results), ensure_ascii=False))
