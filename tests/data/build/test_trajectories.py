"""Trajectories: every call is carried out, and each of the three gates stops what it is for."""

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from generators.cases import serve
from generators.scripted import Constrained
from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.core.records import Record
from seodang.data.build.sources import BuildSources
from seodang.data.build.trajectories import TrajectoriesSection, step_schema, trajectories
from seodang.data.build.units import num_dropped
from seodang.models.chat_model import Message, Sampling
from seodang.scoring.tools.library_loans import LibraryLoans
from seodang.scoring.tools.telecom_account import TelecomAccount

ENVIRONMENTS = {"telecom": TelecomAccount(), "library": LibraryLoans()}


def run(path: Path, say: Any = serve, goals: int = 12, **knobs: Any) -> tuple[list[Record], dict[str, int]]:
    section = TrajectoriesSection(goals_per_environment=goals, **knobs)
    with closing(Journal(path)) as journal:
        found = trajectories(BuildSources(environments=ENVIRONMENTS), section, Constrained(say), 4, journal, Progress("build"))
        return found, dict(num_dropped(journal, "trajectories"))


def test_the_calls_of_a_record_lead_from_its_first_state_to_its_last(tmp_path: Path) -> None:
    found, dropped = run(tmp_path / "journal.jsonl")
    assert len(found) + sum(dropped.values()) == 24
    assert {record.truth["environment"] for record in found} == {one.name for one in ENVIRONMENTS.values()}
    for record in found:
        (environment,) = (one for one in ENVIRONMENTS.values() if one.name == record.truth["environment"])
        environment.load(record.truth["initial_state"])
        told: list[Any] = []
        for turn in record.turns:
            for call in turn.get("tool_calls", ()):
                told.append((call["id"], environment.call(call["function"]["name"], json.loads(call["function"]["arguments"]))))
            if turn["role"] == "tool":
                assert (turn["tool_call_id"], json.loads(turn["content"])) == told[-1]
        assert environment.state() == record.truth["end_state"] != record.truth["initial_state"]
        assert record.turns[0] == {"role": "user", "content": record.question}
        assert (record.answer, record.capability) == ("That is done.", "agent")
        assert set(record.truth["gates"]) == {"format", "execution", "semantic"}
        assert len(told) == len(record.truth["calls"])


def spoilt(change: Any) -> Any:
    """The agent's steps, changed: `change` is given the step and its number."""

    def say(messages: Sequence[Message], sampling: Sampling) -> str:
        said = serve(messages, sampling)
        return said if len(messages) == 1 else json.dumps(change(json.loads(said), (len(messages) - 2) // 2))

    return say


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda step, number: {"call": "no_such_tool", "arguments": {}}, "format gate: not as the schema says"),
        (lambda step, number: {**step, "more": 1}, "format gate: not as the schema says"),
        (lambda step, number: {"answer": " "} if "answer" in step else step, "format gate: an empty answer"),
        (lambda step, number: {"answer": "Done!"}, "semantic gate: another state than the goal's"),
        (lambda step, number: {"call": "list_bills", "arguments": {}}, "no answer within the calls that were allowed"),
    ],
)
def test_each_gate_stops_what_it_is_for(tmp_path: Path, change: Any, reason: str) -> None:
    with closing(Journal(tmp_path / "journal.jsonl")) as journal:
        sources = BuildSources(environments={"telecom": TelecomAccount()})
        section = TrajectoriesSection(goals_per_environment=6)
        assert trajectories(sources, section, Constrained(spoilt(change)), 4, journal, Progress("build")) == []
        assert num_dropped(journal, "trajectories") == {reason: 6}


def test_a_call_that_is_refused_fails_the_second_gate_even_if_the_end_is_right(tmp_path: Path) -> None:
    def say(messages: Sequence[Message], sampling: Sampling) -> str:
        if len(messages) == 1:
            return serve(messages, sampling)
        if len(messages) == 2:
            return json.dumps({"call": "pay_bill", "arguments": {"bill": "bill_99"}})
        return serve([*messages[:2], *messages[4:]], sampling)

    with closing(Journal(tmp_path / "journal.jsonl")) as journal:
        sources = BuildSources(environments={"telecom": TelecomAccount()})
        assert trajectories(sources, TrajectoriesSection(goals_per_environment=4), Constrained(say), 4, journal, Progress("build")) == []
        assert num_dropped(journal, "trajectories") == {"execution gate: a tool refused a call": 4}


def test_an_extra_change_fails_the_third_gate_and_reading_more_does_not(tmp_path: Path) -> None:
    def also(call: dict[str, Any]) -> Any:
        def say(messages: Sequence[Message], sampling: Sampling) -> str:
            if len(messages) == 1:
                return serve(messages, sampling)
            return json.dumps(call) if len(messages) == 2 else serve([*messages[:2], *messages[4:]], sampling)

        return say

    read, _ = run(tmp_path / "read.jsonl", also({"call": "list_lines", "arguments": {}}), 4)
    plain, _ = run(tmp_path / "plain.jsonl", serve, 4)
    telecom = [record.truth["calls"] for record in plain if "telecom" in record.truth["environment"]]
    assert [record.truth["calls"] for record in read if "telecom" in record.truth["environment"]] == telecom
    extra = {"call": "replace_sim", "arguments": {"line": "line_1", "kind": "esim"}}
    changed, dropped = run(tmp_path / "changed.jsonl", also(extra), 4)
    assert not [record for record in changed if "telecom" in record.truth["environment"]]
    assert dropped["semantic gate: another state than the goal's"] >= 1


def test_the_agent_does_not_see_the_state_or_the_goal_but_through_its_tools(tmp_path: Path) -> None:
    seen: list[Sequence[Message]] = []

    def say(messages: Sequence[Message], sampling: Sampling) -> str:
        seen.append(list(messages))
        return serve(messages, sampling)

    run(tmp_path / "journal.jsonl", say, 3)
    first = [messages for messages in seen if len(messages) == 2]
    assert first
    assert not any("bill_1" in messages[0].content or "used_gb" in messages[0].content for messages in first)
    assert not any("replace_sim {" in messages[0].content for messages in first)


def test_a_schema_of_steps_takes_every_call_of_every_tool_and_one_answer() -> None:
    schema = step_schema(TelecomAccount().tools)
    jsonschema.Draft202012Validator.check_schema(schema)
    valid = jsonschema.Draft202012Validator(schema).is_valid
    assert valid({"answer": "Done."})
    assert valid({"call": "change_plan", "arguments": {"line": "line_1", "plan": "basic"}})
    for wrong in (
        {"call": "change_plan", "arguments": {"line": "line_1"}},
        {"call": "change_plan", "arguments": {"line": "line_1", "plan": "huge"}},
        {"call": "list_lines", "arguments": {"line": "line_1"}},
        {"call": "list_lines"},
        {"answer": "Done.", "call": "list_lines", "arguments": {}},
    ):
        assert not valid(wrong)
