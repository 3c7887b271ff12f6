"""A small environment with state for the audit of tool calls: telephone lines that can be suspended, paid for and set to roam."""

import copy
from collections.abc import Mapping
from typing import Any


class PhoneLines:
    """State: `lines`, by number, each with `active`, `roaming`, `owed` (won) and `plan`. What a tool refuses is `{"error": reason}`."""

    def __init__(self) -> None:
        self._lines: dict[str, dict[str, Any]] = {}

    def load(self, state: Any) -> None:
        self._lines = {str(number): dict(line) for number, line in state["lines"].items()}

    def state(self) -> Any:
        return {"lines": copy.deepcopy(self._lines)}

    def call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        line = self._lines.get(str(arguments.get("number")))
        if line is None:
            return {"error": "no such line"}
        if name == "get_line":
            return dict(line)
        if name == "pay":
            if not 0 < arguments["amount"] <= line["owed"]:
                return {"error": f"{line['owed']} won are owed"}
            line["owed"] -= arguments["amount"]
            return {"owed": line["owed"]}
        if name == "resume":
            if line["owed"]:
                return {"error": "the bill is not paid"}
            line["active"] = True
            return {"active": True}
        if name == "set_roaming":
            line["roaming"] = arguments["on"]
            return {"roaming": line["roaming"]}
        if name == "change_plan":
            line["plan"] = arguments["plan"]
            return {"plan": line["plan"]}
        return {"error": f"no tool {name}"}
