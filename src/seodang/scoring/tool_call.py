"""Tool calls as our students write them: a Python list such as `[grant_app_permission(app_name="messaging", permission="storage")]`."""

import ast
import json
import keyword
import math
import unicodedata
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

_MAX_CHARACTERS = 2_000  # longer text is no call of ours; it also bounds the parser's depth and the digits of a number
_MAX_BRACKETS = 8  # places at which a list of calls is looked for, from the end


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call. Argument values are what JSON can hold: text, finite numbers, booleans, None, lists, and dicts with text keys."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])


def parse_tool_calls(text: str) -> list[ToolCall] | None:
    """The calls in `text`, or None where it is anything but one list of calls with keyword arguments and literal values.

    Names may have letters of any script; they come in the form NFKC, as Python reads them. Nothing is ever evaluated. No input raises.
    """
    if len(text) > _MAX_CHARACTERS:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warns of odd escapes in text that a model wrote
            tree = ast.parse(text.strip(), mode="eval").body
        return [_to_call(node) for node in tree.elts] if isinstance(tree, ast.List) else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def split_tool_calls(text: str) -> tuple[str, list[ToolCall] | None]:
    """What an answer says before its calls, and the calls that end it; None where it does not end with a list of calls."""
    place = len(text)
    for _ in range(_MAX_BRACKETS):
        place = text.rfind("[", 0, place)
        if place < 0:
            break
        if calls := parse_tool_calls(text[place:]):
            return text[:place].rstrip(), calls
    return text, None


def _to_call(node: ast.expr) -> ToolCall:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.args:
        raise ValueError("not a call with keyword arguments only")
    names = [argument.arg for argument in node.keywords]
    if len(set(names)) != len(names):
        raise ValueError("an argument is given twice")
    return ToolCall(_plain_name(node.func.id), {_plain_name(argument.arg): _to_value(argument.value) for argument in node.keywords})


def _to_value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=None | bool()):
            return node.value
        case ast.Constant(value=str() as text):
            text.encode()  # a lone surrogate could not be written to any file; its error is a ValueError
            return text
        case ast.Constant(value=int() | float() as number):
            return _finite(number)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)) if not isinstance(number, bool):
            return -_finite(number)
        case ast.List(elts=items):
            return [_to_value(item) for item in items]
        case ast.Dict(keys=keys, values=values):
            names = [key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None for key in keys]
            if None in names or len(set(names)) != len(names):
                raise ValueError("a key is not text, or is given twice")
            return {_to_value(key): _to_value(value) for key, value in zip(keys, values, strict=True) if key is not None}
        case _:
            raise ValueError("not a value that JSON can hold")


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


def _plain_name(name: str | None) -> str:
    if name is None or not name.isidentifier() or keyword.iskeyword(name) or unicodedata.normalize("NFKC", name) != name:
        raise ValueError(f"`{name}` is not a plain name")
    return name


def render_tool_calls(calls: Sequence[ToolCall]) -> str:
    """The list of calls as students write it; `parse_tool_calls` reads it back. ValueError where a name or value cannot be written so."""
    return "[" + ", ".join(_render_call(call) for call in calls) + "]"


def _render_call(call: ToolCall) -> str:
    arguments = ", ".join(f"{_plain_name(name)}={_render_value(value)}" for name, value in call.arguments.items())
    return f"{_plain_name(call.name)}({arguments})"


def _render_value(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)  # JSON's escapes mean the same in Python
    if isinstance(value, int | float):
        return repr(_finite(value))
    if isinstance(value, list):
        return "[" + ", ".join(_render_value(item) for item in value) + "]"
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return "{" + ", ".join(f"{_render_value(key)}: {_render_value(item)}" for key, item in value.items()) + "}"
    raise ValueError(f"a {type(value).__name__} cannot stand in a tool call")


def to_openai(calls: Sequence[ToolCall], *, id_prefix: str = "call_") -> list[dict[str, Any]]:
    """The `tool_calls` of an OpenAI-compatible assistant message. Ids are the prefix and a number from 0."""
    return [
        {
            "id": f"{id_prefix}{index}",
            "type": "function",
            "function": {"name": call.name, "arguments": json.dumps(call.arguments, ensure_ascii=False, allow_nan=False)},
        }
        for index, call in enumerate(calls)
    ]
