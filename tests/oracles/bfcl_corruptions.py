"""The right calls of a BFCL task with one fault put in, and the benchmark's own checker of end states as a second opinion."""

import copy
import random
import re
from collections.abc import Iterator
from typing import Any

from oracles.bfcl import Task, ToolsWithState
from seodang.scoring.tool_call import ToolCall
from seodang.scoring.tool_state import play

Calls = list[list[ToolCall]]
KINDS = (
    "dropped call",
    "changed argument",
    "swapped order",
    "wrong tool",
    "extra call that changes the state",
    "call twice",
    "renamed argument",
    "missing required argument",
    "another type",
)


def corrupted(task: Task, seed: int) -> Iterator[tuple[str, Calls]]:
    """One corruption of each kind that the task allows, at a place chosen by the seed and the task."""
    generator = random.Random(f"{seed}/{task.id}")
    if not any(task.right):
        for tool in task.tools[:1]:
            yield "call of an irrelevant tool", [[ToolCall(tool["function"]["name"], {})]]
        return
    for kind in KINDS:
        calls = _corrupt(kind, task, generator)
        if calls is not None and calls != task.right:
            yield kind, calls


def _corrupt(kind: str, task: Task, generator: random.Random) -> Calls | None:
    calls = [list(turn) for turn in task.right]
    turn, place = generator.choice([(t, p) for t, row in enumerate(calls) for p in range(len(row))])
    call = calls[turn][place]
    tools = {tool["function"]["name"]: tool["function"]["parameters"] for tool in task.tools}
    required = [name for name in tools[call.name].get("required", []) if name in call.arguments]
    with_state = "initial_state" in task.truth
    match kind:
        case "dropped call":
            del calls[turn][place]
        case "changed argument" if call.arguments:
            key = generator.choice(sorted(call.arguments))
            calls[turn][place] = _with(call, key, _changed(call.arguments[key]))
        case "swapped order" if with_state and len(calls[turn]) > 1:
            other = place - 1 if place else 1
            calls[turn][place], calls[turn][other] = calls[turn][other], calls[turn][place]
        case "wrong tool" if len(tools) > 1:
            calls[turn][place] = ToolCall(generator.choice(sorted(tools.keys() - {call.name})), dict(call.arguments))
        case "extra call that changes the state" if with_state:
            extra = _changing_call(task)
            if extra is None:
                return None
            calls[-1].append(extra)
        case "call twice" if not with_state:
            calls[turn].append(copy.deepcopy(call))
        case "renamed argument" if call.arguments:
            key = generator.choice(sorted(call.arguments))
            calls[turn][place] = ToolCall(call.name, {f"{k}_value" if k == key else k: v for k, v in call.arguments.items()})
        case "missing required argument" if required:
            gone = generator.choice(required)
            calls[turn][place] = ToolCall(call.name, {k: v for k, v in call.arguments.items() if k != gone})
        case "another type" if call.arguments:
            key = generator.choice(sorted(call.arguments))
            value = call.arguments[key]
            calls[turn][place] = _with(call, key, [value] if isinstance(value, str) else str(value))
        case _:
            return None
    return calls


def _with(call: ToolCall, key: str, value: Any) -> ToolCall:
    return ToolCall(call.name, {**call.arguments, key: value})


def _changed(value: Any) -> Any:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 7
    if isinstance(value, str):
        return f"{value} else" if value else "else"
    if isinstance(value, list):
        return [*value[:-1], _changed(value[-1])] if value else ["else"]
    if isinstance(value, dict) and value:
        key = sorted(value)[0]
        return {**value, key: _changed(value[key])}
    return "else"


_EXTRA = (
    ToolCall("touch", {"file_name": "not_asked_for.txt"}),
    ToolCall("post_tweet", {"content": "not asked for"}),
    ToolCall("add_contact", {"user_name": "Nobody Asked"}),
    ToolCall("create_ticket", {"title": "not asked for", "description": "", "priority": 1}),
    ToolCall("add_to_watchlist", {"stock": "ZETA"}),
    ToolCall("fund_account", {"amount": 3.0}),
    ToolCall("fillFuelTank", {"fuelAmount": 1.0}),
    ToolCall("setCruiseControl", {"speed": 20, "activate": True, "distanceToNextVehicle": 100.0}),
    ToolCall("adjustClimateControl", {"temperature": 31.0}),
    ToolCall("setHeadlights", {"mode": "on"}),
    ToolCall("set_navigation", {"destination": "nowhere"}),
    ToolCall("trading_logout", {}),
    ToolCall("logout", {}),
    ToolCall("message_login", {"user_id": "USR001"}),
    ToolCall("ticket_login", {"username": "somebody", "password": "x"}),
    ToolCall("authenticate_twitter", {"username": "john", "password": "john123"}),
)


def _changing_call(task: Task) -> ToolCall | None:
    """A call that, after the right ones, does change the state; what a tool refuses would be no fault."""
    names = {tool["function"]["name"] for tool in task.tools}
    for call in _EXTRA:
        if call.name in names:
            played = play(ToolsWithState(), task.truth["initial_state"], [*task.right, [call]])
            if played.steps[-1][0].changed:
                return call
    return None


def accepted_by_benchmark(task: Task, calls: Calls, unique: str) -> bool:
    """What BFCL's own checker of states and responses says of these calls. `unique` keeps its tools apart from those of other asks.

    The checker evaluates text in which that name stands, and takes two equal syntax errors for agreement: it becomes an identifier here.
    """
    from bfcl_eval.eval_checker.multi_turn_eval.multi_turn_checker import multi_turn_checker

    entry = {
        "id": task.id,
        "initial_config": task.truth["initial_state"]["config"],
        "involved_classes": task.truth["initial_state"]["classes"],
    }
    made = [[[_python(call) for call in turn]] for turn in calls]
    right = [[_python(call) for call in turn] for turn in task.right]
    category = task.id.rsplit("_", 1)[0]
    return bool(multi_turn_checker(made, right, entry, category, re.sub(r"\W", "_", unique))["valid"])


def _python(call: ToolCall) -> str:
    return f"{call.name}({', '.join(f'{key}={value!r}' for key, value in call.arguments.items())})"
