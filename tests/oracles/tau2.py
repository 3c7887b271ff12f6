"""τ²-bench's own evaluator of end states and actions, run on the calls of a talk: it replays them in a new environment."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from seodang.core.wheels import read_from_wheel
from seodang.evaluation.telecom.docstrings import parse
from seodang.evaluation.telecom.domain import DATA
from seodang.evaluation.wheel_code import WheelCode, stand_in

Made = tuple[str, Mapping[str, Any], str, Any]  # name, arguments, who called, what was answered


class Evaluator:
    """The benchmark's evaluator out of a wheel."""

    def __init__(self, wheel: Path) -> None:
        silent = SimpleNamespace(**dict.fromkeys(("debug", "info", "warning", "error"), lambda *_: None))
        self._wheel = wheel
        self._rows = {row["id"]: row for row in json.loads(read_from_wheel(wheel, f"{DATA}/tasks.json"))}
        self._code = WheelCode(
            wheel,
            "tau2",
            {
                "loguru": stand_in("loguru", logger=silent),
                "dotenv": stand_in("dotenv", load_dotenv=lambda: True),
                "deepdiff": stand_in("deepdiff", DeepDiff=dict),
                "addict": stand_in("addict", Dict=dict),
                "toml": stand_in("toml"),
                "docstring_parser": stand_in("docstring_parser", parse=parse),
                "pandas": stand_in("pandas", DataFrame=dict),
            },
        )

    def reward(self, name: str, calls: Sequence[Made]) -> float:
        """The reward of the task of this name after these calls."""
        task = self._code.module("tau2.data_model.tasks").Task.model_validate(self._rows[name])
        trajectory = [message for number, call in enumerate(calls) for message in self._messages(str(number), call)]
        state = self._code.module("tau2.evaluator.evaluator_env").EnvironmentEvaluator.calculate_reward(self._environment, task, trajectory)
        actions = self._code.module("tau2.evaluator.evaluator_action").ActionEvaluator.calculate_reward(task, trajectory)
        demands_actions = "ACTION" in [basis.value for basis in task.evaluation_criteria.reward_basis]
        return float(state.reward * (actions.reward if demands_actions else 1))

    def _messages(self, number: str, made: Made) -> tuple[Any, Any]:
        name, arguments, requestor, answered = made
        messages = self._code.module("tau2.data_model.message")
        call = messages.ToolCall(id=number, name=name, arguments=dict(arguments), requestor=requestor)
        kind = messages.UserMessage if requestor == "user" else messages.AssistantMessage
        content = answered if isinstance(answered, str) else json.dumps(answered)
        return kind(role=requestor, tool_calls=[call]), messages.ToolMessage(id=number, role="tool", content=content, requestor=requestor)

    def _environment(self, solo_mode: bool = False) -> Any:
        module = "tau2.domains.telecom"
        provider = self._code.module(f"{module}.data_model").TelecomDB.model_validate(self._table("db.toml"))
        phone = self._code.module(f"{module}.user_data_model").TelecomUserDB.model_validate(self._table("user_db.toml"))
        tools = self._code.module(f"{module}.tools").TelecomTools(provider)
        user_tools = self._code.module(f"{module}.user_tools").TelecomUserTools(phone)
        return self._code.module(f"{module}.environment").TelecomEnvironment("telecom", "", tools, user_tools)

    def _table(self, file: str) -> dict[str, Any]:
        return tomllib.loads(read_from_wheel(self._wheel, f"{DATA}/{file}").decode("utf-8"))
