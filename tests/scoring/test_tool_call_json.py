"""Calls in JSON are read in every form that models write, and nothing else is taken for one."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seodang.scoring.tool_call import ToolCall, to_openai
from seodang.scoring.tool_call_json import attempts_call, calls_in_text, calls_said, from_openai, read_json, unfenced

NAMES = st.from_regex(r"[a-z]{1,6}(\.[a-z]{1,4})?", fullmatch=True)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
CALLS = st.lists(st.builds(ToolCall, NAMES, st.dictionaries(st.text(min_size=1, max_size=5), VALUES, max_size=3)), min_size=1, max_size=3)


@settings(max_examples=40)
@given(CALLS)
def test_every_form_is_read_back(made: list[ToolCall]) -> None:
    assert from_openai(to_openai(made)) == made
    rows = [{"name": call.name, "arguments": call.arguments} for call in made]
    assert calls_in_text(json.dumps(rows)) == made
    assert calls_in_text(f"```json\n{json.dumps(rows, indent=1)}\n```") == made
    marked = "Sure.\n" + "\n".join(f"<tool_call>\n{json.dumps(row)}\n</tool_call>" for row in rows)
    assert calls_in_text(marked) == made
    assert calls_in_text(json.dumps({"name": made[0].name, "parameters": made[0].arguments})) == made[:1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I would call f(x=1).",
        "{}",
        "{'name': 'f'}",
        '{"name": ""}',
        '{"name": 1, "arguments": {}}',
        '{"name": "f", "arguments": []}',
        '{"name": "f", "arguments": {"x": NaN}}',
        '{"name": "f", "arguments": {"x": 1e999}}',
        '{"name": "f", "arguments": {"x": 1, "x": 2}}',
        '{"name": "f", "arguments": {}, "parameters": {}}',
        '{"name": "f", "arguments": {}, "note": "x"}',
        '{"name": "f"}{"name": "g"}',
        '<tool_call>{"name": "f"}',
        '<tool_call>{"name": "f"}</tool_call><tool_call>',
        "<tool_call>f()</tool_call>",
        "[" * 5_000,
        '{"name": "f", "arguments": {"x": "' + "y" * 300_000 + '"}}',
    ],
)
def test_anything_else_is_none(text: str) -> None:
    assert calls_in_text(text) is None


@pytest.mark.parametrize(
    "rows", ["x", {}, [1], [{}], [{"function": {"arguments": "{}"}}], [{"function": {"name": "f", "arguments": "{x}"}}]]
)
def test_messages_that_cannot_be_read_say_so(rows: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_openai(rows)


def test_arguments_may_be_empty_text_or_left_out() -> None:
    assert from_openai([{"function": {"name": "f", "arguments": ""}}, {"function": {"name": "g"}}]) == [ToolCall("f"), ToolCall("g")]


def test_a_fence_is_taken_off_only_where_it_is_the_whole() -> None:
    assert unfenced("```json\n1\n```") == "1"
    assert unfenced("see ```1```") == "see ```1```"
    assert unfenced("```\n1\n```\n```\n2\n```") == "```\n1\n```\n```\n2\n```"
    with pytest.raises(ValueError, match="deep"):
        read_json("[" * 90_000 + "]" * 90_000)


@given(st.text(max_size=60) | st.text('{}[]":,namefr <tool_call>/', max_size=80))
def test_no_text_raises(text: str) -> None:
    calls_in_text(text)


@pytest.mark.parametrize("text", ['```json\n{"name": "f", "arg', '{\n  "name": "f",\n  "argu', '[ {"name": "f"', '<tool_call>{"na'])
def test_calls_that_are_cut_off_are_no_words(text: str) -> None:
    with pytest.raises(ValueError, match="begins like calls"):
        calls_said(text)


@pytest.mark.parametrize(
    "text",
    [
        "area(base=1)",
        "```python\narea(1, 2)\n```",
        "[area(base=1",
        "Sure: [area(1)]",
        "I call area( base = 2).",
        "[unknown(x=1",
        '```\n[unknown("x")]\n```',
        'Here: {"name": "area", "arguments": {}}',
        "도구(값=1)",
    ],
)
def test_a_tool_that_is_called_in_no_known_form_is_called(text: str) -> None:
    assert attempts_call(text, ["area", "도구"])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "No tool helps.",
        "The tool `area(base, height)` does not do that.",
        "I have area, which takes base=1.",
        "[1] (see there)",
        "[No tool] (sorry)",
        "Use math: surface_area(base=1) is none of mine.",
        "An area (in square metres)",
    ],
)
def test_a_tool_that_is_spoken_of_is_not_called(text: str) -> None:
    assert not attempts_call(text, ["area"])
    assert not attempts_call(text, [])


def test_a_list_that_begins_with_a_call_is_one_whatever_its_tool_is_called() -> None:
    assert attempts_call("[unknown_tool(side=3", ["area"])
    assert not attempts_call("[see the manual]", ["area"])
