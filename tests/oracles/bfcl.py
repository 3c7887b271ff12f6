"""The Berkeley Function Calling Leaderboard's data, tools with state and right answers (PyPI `bfcl-eval`), in the forms that we read.

Only its data files and the tool classes are used; its runners need libraries that are not installed.
"""

import ast
import copy
import importlib
import inspect
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from seodang.core.records import Record
from seodang.scoring.structured import faults
from seodang.scoring.tool_call import ToolCall, to_openai

ENVIRONMENT = "oracles.bfcl:ToolsWithState"
PYTHON = ("simple_python", "multiple", "parallel", "parallel_multiple", "live_simple", "live_multiple", "live_parallel")
SINGLE_TURN = (*PYTHON, "live_parallel_multiple", "simple_java", "simple_javascript")
IRRELEVANT = ("irrelevance", "live_irrelevance")
MULTI_TURN = ("multi_turn_base", "multi_turn_miss_func", "multi_turn_miss_param", "multi_turn_long_context")
_MODULES = {
    "GorillaFileSystem": "gorilla_file_system",
    "MathAPI": "math_api",
    "MessageAPI": "message_api",
    "TwitterAPI": "posting_api",
    "TicketAPI": "ticket_api",
    "TradingBot": "trading_bot",
    "TravelAPI": "travel_booking",
    "VehicleControlAPI": "vehicle_control",
}
_TYPES = {
    "string": "string",
    "integer": "integer",
    "float": "number",
    "boolean": "boolean",
    "array": "array",
    "tuple": "array",
    "dict": "object",
}


@dataclass(frozen=True, slots=True)
class Task:
    """One task of the benchmark: its tools, the right calls as a record's truth has them, and calls that are right."""

    id: str
    questions: tuple[str, ...]
    tools: list[dict[str, Any]]
    truth: dict[str, Any]
    right: list[list[ToolCall]]  # for each turn of the user
    widened: tuple[str, ...] = ()  # arguments whose right value the benchmark's own description does not allow

    def record(self, calls: list[list[ToolCall]] | None = None) -> Record:
        """The task with these calls, or the right ones, as assistant messages."""
        given = self.right if calls is None else calls
        turns: list[dict[str, Any]] = []
        for question, made in zip(self.questions, given, strict=True):
            turns.append({"role": "user", "content": question})
            if made:
                turns.append({"role": "assistant", "content": None, "tool_calls": to_openai(made)})
        return Record("sample", self.questions[-1], "", (), "en", turns=tuple(turns), truth=self.truth, capability="agent")


def read_rows(name: str, folder: str = "") -> list[dict[str, Any]]:
    """The rows of one of the benchmark's files."""
    path = resources.files("bfcl_eval") / "data" / folder / f"{name}.json"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def single_turn(category: str) -> list[Task]:
    """Tasks of one turn. A right call takes, of the values that the benchmark accepts, the first; the truth knows all of them."""
    answers = {row["id"]: row["ground_truth"] for row in read_rows(f"BFCL_v4_{category}", "possible_answer")}
    typed = not category.startswith(("simple_java", "simple_javascript"))
    return [_single(row, answers[row["id"]], typed) for row in read_rows(f"BFCL_v4_{category}")]


def irrelevant(category: str) -> list[Task]:
    """Tasks that none of the given tools helps with: no call is right."""
    tasks: list[Task] = []
    for row in read_rows(f"BFCL_v4_{category}"):
        tools = _tools(row["function"], typed=True)
        tasks.append(Task(row["id"], (_question(row["question"][0]),), tools, {"tools": tools, "calls": []}, [[]]))
    return tasks


def multi_turn(category: str, limit: int | None = None) -> list[Task]:
    """Tasks of several turns over tools with state."""
    answers = {row["id"]: row["ground_truth"] for row in read_rows(f"BFCL_v4_{category}", "possible_answer")}
    return [_multi(row, answers[row["id"]]) for row in read_rows(f"BFCL_v4_{category}")[:limit]]


class ToolsWithState:
    """The benchmark's tool classes as one environment. State: their public attributes, as its own checker compares them."""

    def load(self, state: Any) -> None:
        self._tools: dict[str, Any] = {}
        for name in state["classes"]:
            tool: Any = _tool_class(name)()
            if hasattr(tool, "_load_scenario"):
                scenario = state["config"].get(name, {})
                tool._load_scenario(scenario, long_context=state.get("long_context", False))  # as the benchmark's own runner does
            self._tools[name] = tool

    def call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        method = next((getattr(tool, name) for tool in self._tools.values() if not name.startswith("_") and hasattr(tool, name)), None)
        if method is None:
            return {"error": f"no tool {name}"}
        try:
            return plain(method(**arguments))
        except Exception as error:  # noqa: BLE001  what a tool raises on odd arguments is its answer
            return {"error": f"{type(error).__name__}: {error}"}

    def state(self) -> Any:
        return {name: plain(tool) for name, tool in self._tools.items()}


