"""Tool calls are read from text without ever running it."""

import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis.strategies import (
    booleans,
    builds,
    characters,
    dictionaries,
    floats,
    from_regex,
    integers,
    lists,
    none,
    recursive,
    text,
)
from openai.types.chat import ChatCompletionMessage

from seodang.scoring.tool_call import ToolCall, parse_tool_calls, render_tool_calls, to_openai

NAMES = from_regex(r"[a-zñ가]{1,6}_[a-zé0-9_도구]{0,6}", fullmatch=True)
TEXTS = text(characters(exclude_categories=["Cs"]), max_size=12)
VALUES = recursive(
    none() | booleans() | integers(-(2**70), 2**70) | floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: lists(inner, max_size=3) | dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


CALLS = lists(builds(ToolCall, NAMES, dictionaries(NAMES, VALUES, max_size=3)), max_size=3)


@given(CALLS)
def test_what_is_rendered_is_read_back(made: list[ToolCall]):
    rendered = render_tool_calls(made)
    assert parse_tool_calls(rendered) == (made if len(rendered) <= 2_000 else None)


def test_the_calls_that_students_write():
    assert parse_tool_calls("[toggle_airplane_mode()]") == [ToolCall("toggle_airplane_mode", {})]
    written = '[grant_app_permission(app_name="messaging", permission="storage")]'
    assert parse_tool_calls(f" {written}\n") == [ToolCall("grant_app_permission", {"app_name": "messaging", "permission": "storage"})]
    assert render_tool_calls([ToolCall("grant_app_permission", {"app_name": "messaging", "permission": "storage"})]) == written
    assert parse_tool_calls("[]") == []
    assert parse_tool_calls('[도구(이름="값", año=1)]') == [ToolCall("도구", {"이름": "값", "año": 1})]
    assert parse_tool_calls("[f(x=-1, y=[True, None], z={'k': 'v'})]") == [ToolCall("f", {"x": -1, "y": [True, None], "z": {"k": "v"}})]


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        "toggle_data()",
        "Sure: [toggle_data()]",
        "[toggle_data]",
        "[toggle_data('x')]",
        "[toggle_data(*x)]",
        "[toggle_data(**{'x': 1})]",
        "[os.system(command='ls')]",
        "[f(x=__import__('os').system('ls'))]",
        "[f(x=g())]",
        "[f(x=1 + 1)]",
        "[f(x=9**9**9)]",
        "[f(x=y)]",
        "[f(x=true)]",
        "[f(x=f'{1}')]",
        "[f(x=b'1')]",
        "[f(x=(1, 2))]",
        "[f(x={1})]",
        "[f(x={1: 2})]",
        "[f(x={**y})]",
        "[f(x={'a': 1, 'a': 2})]",
        "[f(x=1, x=2)]",
        "[f(x=1e999)]",
        "[f(x=-1e999)]",
        "[f(x=1j)]",
        "[f(x=-True)]",
        "[f(x=...)]",
        "[f(x='\\ud800')]",
        "[f(x='\ud800')]",
        "[f(x='\x00')]",
        "[f(x=1if 1else 2)]",
        "[f() for f in g]",
        "[(lambda: 1)()]",
        "[f(",
        "[f()]; import os",
        "[" * 900 + "]" * 900,
        "[f(x=" + "-" * 1_900 + "1)]",
        "[f(x=" + "a." * 900 + "a)]",
        "[f(x=" + "9" * 1_999 + ")",
        "[f(x='" + "y" * 1_000_000 + "')]",
    ],
)
def test_anything_else_is_none(hostile: str):
    assert parse_tool_calls(hostile) is None


@given(text(max_size=200) | text("[](){}='\",:.*-0123456789efx_\\ \n", max_size=60).map(lambda inner: f"[f(x={inner})]"))
@example("[f(x='\\d')]")
@example("[f(x='\\400')]")
def test_no_input_raises_or_warns(written: str):
    found = parse_tool_calls(written)
    assert found is None or parse_tool_calls(render_tool_calls(found)) == found


@pytest.mark.parametrize(
    "call",
    [
        ToolCall("not a name"),
        ToolCall("class"),
        ToolCall("an\u0303o"),
        ToolCall("f", {"from": 1}),
        ToolCall("f", {"x": {1: 2}}),
        ToolCall("f", {"x": math.inf}),
        ToolCall("f", {"x": (1,)}),
    ],
)
def test_what_cannot_be_read_back_is_not_rendered(call: ToolCall):
    with pytest.raises(ValueError, match=r"plain name|cannot stand|finite"):
        render_tool_calls([call])


@given(CALLS)
def test_the_official_client_understands_the_openai_form(made: list[ToolCall]):
    rows: list[dict[str, Any]] = to_openai(made)
    message = ChatCompletionMessage.model_validate({"role": "assistant", "content": None, "tool_calls": rows}, strict=True)
    understood = [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls or [] if call.type == "function"]
    assert understood == [(call.name, call.arguments) for call in made]
    assert len({row["id"] for row in rows}) == len(rows)
