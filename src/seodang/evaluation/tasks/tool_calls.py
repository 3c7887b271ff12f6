"""Tool calls of the Berkeley Function Calling Leaderboard (version 4): by value in one turn, by the tools' state over several turns.

Patil et al. 2025, "The Berkeley Function Calling Leaderboard" (ICML), from the package bfcl-eval. Calls of one turn are right in any order,
with any of the values that the benchmark accepts; where no tool helps, an answer in words is right, and an empty one is not, nor one that
is meant to call a tool and cannot be read. Over several
turns the calls are carried out by the benchmark's own tool classes, and after each turn of the user the state is compared, and whether
what the right calls read was read. That is stricter than the benchmark in turns for which a tool or value is missing: nothing may change
then, and a tool is not there before it was given.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from seodang.core.errors import InputError
from seodang.evaluation.bfcl.entries import IRRELEVANT, MULTI_TURN, PYTHON, Entry, entries
from seodang.evaluation.bfcl.tools_with_state import ToolsWithState, classes_of
from seodang.evaluation.calling import plain_name, read_calls, told_results, told_tools, tools_in_words, with_names
from seodang.evaluation.packages import Package
from seodang.evaluation.task import Ask, Item, Judgement, Options, Solving, Task
from seodang.models.chat_model import Completion, Message
from seodang.scoring.tool_call import ToolCall
from seodang.scoring.tool_call_json import attempts_call
from seodang.scoring.tool_state import compare, play
from seodang.scoring.tool_truth import find_call_fault, match_calls, read_expected, read_tools

PACKAGE = Package("bfcl-eval", "2026.3.23", "3bb6dfa5f0c68ad403c9ec50b00db2bb3b4cc9b38ab1ff33f48fe30d853d3a0a")
CATEGORIES = (*PYTHON, "live_parallel_multiple", *IRRELEVANT, *MULTI_TURN)
_DEFAULT = tuple(name for name in CATEGORIES if name != "multi_turn_long_context")
_IN_WORDS = "If no tool helps, or a value that a tool needs was not said, answer in words instead."
_SEVERAL_TURNS = "You are then told what they answered, and can call again. When nothing is left to call, answer in words."


class ToolCallOptions(Options):
    """Which categories, and how much may be said."""

    categories: tuple[str, ...] = Field(default=_DEFAULT, description=f"of {', '.join(CATEGORIES)}")
    max_new_tokens: int = Field(default=512, ge=1, description="tokens an answer may have")
    max_steps: int = Field(default=20, ge=1, description="answers to one turn of the user; an item that needs more scores 0")


def load(options: ToolCallOptions, store: Path) -> Sequence[Item]:
    """The entries of the categories, in the benchmark's order. InputError for a category that is not known."""
    if unknown := [name for name in options.categories if name not in CATEGORIES]:
        raise InputError(f"no category `{unknown[0]}`", hint=f"there are: {', '.join(CATEGORIES)}")
    tool_class = classes_of(PACKAGE.wheel(store))
    found = (
        (category, entry)
        for category in dict.fromkeys(options.categories)
        for entry in entries(category, lambda file: PACKAGE.read(store, f"bfcl_eval/data/{file}"), tool_class)
    )
    return [Item(entry.id, category, "\n".join(entry.questions), _content(entry), _group(category, entry.id)) for category, entry in found]


def solve(item: Item, options: ToolCallOptions) -> Solving:
    """Tells the tools, asks, and holds the calls against the right ones."""
    if "initial_state" in item.content:
        return (yield from _several_turns(item, options))
    return (yield from _one_turn(item, options))


def _one_turn(item: Item, options: ToolCallOptions) -> Solving:
    messages = (told_tools(item.content["described"], after=_IN_WORDS), Message("user", item.question))
    names = [tool["name"] for tool in item.content["described"]]
    reply: Completion = yield Ask(messages, options.max_new_tokens)
    try:
        calls = with_names(read_calls(reply.text), names)
    except ValueError as error:
        return Judgement(0.0, reply.text, {"reason": "calls that cannot be read", "detail": str(error)})
    if not calls and attempts_call(reply.text, {*names, *map(plain_name, names)}):
        return Judgement(0.0, reply.text, {"reason": "calls that cannot be read", "detail": "a tool is called in no form that is read"})
    fault = _fault(calls, item.content) if calls or reply.text.strip() else {"reason": "an empty answer"}
    return Judgement(float(not fault), reply.text, fault)


