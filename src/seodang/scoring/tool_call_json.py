"""Tool calls in JSON: OpenAI's `tool_calls`, and the objects that models write into their text.

Text forms: `{"name": …, "arguments": {…}}`, a list of them, several in `<tool_call>` marks, each also in a code fence; `parameters` stands
for `arguments` too. What is not JSON that says one thing only (keys given twice, NaN, a value that JSON cannot hold) is no call.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from seodang.scoring.tool_call import ToolCall, parse_tool_calls

_MAX_CHARACTERS = 200_000
_MARKED = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)
_BEGINS = re.compile(r'\s*(?:```\w*\s*)?\[?\s*\{\s*"name"\s*:')
_LIST = re.compile(r"\s*(?:```\w*\s*)?\[\s*[^\W\d][\w.]*\s*\(")
_FENCE = re.compile(r"\s*```[a-zA-Z]*\s*\n(.*?)\n?\s*```\s*", re.DOTALL)


def read_json(text: str) -> Any:
    """The one JSON value that `text` is. ValueError for anything else: a key given twice, NaN and Infinity, nesting too deep."""
    if len(text) > _MAX_CHARACTERS:
        raise ValueError(f"more than {_MAX_CHARACTERS} characters")
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def unfenced(text: str) -> str:
    """What stands in the code fence that is the whole text; the text itself where it is none."""
    found = _FENCE.fullmatch(text)
    return found[1] if found and "```" not in found[1] else text


def from_openai(rows: Any) -> list[ToolCall]:
    """The calls of an assistant message's `tool_calls`. `arguments` is JSON text, or the object itself. ValueError says what is wrong."""
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        raise ValueError("`tool_calls` is not a list")
    return [_from_openai(row) for row in rows]


def calls_in_text(text: str) -> list[ToolCall] | None:
    """The calls that a text consists of, in any form that is read here or by `parse_tool_calls`; None where it is anything else.

    With `<tool_call>` marks, other words may stand around them. No input raises.
    """
    if "<tool_call>" in text:
        marked = [_read(part) for part in _MARKED.findall(text)]
        rest = _MARKED.sub("", text)
        if not marked or any(calls is None for calls in marked) or "<tool_call>" in rest or "</tool_call>" in rest:
            return None
        return [call for calls in marked for call in calls or ()]
    return _read(text)


def calls_said(text: str) -> list[ToolCall]:
    """The calls that a message consists of; none where it is words. ValueError for text that begins like calls and cannot be read."""
    calls = calls_in_text(text)
    if calls is None and ("<tool_call>" in text or _BEGINS.match(text)):
        raise ValueError("text that begins like calls and is none")
    return calls or []


def attempts_call(text: str, names: Iterable[str]) -> bool:
    """Whether a text, of which no call could be read, is meant to call one of the tools `names`, or begins like a list of calls.

    A tool's name with brackets stands at the start of a line or of a list, or the brackets hold a named argument; or the name stands in
    JSON as that of a call. A tool that is spoken of within a sentence, such as `area(base, height)`, is not called.
    """
    if _LIST.match(text):
        return True
    told = "|".join(re.escape(name) for name in names)
    called = rf"(?:^[ \t]*|\[\s*)(?:{told})\s*\(|(?<![\w.])(?:{told})\s*\(\s*\w+\s*=(?!=)|\"name\"\s*:\s*\"(?:{told})\""
    return bool(told) and re.search(called, text, re.MULTILINE) is not None


def _read(text: str) -> list[ToolCall] | None:
    plain = unfenced(text)
    if (calls := parse_tool_calls(plain)) is not None:
        return calls
    try:
        value = read_json(plain)
        rows = value if isinstance(value, list) else [value]
        return [_from_object(row) for row in rows]
    except ValueError:
        return None


def _from_openai(row: Any) -> ToolCall:
    function = row.get("function") if isinstance(row, Mapping) else None
    if not isinstance(function, Mapping):
        raise ValueError("a tool call has no `function`")
    return _from_object(function)


def _from_object(row: Any) -> ToolCall:
    if not isinstance(row, Mapping) or not isinstance(row.get("name"), str) or not row["name"].strip():
        raise ValueError("a tool call has no `name`")
    if unknown := set(row) - {"name", "arguments", "parameters", "id", "type", "description", "strict"}:
        raise ValueError(f"a tool call with `{sorted(unknown)[0]}`")
    if "arguments" in row and "parameters" in row:
        raise ValueError("a tool call with both `arguments` and `parameters`")
    given = row.get("arguments", row.get("parameters", {}))
    arguments = read_json(given or "{}") if isinstance(given, str) else given
    if not isinstance(arguments, Mapping):
        raise ValueError("`arguments` is not an object")
    return ToolCall(row["name"], {str(name): value for name, value in arguments.items()})


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is too large")
    return number
