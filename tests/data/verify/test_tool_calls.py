"""The check of tool calls on the Berkeley Function Calling Leaderboard: what is right passes, what has a fault does not."""

import json
from typing import Any

import pytest

from oracles import bfcl
from oracles.bfcl_corruptions import accepted_by_benchmark, corrupted
from seodang.core.records import Record
from seodang.data.verify.context import bare_context
from seodang.data.verify.section import VerifySection
from seodang.data.verify.tool_calls import calls_of, tool_calls
from seodang.scoring.tool_call import ToolCall, to_openai

ALLOWED = VerifySection(tool_environments=(bfcl.ENVIRONMENT,))
SELF_CONTRADICTING = {"parallel_multiple_21", "parallel_multiple_94"}  # the benchmark's right values are not of its own types


def outcomes(records: list[Record], section: VerifySection | None = None) -> list[str]:
    with bare_context(section) as context:
        return [verdict.outcome for verdict in tool_calls(records, context)]


@pytest.mark.parametrize("category", ["simple_python", "parallel_multiple", "live_parallel", "irrelevance", "simple_javascript"])
def test_right_calls_pass_and_calls_with_a_fault_fail(category: str) -> None:
    tasks = list(bfcl.all_tasks((category,)))
    assert {task.id for task in tasks if task.widened} == {task.id for task in tasks} & SELF_CONTRADICTING
    some = tasks[::9]
    assert set(outcomes([bfcl.record_of(task) for task in some])) == {"pass"}
    broken = [(task, kind, calls) for task in some[::2] for kind, calls in corrupted(task, seed=1)]
    assert len({kind for _, kind, _ in broken}) >= (1 if category == "irrelevance" else 5)
    said = outcomes([bfcl.record_of(task, calls) for task, _, calls in broken])
    assert [(task.id, kind) for (task, kind, _), outcome in zip(broken, said, strict=True) if outcome != "fail"] == []


@pytest.mark.parametrize("category", ["multi_turn_base", "multi_turn_miss_param"])
def test_right_calls_over_several_turns_pass_and_faults_fail(category: str) -> None:
    """Beside the benchmark's own checker of end states: what it rejects is rejected here."""
    tasks = bfcl.multi_turn(category, limit=75)[::9]
    assert outcomes([bfcl.record_of(task) for task in tasks], ALLOWED) == ["pass"] * len(tasks)
    broken = [(task, kind, calls) for task in tasks for kind, calls in corrupted(task, seed=2)]
    wrong = [row for row in broken if not accepted_by_benchmark(row[0], row[2], f"test {category} {row[0].id} {row[1]}")]
    assert len(wrong) > 0.8 * len(broken)
    said = outcomes([bfcl.record_of(task, calls) for task, _, calls in wrong], ALLOWED)
    assert [(task.id, kind) for (task, kind, _), outcome in zip(wrong, said, strict=True) if outcome != "fail"] == []


def test_the_oracle_itself_knows_right_from_wrong() -> None:
    task = bfcl.multi_turn("multi_turn_base", limit=1)[0]
    assert accepted_by_benchmark(task, task.right, "control right")
    assert not accepted_by_benchmark(task, [[] for _ in task.right], "control empty")
    assert not accepted_by_benchmark(task, [task.right[0][:-1], *task.right[1:]], "control wrong")


def test_a_record_cannot_choose_what_code_is_loaded() -> None:
    truth = {"environment": "os:system", "initial_state": {}, "calls": []}
    record = Record("sample", "Go.", "Done.", (), "en", truth=truth)
    with bare_context() as context:
        (verdict,) = tool_calls([record], context)
    assert verdict.outcome == "error"
    assert "not among those" in verdict.evidence["reason"]


@pytest.mark.parametrize(
    ("truth", "outcome"),
    [
        ({}, "undecided"),
        ({"calls": "f"}, "error"),
        ({"calls": [{"arguments": {}}]}, "error"),
        ({"calls": [], "tools": {}}, "error"),
        ({"calls": [], "tools": [{"function": {"parameters": {}}}]}, "error"),
        ({"calls": [], "tools": [{"name": "f"}, {"name": "f"}]}, "error"),
        ({"calls": [{"name": "f", "schema": {"type": "nothing"}}]}, "error"),
        ({"calls": [{"name": "f"}]}, "pass"),
        ({"calls": [{"name": "f"}], "tools": [{"name": "f", "parameters": {"$ref": "https://example.org"}}]}, "error"),
    ],
)
def test_a_truth_that_cannot_be_used_is_no_verdict_on_the_answer(truth: dict[str, Any], outcome: str) -> None:
    assert outcomes([Record("sample", "Go.", '{"name": "f"}', (), "en", truth=truth)]) == [outcome]


def test_calls_are_told_apart_by_the_users_turns() -> None:
    def message(*names: str) -> dict[str, Any]:
        return {"role": "assistant", "content": None, "tool_calls": to_openai([ToolCall(name) for name in names])}

    user = {"role": "user", "content": "Go on."}
    turns = (
        user,
        message("a"),
        {"role": "tool", "content": "{}"},
        message("b", "c"),
        user,
        {"role": "assistant", "content": "[d()]"},
        user,
    )
    found = calls_of(Record("sample", "Go on.", json.dumps({"name": "e"}), (), "en", turns=turns))
    assert [[call.name for call in turn] for turn in found] == [["a", "b", "c"], ["d"], ["e"]]
    assert calls_of(Record("sample", "Go on.", "Done.", (), "en")) == [[]]
