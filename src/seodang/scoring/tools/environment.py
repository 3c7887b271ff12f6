"""What an environment with tools offers to a generator, which has calls carried out in it and looks at the state that they lead to."""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Protocol, runtime_checkable

from seodang.scoring.tool_call import ToolCall


@runtime_checkable
class ToolEnvironment(Protocol):
    """Tools over one state. Equal states and calls give equal results; what a tool refuses is a result with `error`, not an exception."""

    @property
    def name(self) -> str:
        """`package.module:Class`, by which a check opens it again."""
        ...

    @property
    def tools(self) -> Sequence[Mapping[str, Any]]:
        """OpenAI's list of tools, with a JSON schema of each one's arguments."""
        ...

    def load(self, state: Any) -> None:
        """Begins anew from a state as JSON holds it."""
        ...

    def call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Carries out one call; what it answers, as JSON holds it."""
        ...

    def state(self) -> Any:
        """All that calls can change, as JSON holds it."""
        ...

    def draw_state(self, draw: Random) -> Any:
        """A state to begin from."""
        ...

    def draw_goal(self, draw: Random) -> list[ToolCall]:
        """Calls that somebody may want in the state that was loaded: all of them work, and they change it."""
        ...


class ToolError(Exception):
    """What a tool refuses, in words for whoever called it."""


def tool(name: str, description: str, **properties: Mapping[str, Any]) -> dict[str, Any]:
    """A row of OpenAI's list of tools, all of whose arguments are required."""
    parameters = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


def carry_out(tools: Mapping[str, Callable[..., Any]], name: str, arguments: Mapping[str, Any]) -> Any:
    """What a tool answers: its result, or `{"error": words}` where there is no such tool, it takes other arguments, or it refuses."""
    if name not in tools:
        return {"error": f"there is no tool {name}"}
    try:
        return tools[name](**arguments)
    except ToolError as error:
        return {"error": str(error)}
    except TypeError:
        return {"error": f"{name} takes other arguments"}
