"""Tool calls judged by what they do: an environment with a state, calls carried out in it, and the states at the end compared outside.

Two ways are one where they end in equal states and where what the reference had to read was read on both: several orders and detours are
right, an extra or missing change of the state is not. Method: BFCL v3's multi-turn evaluation (Patil et al. 2025, ICML).
"""

import copy
import importlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from seodang.core.errors import InputError
from seodang.scoring.tool_call import ToolCall
from seodang.scoring.tools.environments import ENVIRONMENTS

OF_PROBES = "seodang.data.verify_audit.phone_lines:PhoneLines"  # of the audit of tool calls
SHIPPED = frozenset({OF_PROBES, *(kind.name for kind in ENVIRONMENTS)})  # any record may name them


@runtime_checkable
class Environment(Protocol):
    """Tools over one state. Equal states and calls give equal results; what a tool refuses is a result, not an exception."""

    def load(self, state: Any) -> None:
        """Begins anew from a state as JSON holds it."""
        ...

    def call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Carries out one call; what it answers, as JSON holds it."""
        ...

    def state(self) -> Any:
        """All that calls can change, as JSON holds it."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """One call, what it answered, and whether the state was another one after it."""

    call: ToolCall
    response: Any
    changed: bool


@dataclass(frozen=True, slots=True)
class Played:
    """The steps of each turn of the user, and the state after each turn."""

    steps: tuple[tuple[Step, ...], ...]
    states: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """Why two ways are not one: in which turn (from 1), and what is unlike."""

    turn: int
    what: str
    detail: Any


def open_environment(name: str, allowed: Sequence[str] = ()) -> Environment:
    """A fresh environment of the class `package.module:Class`. InputError where a record names one that was not allowed.

    A record's text must not choose what code is loaded: only names in `allowed` and in `SHIPPED` are imported.
    """
    if name not in allowed and name not in SHIPPED:
        raise InputError(
            f"the environment `{name}` is not among those that may be loaded",
            hint="allow it: `--environment package.module:Class`, or `verify.tool_environments` in a recipe",
        )
    module_name, _, attribute = name.partition(":")
    try:
        made: Any = getattr(importlib.import_module(module_name), attribute)()
    except (ImportError, AttributeError, TypeError) as error:
        raise InputError(f"cannot open the environment `{name}` ({error})", hint="write it as `package.module:Class`") from error
    if not isinstance(made, Environment):
        raise InputError(f"`{name}` is no environment", hint="give the class the methods load(state), call(name, arguments) and state()")
    return made


def play(environment: Environment, initial_state: Any, turns: Sequence[Sequence[ToolCall]]) -> Played:
    """Carries out the calls of each turn, in order, from the initial state, which is not changed itself."""
    environment.load(copy.deepcopy(initial_state))
    before = frozen(environment.state())
    steps: list[tuple[Step, ...]] = []
    states: list[Any] = []
    for turn in turns:
        done: list[Step] = []
        for call in turn:
            response = json.loads(frozen(environment.call(call.name, copy.deepcopy(call.arguments))))
            after = frozen(environment.state())
            done.append(Step(call, response, after != before))
            before = after
        steps.append(tuple(done))
        states.append(json.loads(before))
    return Played(tuple(steps), tuple(states))


def compare(played: Played, reference: Played) -> Difference | None:
    """The first difference; None where `played` is as good as the reference.

    After each turn the states are equal, and what the reference read without changing anything was read by then, from the same tool.
    """
    if len(played.states) != len(reference.states):
        return Difference(0, "number of turns", {"found": len(played.states), "needed": len(reference.states)})
    for turn, needed in enumerate(reference.steps, start=1):
        unlike = differing(played.states[turn - 1], reference.states[turn - 1])
        if unlike is not None:
            return Difference(turn, "another state", unlike)
        read = [step for steps in played.steps[:turn] for step in steps]
        for step in needed:
            if not step.changed and not any(one.call.name == step.call.name and same(one.response, step.response) for one in read):
                return Difference(turn, "not read", {"call": step.call.name, "arguments": step.call.arguments})
    return None


def same(value: Any, other: Any) -> bool:
    """Equal as JSON: 1 and 1.0 are one number, true is no number, the order of keys says nothing."""
    return differing(value, other) is None


def differing(value: Any, other: Any, path: str = "$") -> dict[str, Any] | None:
    """Where two JSON values first differ, and both values there; None where they are equal."""
    if isinstance(value, Mapping) and isinstance(other, Mapping):
        for key in sorted({*map(str, value), *map(str, other)}):
            if key not in value or key not in other:
                return {"path": f"{path}.{key}", "found": value.get(key), "needed": other.get(key)}
            if (found := differing(value[key], other[key], f"{path}.{key}")) is not None:
                return found
        return None
    if isinstance(value, list) and isinstance(other, list):
        if len(value) != len(other):
            return {"path": path, "found": f"{len(value)} items", "needed": f"{len(other)} items"}
        pairs = (differing(a, b, f"{path}[{index}]") for index, (a, b) in enumerate(zip(value, other, strict=True)))
        return next((found for found in pairs if found is not None), None)
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (value, other))
    equal = value == other if numbers or type(value) is type(other) else False
    return None if equal else {"path": path, "found": value, "needed": other}


def frozen(value: Any) -> str:
    """A JSON value as text that is equal for equal values; InputError where an environment gave what JSON cannot hold."""
    try:
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    except (TypeError, ValueError) as error:
        raise InputError(f"an environment gave what JSON cannot hold ({error})", hint="return texts, numbers, lists and objects") from error
