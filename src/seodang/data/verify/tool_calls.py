"""Tool calls are the right ones: by schema and allowed values or, where there is an environment, by the state that they lead to."""

from collections.abc import Mapping, Sequence
from typing import Any

from seodang.core.errors import InputError
from seodang.core.records import Record, Verdict
from seodang.data.verify.context import CheckContext, broken, failed, passed, undecided
from seodang.scoring.tool_call import ToolCall
from seodang.scoring.tool_call_json import calls_said, from_openai
from seodang.scoring.tool_state import Played, compare, differing, open_environment, play
from seodang.scoring.tool_truth import Expected, find_call_fault, match_calls, read_expected, read_tools

VERSION = 2
CERTIFIES = True
PER_RECORD = True
READS: tuple[str, ...] = ()
NUMBERS = ("num_calls", "num_changes")


def tool_calls(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """Reads the calls from the `tool_calls` of the record's turns, or from an answer that consists of calls, and holds them against
    `truth`:

    - `tools`: OpenAI's list of tools. Each call names one of them, with arguments of its types, all that are required and no others.
    - `calls`: the right calls, each with `arguments` or with a `schema` of right arguments. In any order, unless `ordered` is true; an
      argument that is left out has its `default`. An empty list: there must be no call.
    - `environment` (`package.module:Class`) with `initial_state`, and `calls` (for each turn of the user a list of calls, or one list for
      all) or `end_state`: the calls are carried out, and the state after each turn is compared, and what had to be read.
    """
    return [_check(record, context) for record in records]


def _check(record: Record, context: CheckContext) -> Verdict:
    if "calls" not in record.truth and "end_state" not in record.truth:
        return undecided(record, "tool_calls", reason="the record does not say which calls are right")
    try:
        tools = read_tools(record.truth.get("tools"))
        expected = read_expected(record.truth)
    except InputError as error:
        return broken(record, "tool_calls", reason=error.what)
    try:
        turns = calls_of(record)
    except ValueError as error:
        return failed(record, "tool_calls", reason="calls that cannot be read", detail=str(error))
    try:
        for call in (call for turn in turns for call in turn):
            if tools is not None and (fault := find_call_fault(call, tools)):
                return failed(record, "tool_calls", reason="a call that its tool does not take", call=call.name, detail=fault)
        if "environment" in record.truth:
            return _by_state(record, context, turns, expected)
        return _by_value(record, [call for turn in turns for call in turn], expected, tools or {})
    except InputError as error:
        return broken(record, "tool_calls", reason=error.what)


def calls_of(record: Record) -> list[list[ToolCall]]:
    """The assistant's calls in each turn of the user, at least one turn. ValueError where a message's calls cannot be read.

    An answer counts as calls where it consists of nothing else; one that begins like calls and cannot be read is a fault.
    """
    turns: list[list[ToolCall]] = []
    for message in record.turns:
        if message.get("role") == "user":
            turns.append([])
        elif message.get("role") == "assistant":
            turns = turns or [[]]
            if message.get("tool_calls"):
                turns[-1] += from_openai(message["tool_calls"])
            elif isinstance(message.get("content"), str):
                turns[-1] += calls_said(message["content"])
    if record.question and not record.turns:
        turns.append([])
    turns = turns or [[]]
    turns[-1] += calls_said(record.answer)
    return turns


def _by_value(record: Record, calls: Sequence[ToolCall], expected: Sequence[Sequence[Expected]], tools: Mapping[str, Any]) -> Verdict:
    wanted = [one for turn in expected for one in turn]
    if len(calls) != len(wanted):
        told = {"found": [call.name for call in calls], "needed": [one.name for one in wanted]}
        return failed(record, "tool_calls", reason="another number of calls", **told)
    unmatched = match_calls(calls, wanted, tools, ordered=record.truth.get("ordered") is True)
    if unmatched:
        call = unmatched[0]
        return failed(record, "tool_calls", reason="not a right call", call=call.name, arguments=call.arguments)
    return passed(record, "tool_calls", num_calls=len(calls))


def _by_state(record: Record, context: CheckContext, turns: list[list[ToolCall]], expected: Sequence[Sequence[Expected]]) -> Verdict:
    name, initial = str(record.truth["environment"]), record.truth.get("initial_state", {})
    allowed = context.section.tool_environments
    if len(expected) != len(turns):
        turns = [[call for turn in turns for call in turn]]
        expected = [[one for turn in expected for one in turn]]
    found = play(open_environment(name, allowed), initial, turns)
    if "calls" in record.truth:
        reference = play(open_environment(name, allowed), initial, [[one.call() for one in turn] for turn in expected])
        if (difference := compare(found, reference)) is not None:
            told = {"turn": difference.turn, "detail": difference.detail}
            return failed(record, "tool_calls", reason=difference.what, **told)
    if "end_state" in record.truth and (unlike := differing(found.states[-1], record.truth["end_state"])) is not None:
        return failed(record, "tool_calls", reason="another state", turn=len(turns), detail=unlike)
    return passed(record, "tool_calls", **_counts(found))


def _counts(played: Played) -> dict[str, int]:
    steps = [step for turn in played.steps for step in turn]
    return {"num_calls": len(steps), "num_changes": sum(step.changed for step in steps)}