def _fault(calls: Sequence[ToolCall], truth: Mapping[str, Any]) -> dict[str, Any]:
    """What is wrong with the calls of one turn; empty where they are right."""
    tools, (wanted,) = read_tools(truth["tools"]) or {}, read_expected(truth)
    for call in calls:
        if fault := find_call_fault(call, tools):
            return {"reason": "a call that its tool does not take", "call": call.name, "detail": fault}
    if len(calls) != len(wanted):
        return {"reason": "another number of calls", "found": [call.name for call in calls], "needed": [one.name for one in wanted]}
    if unmatched := match_calls(calls, wanted, tools, ordered=False):
        return {"reason": "not a right call", "call": unmatched[0].name, "arguments": unmatched[0].arguments}
    return {}


def _several_turns(item: Item, options: ToolCallOptions) -> Solving:
    content, tool_class = item.content, classes_of(PACKAGE.known_wheel)
    environment = ToolsWithState(tool_class)
    environment.load(content["initial_state"])
    withheld = {int(turn): set(names) for turn, names in content["withheld"]}
    later = set[str]().union(*withheld.values())
    offered = {tool["name"] for tool in content["described"]} - later
    begin = [tool for tool in content["described"] if tool["name"] in offered]
    messages = [told_tools(begin, after=f"{_SEVERAL_TURNS} {_IN_WORDS}")]
    turns: list[list[ToolCall]] = []
    text = ""
    for turn, question in enumerate(content["questions"]):
        if turn in withheld:
            offered |= withheld[turn]
            given = [tool for tool in content["described"] if tool["name"] in withheld[turn]]
            question = f"You can call these tools too, from now on:\n{tools_in_words(given)}\nWhat about now?"
        messages.append(Message("user", question))
        turns.append([])
        for step in range(options.max_steps + 1):
            if step == options.max_steps:
                return Judgement(0.0, text, {"reason": "more steps than are allowed", "turn": turn + 1, "steps": step})
            reply: Completion = yield Ask(tuple(messages), options.max_new_tokens)
            text = reply.text
            messages.append(Message("assistant", text))
            try:
                calls = read_calls(text)
            except ValueError as error:
                messages.append(told_results([{"error": str(error)}]))
                continue
            if not calls:
                break
            known = [call for call in calls if call.name in offered]
            turns[-1] += known
            messages.append(told_results([_carried_out(environment, call, offered) for call in calls]))
    return _by_state(item, turns, text, ToolsWithState(tool_class), len(messages))


def _carried_out(environment: ToolsWithState, call: ToolCall, offered: set[str]) -> Any:
    return environment.call(call.name, call.arguments) if call.name in offered else {"error": f"no tool {call.name}"}


def _by_state(item: Item, turns: Sequence[Sequence[ToolCall]], text: str, environment: ToolsWithState, num_messages: int) -> Judgement:
    initial = item.content["initial_state"]
    reference = play(environment, initial, [[one.call() for one in turn] for turn in read_expected(item.content)])
    difference = compare(play(environment, initial, turns), reference)
    evidence: dict[str, Any] = {"calls": [[call.name for call in turn] for turn in turns], "messages": num_messages}
    if difference is not None:
        evidence |= {"reason": difference.what, "turn": difference.turn, "detail": difference.detail}
    return Judgement(float(difference is None), text, evidence)


def _content(entry: Entry) -> dict[str, Any]:
    several = {"questions": list(entry.questions), "withheld": [[turn, list(names)] for turn, names in entry.withheld]}
    truth = entry.truth if "initial_state" not in entry.truth else {**entry.truth, **several}
    return {"described": entry.described, **truth}


def _group(category: str, name: str) -> str:
    """Live items about one list of tools, and the variants of one conversation, stand or fall together."""
    if category.startswith("multi_turn"):
        return f"multi_turn_{name.rsplit('_', 1)[1]}"
    numbers = name.removeprefix(f"{category}_").split("-")
    return f"{category}_{numbers[1]}" if category.startswith("live") and len(numbers) == 3 else ""


task = Task(
    name="tool_calls",
    title="Tool calls in one turn and over several (BFCL v4)",
    family="agent",
    languages=("en",),
    load=load,
    solve=solve,
    options=ToolCallOptions,
    source="Berkeley Function Calling Leaderboard v4 (ICML 2025), package bfcl-eval 2026.3.23",
    license="Apache-2.0",
    version=2,
    item_chance=lambda item: float(item.part in IRRELEVANT),
)