def plain(value: Any) -> Any:
    """A value as JSON holds it; of the benchmark's own objects, the attributes that are not private."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if type(value).__module__.startswith("bfcl_eval"):
        return {name: plain(item) for name, item in vars(value).items() if not name.startswith("_") and name != "parent"}
    return str(value)


def _tool_class(name: str) -> Any:
    module = importlib.import_module(f"bfcl_eval.eval_checker.multi_turn_eval.func_source_code.{_MODULES[name]}")
    return getattr(module, name)


def _multi(row: dict[str, Any], truth: list[list[str]]) -> Task:
    functions = [function for name in row["involved_classes"] for function in read_rows(_MODULES[name], "multi_turn_func_doc")]
    tools = _tools(functions, typed=True)
    right = [[_call(text, row["involved_classes"]) for text in turn] for turn in truth]
    state = {
        "classes": row["involved_classes"],
        "config": row.get("initial_config", {}),
        "long_context": "long_context" in row["id"],
    }
    calls = [[{"name": call.name, "arguments": call.arguments} for call in turn] for turn in right]
    facts = {"tools": tools, "environment": ENVIRONMENT, "initial_state": state, "calls": calls}
    widened = _widen(tools, [call for turn in right for call in turn])
    return Task(row["id"], tuple(_question(turn) for turn in row["question"]), tools, facts, right, widened)


def _call(text: str, classes: list[str]) -> ToolCall:
    node = ast.parse(text.strip(), mode="eval").body
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Name)
    owner = next(_tool_class(name) for name in classes if hasattr(_tool_class(name), node.func.id))
    names = [name for name in inspect.signature(getattr(owner, node.func.id)).parameters if name != "self"]
    given = dict(zip(names, [ast.literal_eval(argument) for argument in node.args], strict=False))
    return ToolCall(node.func.id, given | {str(word.arg): ast.literal_eval(word.value) for word in node.keywords})


def _single(row: dict[str, Any], answers: list[dict[str, Any]], typed: bool) -> Task:
    tools = _tools(row["function"], typed)
    calls: list[dict[str, Any]] = []
    right: list[ToolCall] = []
    for answer in answers:
        ((name, accepted),) = answer.items()
        calls.append({"name": name, "schema": _accepted_object(accepted)})
        required = next(tool["function"]["parameters"].get("required", []) for tool in tools if tool["function"]["name"] == name)
        given = {key: _first(values) for key, values in accepted.items() if key in required or not _may_be_absent(values)}
        right.append(ToolCall(name, given))
    widened = _widen(tools, right) if typed else ()
    return Task(row["id"], (_question(row["question"][0]),), tools, {"tools": tools, "calls": calls}, [right], widened)


def _widen(tools: list[dict[str, Any]], right: list[ToolCall]) -> tuple[str, ...]:
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


def _may_be_absent(values: list[Any]) -> bool:
    return "" in values


def _accepted_object(accepted: Mapping[str, list[Any]]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {key: _accepted(values) for key, values in accepted.items()},
        "required": [key for key, values in accepted.items() if not _may_be_absent(values)],
        "additionalProperties": False,
    }


def _accepted(values: list[Any]) -> dict[str, Any]:
    """A schema of the values that are accepted at one place: in objects inside them, each key has its own list of values again."""
    kept = [value for value in values if value != ""] or [""]
    return {"anyOf": [_value_schema(value) for value in kept]}


def _value_schema(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return _accepted_object({key: item if isinstance(item, list) else [item] for key, item in value.items()})
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return {"type": "array", "prefixItems": [_value_schema(item) for item in value], "items": False, "minItems": len(value)}
    return {"const": value}


def _first(values: list[Any]) -> Any:
    return _concrete(next((item for item in values if item != ""), ""))


def _concrete(value: Any) -> Any:
    if isinstance(value, dict):
        lists = {key: item if isinstance(item, list) else [item] for key, item in value.items()}
        return {key: _first(items) for key, items in lists.items() if not _may_be_absent(items)}
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return [_concrete(item) for item in value]
    return copy.deepcopy(value)


def _question(messages: list[dict[str, Any]]) -> str:
    return " ".join(str(message["content"]) for message in messages) or "(the tools that were missing are given)"


def _tools(functions: list[dict[str, Any]], typed: bool) -> list[dict[str, Any]]:
    return [
        {"type": "function", "function": {"name": row["name"], "parameters": json_schema_of(row["parameters"], typed)}}
        for row in {row["name"]: row for row in functions}.values()
    ]


def json_schema_of(schema: Any, typed: bool) -> Any:
    """The benchmark's description of arguments as JSON Schema. Values of Java and JavaScript are texts of these languages: not typed."""
    if isinstance(schema, list):
        return [json_schema_of(item, typed) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "type" and isinstance(value, str):
            if value in _TYPES and typed:
                made["type"] = _TYPES[value]
        elif key == "properties" and isinstance(value, dict):
            made["properties"] = {name: json_schema_of(child, typed) for name, child in value.items()}
        elif key == "items":
            made["items"] = json_schema_of(value, typed)
        elif (key == "enum" and typed) or key == "required":
            made[key] = value
    return made


def all_tasks(categories: tuple[str, ...]) -> Iterator[Task]:
    """The tasks of all these categories of one turn."""
    for category in categories:
        yield from irrelevant(category) if category in IRRELEVANT else single_turn(category)
