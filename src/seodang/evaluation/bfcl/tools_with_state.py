"""The benchmark's tool classes as one environment of `scoring.tool_state`."""

import copy
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from seodang.evaluation.wheel_code import WheelCode

ToolClass = Callable[[str], Any]  # a tool class by its name
SOURCE = "bfcl_eval.eval_checker.multi_turn_eval.func_source_code"
MODULES = {
    "GorillaFileSystem": "gorilla_file_system",
    "MathAPI": "math_api",
    "MessageAPI": "message_api",
    "TwitterAPI": "posting_api",
    "TicketAPI": "ticket_api",
    "TradingBot": "trading_bot",
    "TravelAPI": "travel_booking",
    "VehicleControlAPI": "vehicle_control",
}


@lru_cache(maxsize=2)
def classes_of(wheel: Path) -> ToolClass:
    """The tool classes of a wheel, by name. Nothing else of the package is run."""
    code = WheelCode(wheel, "bfcl_eval")
    return lambda name: getattr(code.module(f"{SOURCE}.{MODULES[name]}"), name)


class ToolsWithState:
    """The tool classes that a state names. State: their public attributes, as the benchmark's own checker compares them."""

    def __init__(self, tool_class: ToolClass) -> None:
        self._tool_class = tool_class
        self._tools: dict[str, Any] = {}

    def load(self, state: Any) -> None:
        """`classes`, and for each of them a scenario in `config`; `long_context` fills them with more than is needed."""
        self._tools = {}
        for name in state["classes"]:
            tool: Any = self._tool_class(name)()
            if hasattr(tool, "_load_scenario"):
                tool._load_scenario(state["config"].get(name, {}), long_context=state.get("long_context", False))
            self._tools[name] = tool

    def call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        method = next((getattr(tool, name) for tool in self._tools.values() if not name.startswith("_") and hasattr(tool, name)), None)
        if not callable(method):
            return {"error": f"no tool {name}"}
        try:
            return plain(method(**copy.deepcopy(dict(arguments))))  # some tools keep lists that they are given
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
