"""The benchmark's files as entries: what is asked, the tools, and the calls that are right."""

import ast
import inspect
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from seodang.evaluation.bfcl.schemas import accepted_object, described_tools, first, may_be_absent, tools_of, widen
from seodang.evaluation.bfcl.tools_with_state import MODULES, ToolClass
from seodang.scoring.tool_call import ToolCall

Read = Callable[[str], bytes]  # a file of the package's folder `data`
PYTHON = ("simple_python", "multiple", "parallel", "parallel_multiple", "live_simple", "live_multiple", "live_parallel")
SINGLE_TURN = (*PYTHON, "live_parallel_multiple", "simple_java", "simple_javascript")
IRRELEVANT = ("irrelevance", "live_irrelevance")
MULTI_TURN = ("multi_turn_base", "multi_turn_miss_func", "multi_turn_miss_param", "multi_turn_long_context")
_MORE_TOOLS = "(the tools that were missing are given)"


@dataclass(frozen=True, slots=True)
class Entry:
    """One task of the benchmark, with calls that are right."""

    id: str
    questions: tuple[str, ...]  # of each turn of the user
    tools: list[dict[str, Any]]  # what calls are held against
    truth: dict[str, Any]  # `tools` and `calls`, with `initial_state` where tools have one; as `data/verify/tool_calls` reads it
    right: list[list[ToolCall]]  # for each turn of the user
    described: list[dict[str, Any]]  # what a model is told of the tools
    widened: tuple[str, ...] = ()  # arguments whose right value the benchmark's own description does not allow
    withheld: tuple[tuple[int, tuple[str, ...]], ...] = ()  # tools that are given from a turn on only, counted from 0


def entries(category: str, read: Read, tool_class: ToolClass) -> Iterator[Entry]:
    """The entries of a category, in the benchmark's order."""
    if category in MULTI_TURN:
        yield from multi_turn(category, read, tool_class)
    elif category in IRRELEVANT:
        yield from irrelevant(category, read)
    else:
        yield from single_turn(category, read)


def rows_of(name: str, read: Read) -> list[dict[str, Any]]:
    """The rows of one of the benchmark's files."""
    return [json.loads(line) for line in read(f"{name}.json").decode("utf-8").splitlines() if line.strip()]


def single_turn(category: str, read: Read) -> Iterator[Entry]:
    """Entries of one turn. A right call takes, of the values that the benchmark accepts, the first; the truth knows all of them."""
    answers = {row["id"]: row["ground_truth"] for row in rows_of(f"possible_answer/BFCL_v4_{category}", read)}
    typed = not category.startswith(("simple_java", "simple_javascript"))
    return (_single(row, answers[row["id"]], typed) for row in rows_of(f"BFCL_v4_{category}", read))


def irrelevant(category: str, read: Read) -> Iterator[Entry]:
    """Entries that none of the given tools helps with: no call is right."""
    for row in rows_of(f"BFCL_v4_{category}", read):
        tools = tools_of(row["function"], typed=True)
        yield Entry(
            row["id"], (_question(row["question"][0]),), tools, {"tools": tools, "calls": []}, [[]], described_tools(row["function"])
        )


def multi_turn(category: str, read: Read, tool_class: ToolClass) -> Iterator[Entry]:
    """Entries of several turns over tools with state."""
    answers = {row["id"]: row["ground_truth"] for row in rows_of(f"possible_answer/BFCL_v4_{category}", read)}
    functions = {name: rows_of(f"multi_turn_func_doc/{module}", read) for name, module in MODULES.items()}
    for row in rows_of(f"BFCL_v4_{category}", read):
        yield _multi(row, answers[row["id"]], [tool for name in row["involved_classes"] for tool in functions[name]], tool_class)


def _single(row: dict[str, Any], answers: list[dict[str, Any]], typed: bool) -> Entry:
    tools = tools_of(row["function"], typed)
    calls: list[dict[str, Any]] = []
    right: list[ToolCall] = []
    for answer in answers:
        ((name, accepted),) = answer.items()
        calls.append({"name": name, "schema": accepted_object(accepted)})
        required = next(tool["function"]["parameters"].get("required", []) for tool in tools if tool["function"]["name"] == name)
        given = {key: first(values) for key, values in accepted.items() if key in required or not may_be_absent(values)}
        right.append(ToolCall(name, given))
    widened = widen(tools, right) if typed else ()
    question = _question(row["question"][0])
    return Entry(row["id"], (question,), tools, {"tools": tools, "calls": calls}, [right], described_tools(row["function"]), widened)


def _multi(row: dict[str, Any], truth: list[list[str]], functions: list[dict[str, Any]], tool_class: ToolClass) -> Entry:
    tools = tools_of(functions, typed=True)
    right = [[_call(text, row["involved_classes"], tool_class) for text in turn] for turn in truth]
    state = {
        "classes": row["involved_classes"],
        "config": row.get("initial_config", {}),
        "long_context": "long_context" in row["id"],
    }
    calls = [[{"name": call.name, "arguments": call.arguments} for call in turn] for turn in right]
    widened = widen(tools, [call for turn in right for call in turn])
    used = {call.name for turn in right for call in turn}
    excluded = set(row.get("excluded_function", [])) - used
    withheld = tuple((int(turn), _unused(names, right[: int(turn)])) for turn, names in row.get("missed_function", {}).items())
    return Entry(
        row["id"],
        tuple(_question(turn) for turn in row["question"]),
        tools,
        {"tools": tools, "initial_state": state, "calls": calls},
        right,
        described_tools([function for function in functions if function["name"] not in excluded]),
        widened,
        withheld,
    )


def _unused(names: Sequence[str], right: Sequence[Sequence[ToolCall]]) -> tuple[str, ...]:
    """The tools without those that right calls use before they are given, as one entry of the benchmark has it."""
    used = {call.name for turn in right for call in turn}
    return tuple(name for name in names if name not in used)


def _call(text: str, classes: Sequence[str], tool_class: ToolClass) -> ToolCall:
    """A right call as the benchmark writes it: Python, also with arguments that have no name."""
    node = ast.parse(text.strip(), mode="eval").body
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Name)
    owner = next(tool_class(name) for name in classes if hasattr(tool_class(name), node.func.id))
    names = [name for name in inspect.signature(getattr(owner, node.func.id)).parameters if name != "self"]
    given = dict(zip(names, [ast.literal_eval(argument) for argument in node.args], strict=False))
    return ToolCall(node.func.id, given | {str(word.arg): ast.literal_eval(word.value) for word in node.keywords})


def _question(messages: Sequence[dict[str, Any]]) -> str:
    return " ".join(str(message["content"]) for message in messages) or _MORE_TOOLS
