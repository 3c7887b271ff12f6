"""The benchmark's descriptions of tools as JSON Schema, and the arguments that it accepts."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from seodang.scoring.structured import faults
from seodang.scoring.tool_call import ToolCall

_TYPES = {
    "string": "string",
    "integer": "integer",
    "float": "number",
    "boolean": "boolean",
    "array": "array",
    "tuple": "array",
    "dict": "object",
}


def tools_of(functions: Sequence[Mapping[str, Any]], typed: bool) -> list[dict[str, Any]]:
    """OpenAI's list of tools, with the types of arguments alone: what calls are held against."""
    return [
        {"type": "function", "function": {"name": row["name"], "parameters": json_schema_of(row["parameters"], typed)}}
        for row in {row["name"]: row for row in functions}.values()
    ]


def described_tools(functions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each tool's name, description and arguments as JSON Schema: what a model is told."""
    return [
        {"name": row["name"], "description": row["description"], "parameters": json_schema_of(row["parameters"], True, described=True)}
        for row in {row["name"]: row for row in functions}.values()
    ]


def json_schema_of(schema: Any, typed: bool, *, described: bool = False) -> Any:
    """The benchmark's description of arguments as JSON Schema. Values of Java and JavaScript are texts of these languages: not typed."""
    if isinstance(schema, list):
        return [json_schema_of(item, typed, described=described) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "type" and isinstance(value, str):
            if value in _TYPES and typed:
                made["type"] = _TYPES[value]
        elif key == "properties" and isinstance(value, dict):
            made["properties"] = {name: json_schema_of(child, typed, described=described) for name, child in value.items()}
        elif key == "items":
            made["items"] = json_schema_of(value, typed, described=described)
        elif (key == "enum" and typed) or key == "required" or (described and key in ("description", "default")):
            made[key] = value
    return made


def widen(tools: list[dict[str, Any]], right: Sequence[ToolCall]) -> tuple[str, ...]:
    """Makes the descriptions fit the right calls where the benchmark contradicts itself; names what was changed."""
    widened: list[str] = []
    for call in right:
        parameters = next(tool["function"]["parameters"] for tool in tools if tool["function"]["name"] == call.name)
        properties = parameters["properties"]
        for key, value in call.arguments.items():
            if key not in properties or faults(value, properties[key]):
                properties[key] = {}
                widened.append(f"{call.name}.{key}")
        lacking = [key for key in parameters.get("required", []) if key not in call.arguments]
        if lacking:
            parameters["required"] = [key for key in parameters["required"] if key in call.arguments]
            widened += [f"{call.name}.{key}" for key in lacking]
    return tuple(widened)


def may_be_absent(values: Sequence[Any]) -> bool:
    """Whether the benchmark accepts a call without this argument."""
    return "" in values


def accepted_object(accepted: Mapping[str, list[Any]]) -> dict[str, Any]:
    """A JSON Schema of the arguments that are accepted, given all values that are accepted for each."""
    return {
        "type": "object",
        "properties": {key: _accepted(values) for key, values in accepted.items()},
        "required": [key for key, values in accepted.items() if not may_be_absent(values)],
        "additionalProperties": False,
    }


def first(values: Sequence[Any]) -> Any:
    """The first value that is accepted, in its plain form."""
    return _concrete(next((item for item in values if item != ""), ""))


def _accepted(values: list[Any]) -> dict[str, Any]:
    """A schema of the values that are accepted at one place: in objects inside them, each key has its own list of values again."""
    kept = [value for value in values if value != ""] or [""]
    return {"anyOf": [_value_schema(value) for value in kept]}


def _value_schema(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return accepted_object({key: item if isinstance(item, list) else [item] for key, item in value.items()})
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return {"type": "array", "prefixItems": [_value_schema(item) for item in value], "items": False, "minItems": len(value)}
    return {"const": value}


def _concrete(value: Any) -> Any:
    if isinstance(value, dict):
        lists = {key: item if isinstance(item, list) else [item] for key, item in value.items()}
        return {key: first(items) for key, items in lists.items() if not may_be_absent(items)}
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return [_concrete(item) for item in value]
    return copy.deepcopy(value)
