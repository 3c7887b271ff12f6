"""What a record says about its tools and the right calls, and whether calls agree with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seodang.core.errors import InputError
from seodang.scoring.structured import faults
from seodang.scoring.tool_call import ToolCall
from seodang.scoring.tool_state import same

_HINT = "give each call a `name` and `arguments`, or a `schema` of the right arguments"


@dataclass(frozen=True, slots=True)
class Expected:
    """One right call: its arguments, or a JSON Schema of those that are right."""

    name: str
    arguments: Mapping[str, Any] | None
    schema: Any = None

    def call(self) -> ToolCall:
        """The call itself, to be carried out; InputError where only a schema is known."""
        if self.arguments is None:
            raise InputError(f"the right call of `{self.name}` has no arguments to carry it out with", hint="give `arguments`")
        return ToolCall(self.name, dict(self.arguments))


def read_tools(given: Any) -> dict[str, Any] | None:
    """The JSON Schema of each tool's arguments, by the tool's name; None where no tools are given. InputError for a list that is none."""
    if given is None:
        return None
    if not isinstance(given, list):
        raise InputError("`tools` is not a list", hint="give OpenAI's list of tools")
    tools: dict[str, Any] = {}
    for row in given:
        function = row.get("function", row) if isinstance(row, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            raise InputError("a tool without a name", hint="give OpenAI's list of tools")
        parameters = function.get("parameters") or {"type": "object", "properties": {}}
        if function["name"] in tools:
            raise InputError(f"two tools are named `{function['name']}`", hint="name each tool once")
        tools[function["name"]] = {"type": "object", **parameters} if isinstance(parameters, Mapping) else parameters
    return tools


def read_expected(truth: Mapping[str, Any]) -> list[list[Expected]]:
    """The right calls of each turn; one turn where the list is flat, none where only the end state is known."""
    rows = truth.get("calls", [])
    if not isinstance(rows, list):
        raise InputError("`calls` is not a list", hint=_HINT)
    by_turn = bool(rows) and all(isinstance(row, list) for row in rows)
    return [[_read(row) for row in turn] for turn in (rows if by_turn else [rows])]


def _read(row: Any) -> Expected:
    if not isinstance(row, Mapping) or not isinstance(row.get("name"), str):
        raise InputError("a right call without a name", hint=_HINT)
    arguments = row.get("arguments", None if "schema" in row else {})
    if arguments is not None and not isinstance(arguments, Mapping):
        raise InputError(f"the arguments of `{row['name']}` are no object", hint=_HINT)
    return Expected(row["name"], arguments, row.get("schema"))


def find_call_fault(call: ToolCall, tools: Mapping[str, Any]) -> str:
    """Why a call cannot be one of these tools'; empty where it can."""
    if call.name not in tools:
        return "no tool has this name"
    found = faults(call.arguments, {"properties": {}, **tools[call.name]}, limit=1)
    return found[0] if found else ""


def match_calls(calls: Sequence[ToolCall], wanted: Sequence[Expected], tools: Mapping[str, Any], *, ordered: bool) -> list[ToolCall]:
    """The calls that are left over once as many as can be are paired with the right ones; empty where all are right."""
    agree = [[_agrees(call, one, tools) for one in wanted] for call in calls]
    if ordered:
        return [call for place, call in enumerate(calls) if not agree[place][place]]
    partner: dict[int, int] = {}

    def place(call: int, tried: set[int]) -> bool:
        """Kuhn's step: pairs a call, moving others to free partners where it must."""
        for one in range(len(wanted)):
            if agree[call][one] and one not in tried:
                tried.add(one)
                if one not in partner or place(partner[one], tried):
                    partner[one] = call
                    return True
        return False

    return [calls[call] for call in range(len(calls)) if not place(call, set())]


def _agrees(call: ToolCall, one: Expected, tools: Mapping[str, Any]) -> bool:
    if call.name != one.name:
        return False
    if one.arguments is None:
        return not faults(call.arguments, {"type": "object", "properties": {}, **one.schema}, limit=1)
    defaults = _defaults(tools.get(call.name))
    return same({**defaults, **call.arguments}, {**defaults, **one.arguments})


def _defaults(schema: Any) -> dict[str, Any]:
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    given = properties.items() if isinstance(properties, Mapping) else ()
    return {name: child["default"] for name, child in given if isinstance(child, Mapping) and "default" in child}
