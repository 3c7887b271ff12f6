"""The Berkeley Function Calling Leaderboard as installed (PyPI `bfcl-eval`), for tests of checks: its tasks as records.

Only its data files and the tool classes are used; its runners need libraries that are not installed.
"""

import importlib
from collections.abc import Iterator
from importlib import resources
from typing import Any

from seodang.core.records import Record
from seodang.evaluation.bfcl import entries as bfcl
from seodang.evaluation.bfcl.entries import IRRELEVANT, MULTI_TURN, PYTHON, SINGLE_TURN, Entry
from seodang.evaluation.bfcl.tools_with_state import MODULES, SOURCE
from seodang.evaluation.bfcl.tools_with_state import ToolsWithState as Tools
from seodang.scoring.tool_call import ToolCall, to_openai

__all__ = [
    "ENVIRONMENT",
    "IRRELEVANT",
    "MULTI_TURN",
    "PYTHON",
    "SINGLE_TURN",
    "Task",
    "ToolsWithState",
    "all_tasks",
    "multi_turn",
    "record_of",
]
ENVIRONMENT = "oracles.bfcl:ToolsWithState"
Task = Entry


class ToolsWithState(Tools):
    """The tool classes of the installed package."""

    def __init__(self) -> None:
        super().__init__(tool_class)


def tool_class(name: str) -> Any:
    """A tool class of the installed package."""
    return getattr(importlib.import_module(f"{SOURCE}.{MODULES[name]}"), name)


def read(file: str) -> bytes:
    """A data file of the installed package."""
    return (resources.files("bfcl_eval") / "data").joinpath(file).read_bytes()


def record_of(task: Task, calls: list[list[ToolCall]] | None = None) -> Record:
    """The task with these calls, or the right ones, as assistant messages."""
    given = task.right if calls is None else calls
    turns: list[dict[str, Any]] = []
    for question, made in zip(task.questions, given, strict=True):
        turns.append({"role": "user", "content": question})
        if made:
            turns.append({"role": "assistant", "content": None, "tool_calls": to_openai(made)})
    return Record("sample", task.questions[-1], "", (), "en", turns=tuple(turns), truth=_truth(task), capability="agent")


def all_tasks(categories: tuple[str, ...]) -> Iterator[Task]:
    """The tasks of all these categories."""
    for category in categories:
        yield from bfcl.entries(category, read, tool_class)


def multi_turn(category: str, limit: int | None = None) -> list[Task]:
    """Tasks of several turns over tools with state."""
    return list(all_tasks((category,)))[:limit]


def _truth(task: Task) -> dict[str, Any]:
    return {**task.truth, "environment": ENVIRONMENT} if "initial_state" in task.truth else task.truth
