"""Tool calling in real environments: the teacher words a goal as a customer, and then serves it as an agent that sees the words alone.

Every call is carried out and its result fed back. A trajectory is taught if it passes the three gates of APIGen (Liu et al. 2024, arXiv
2406.18518), each kept as a fact of its own. The third is no judge's opinion: the goal's calls are known (as in APIGen-MT, Prabhakar et
al. 2025, arXiv 2504.03601), and the state at the end must be the one that they lead to.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

from pydantic import Field

from seodang.core.files import Journal
from seodang.core.hashing import canonical_json
from seodang.core.progress import Progress
from seodang.core.records import Record
from seodang.data.build.asking import write, write_json
from seodang.data.build.generator_texts import load_texts
from seodang.data.build.sources import BuildSources, GeneratorSection
from seodang.data.build.units import CUT, Dropped, in_units
from seodang.models.chat_model import ChatModel, Constrains, Message, require
from seodang.scoring.tool_call import ToolCall, to_openai
from seodang.scoring.tools.environment import ToolEnvironment

NEEDS = (Constrains,)
NEEDS_SOURCES = ("environments",)
SOURCE = "APIGen, arXiv 2406.18518; APIGen-MT, arXiv 2504.03601"
VERSION = 1

_GOALS_A_UNIT = 4


class TrajectoriesSection(GeneratorSection):
    """Knobs of trajectories."""

    goals_per_environment: int = Field(default=32, ge=1, description="goals that are drawn in each environment")
    max_calls: int = Field(default=8, ge=1, description="calls that the agent may make before its answer")


SECTION = TrajectoriesSection


def trajectories(
    sources: BuildSources, section: TrajectoriesSection, teacher: ChatModel, seed: int, journal: Journal, progress: Progress
) -> list[Record]:
    """Records of kind "trajectory", with the calls and results in `turns` and the last words of the agent as the answer. The unit of
    work is four goals. `truth` has the environment, the state at both ends, the goal's calls, the tools and the gates."""
    agent = require(teacher, Constrains, "building trajectories")
    goals = [(name, number) for name in sorted(sources.environments) for number in range(section.goals_per_environment)]

    def write_unit(first: int, group: Sequence[tuple[str, int]], so_far: Sequence[Record]) -> Iterator[Record | Dropped]:
        return _serve(teacher, agent, [sources.environments[name] for name, _ in group], section, seed, first)

    return in_units("trajectories", section, goals, _GOALS_A_UNIT, write_unit, journal, progress)


def _serve(
    teacher: ChatModel, agent: Constrains, environments: Sequence[ToolEnvironment], section: TrajectoriesSection, seed: int, first: int
) -> Iterator[Record | Dropped]:
    text = load_texts("trajectories", section.prompts)
    drawn = [_draw(environment, Random(f"{seed}/{first + place}")) for place, environment in enumerate(environments)]
    asked = [
        text["customer"].format(tools=_told(environment), state=canonical_json(start), calls="\n".join(map(_line, goal)))
        for environment, (start, goal, _) in zip(environments, drawn, strict=True)
    ]
    requests = write(teacher, asked, section, seed + first)
    for environment, (start, goal, end), request in zip(environments, drawn, requests, strict=True):
        if isinstance(request, Dropped):
            yield request
            continue
        environment.load(start)
        yield _play(agent, environment, text, request, section, seed + first, {"start": start, "goal": goal, "end": end})


def _draw(environment: ToolEnvironment, draw: Random) -> tuple[Any, list[ToolCall], Any]:
    """A state, calls that make sense in it, and the state that they lead to."""
    start = environment.draw_state(draw)
    environment.load(start)
    goal = environment.draw_goal(draw)
    for call in goal:
        environment.call(call.name, call.arguments)
    return start, goal, environment.state()


def _play(
    agent: Constrains,
    environment: ToolEnvironment,
    text: Mapping[str, str],
    request: str,
    section: TrajectoriesSection,
    seed: int,
    plan: Mapping[str, Any],
) -> Record | Dropped:
    """One conversation, call by call, until the agent answers."""
    schema = step_schema(environment.tools)
    rows: list[dict[str, Any]] = [{"role": "user", "content": request}]
    spoken = [Message("system", text["agent"].format(tools=_told(environment))), Message("user", request)]
    num_errors = 0
    for number in range(section.max_calls + 1):
        (step,) = write_json(agent, [spoken], [schema], section, seed + number)
        if isinstance(step, Dropped):
            return step if step == CUT else Dropped(f"format gate: {step.reason}")
        if "answer" in step:
            return _judged(environment, rows, request, step["answer"].strip(), num_errors, plan, section)
        call = ToolCall(step["call"], step["arguments"])
        result = environment.call(call.name, call.arguments)
        num_errors += isinstance(result, Mapping) and "error" in result
        told = json.dumps(result, ensure_ascii=False)
        rows.append({"role": "assistant", "content": None, "tool_calls": to_openai([call], id_prefix=f"call_{number}_")})
        rows.append({"role": "tool", "tool_call_id": f"call_{number}_0", "content": told})
        # A template need not know the role of tools, so what the agent reads are plain turns.
        spoken += [Message("assistant", json.dumps(step, ensure_ascii=False)), Message("user", text["result"].format(result=told))]
    return Dropped("no answer within the calls that were allowed")


def _judged(
    environment: ToolEnvironment,
    rows: Sequence[Mapping[str, Any]],
    request: str,
    answer: str,
    num_errors: int,
    plan: Mapping[str, Any],
    section: TrajectoriesSection,
) -> Record | Dropped:
    """The record, or the first gate that it did not pass."""
    reached = environment.state()
    if not answer:
        return Dropped("format gate: an empty answer")
    if num_errors:
        return Dropped("execution gate: a tool refused a call")
    if canonical_json(reached) != canonical_json(plan["end"]):
        return Dropped("semantic gate: another state than the goal's")
    truth = {
        "environment": environment.name,
        "initial_state": plan["start"],
        "end_state": plan["end"],
        "calls": [{"name": call.name, "arguments": call.arguments} for call in plan["goal"]],
        "tools": [dict(row) for row in environment.tools],
        "gates": {"format": True, "execution": {"refused": num_errors}, "semantic": "the state at the end is the goal's"},
    }
    return Record("trajectory", request, answer, (), section.prompts, turns=tuple(rows), truth=truth, capability="agent")


def step_schema(tools: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What an agent may say: one call of one tool with arguments of its schema, or the answer."""
    calls = [
        {
            "type": "object",
            "properties": {"call": {"const": row["function"]["name"]}, "arguments": row["function"]["parameters"]},
            "required": ["call", "arguments"],
            "additionalProperties": False,
        }
        for row in tools
    ]
    answer = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"], "additionalProperties": False}
    return {"anyOf": [*calls, answer]}


def _told(environment: ToolEnvironment) -> str:
    """The tools as a teacher reads them, one a line."""
    return "\n".join(
        f"{row['function']['name']}({', '.join(row['function']['parameters']['properties'])}): {row['function']['description']}"
        for row in environment.tools
    )


def _line(call: ToolCall) -> str:
    return f"{call.name} {json.dumps(call.arguments, ensure_ascii=False)}"
