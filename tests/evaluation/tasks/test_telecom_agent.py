"""τ²-bench's telecom tasks with a scripted customer: those who do what each task needs score 1, those who only talk score 0.

What is judged here is held against the benchmark's own evaluator, which replays the calls.
"""

import importlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from oracles.answering import put, replayed
from oracles.experts import FIXES, call, expert, listing
from oracles.tau2 import Evaluator, Made
from oracles.wheels import packed
from seodang.core.errors import InputError
from seodang.evaluation.task import Ask, Item
from seodang.evaluation.tasks.telecom_agent import TelecomOptions, load, task
from seodang.evaluation.telecom.customer import Customer
from seodang.evaluation.telecom.domain import World, domain_of
from seodang.models.chat_model import Message

MODULE = importlib.import_module("seodang.evaluation.tasks.telecom_agent")
FOLDERS = ("tau2/__init__", "tau2/config", "tau2/data/tau2/domains/telecom/", "tau2/data_model/", "tau2/domains/", "tau2/e", "tau2/utils/")
OPTIONS = TelecomOptions()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MODULE, "PACKAGE", packed(MODULE.PACKAGE, folder, FOLDERS))
        yield folder


@pytest.fixture(scope="module")
def items(store: Path) -> Sequence[Item]:
    return load(OPTIONS, store)


@pytest.fixture
def world(items: Sequence[Item]) -> World:
    item = next(item for item in items if item.part == "mobile_data_issue" and "roaming_enabled_off" in item.id)
    return domain_of(MODULE.PACKAGE.known_wheel).open_world(item.content["initialization"], solo=False)


@pytest.mark.parametrize("in_words", [False, True])
def test_an_agent_that_does_what_a_task_needs_scores_one(items: Sequence[Item], in_words: bool) -> None:
    for item in items[::5]:
        found = put(task, item, OPTIONS, expert(item, in_words=in_words))
        assert (item.id, found.score, dict(found.evidence)["failed"]) == (item.id, 1, [])


def test_alone_with_a_ticket_the_same_actions_score_one(store: Path) -> None:
    options = TelecomOptions(solo=True)
    for item in load(options, store)[::9]:
        assert (item.id, put(task, item, options, expert(item, solo=True)).score) == (item.id, 1)
        assert put(task, item, options, lambda _: "All done.").score == 0


@pytest.mark.parametrize("answer", ["", "Hello! How can I help you?", "It is solved now, goodbye.", "[no_such_tool()]", "<tool_call>"])
def test_an_agent_that_only_talks_scores_nothing(items: Sequence[Item], answer: str) -> None:
    for item in items[::7]:
        assert (item.id, put(task, item, TelecomOptions(max_steps=20), lambda _: answer).score) == (item.id, 0)


def test_transferring_everybody_scores_one_only_where_nothing_else_is_left(items: Sequence[Item]) -> None:
    right = [item.id for item in items if put(task, item, OPTIONS, lambda _: call("transfer_to_human_agents", {"summary": "x"})).score]
    assert right == [item.id for item in items if "ACTION" in item.content["criteria"]["reward_basis"]]
    assert len(right) == 20, "of 114: what the task's documentation says"


def test_a_fixed_list_of_fixes_gets_what_is_declared(items: Sequence[Item]) -> None:
    assert task.item_chance is not None
    got = {item.id: put(task, item, OPTIONS, listing(FIXES)).score for item in items}
    assert got == {item.id: task.item_chance(item) for item in items}
    assert sum(got.values()) == 43, "of 114: what the task's documentation says"


def test_one_message_with_every_fix_is_not_carried_out(items: Sequence[Item]) -> None:
    """The benchmark's own users do one thing at a time."""
    got = {item.id: put(task, item, OPTIONS, listing(["\n".join(FIXES)])).score for item in items if "[mms_issue]" in item.id}
    assert sum(got.values()) == 0


def test_the_customer_does_the_first_of_several_things(world: World, items: Sequence[Item]) -> None:
    customer = Customer(items[0].content["instructions"], "mms_issue", world)
    before = world.phone.wifi_calling_enabled
    said = customer.answer("Please turn on data roaming. Then toggle Wi-Fi calling.")
    assert "Data Roaming is now ON" in said
    assert "one thing at a time" in said
    assert world.phone.wifi_calling_enabled == before


def test_leaving_out_one_action_scores_nothing(items: Sequence[Item]) -> None:
    """Those tasks of which each action is needed; of others one may be enough."""
    tried = 0
    for item in items[::6]:
        actions = item.content["criteria"]["actions"]
        if len(actions) < 2 or "transfer_to_human_agents" in [action["name"] for action in actions]:
            continue
        fewer = {**item.content, "criteria": {**item.content["criteria"], "actions": actions[1:]}}
        found = put(task, Item(item.id, item.part, item.question, fewer, item.group), OPTIONS, expert(Item("x", "x", "x", fewer)))
        tried += 1
        assert (item.id, found.score) == (item.id, 0)
    assert tried > 5


def test_the_benchmarks_own_evaluator_says_the_same(items: Sequence[Item], monkeypatch: pytest.MonkeyPatch) -> None:
    evaluator, carry_out = Evaluator(MODULE.PACKAGE.known_wheel), World.call
    made: list[Made] = []

    def record(self: World, name: str, arguments: Mapping[str, Any], requestor: str = "assistant") -> Any:
        answered = carry_out(self, name, arguments, requestor)
        made.append((name, arguments, requestor, answered))
        return answered

    monkeypatch.setattr(World, "call", record)
    scores: list[float] = []
    for number, item in enumerate(items[::8]):
        made.clear()
        agent = expert(item)
        lazy = iter([agent, agent])
        say = agent if number % 2 else (lambda messages, lazy=lazy: next(lazy, lambda _: "Goodbye.")(messages))
        found = put(task, item, OPTIONS, say)
        scores.append(found.score)
        assert (item.id, found.score) == (item.id, evaluator.reward(item.id, made))
    assert {0.0, 1.0} == set(scores)


def test_the_customer_answers_from_what_they_know(items: Sequence[Item], world: World) -> None:
    item = next(item for item in items if item.part == "mobile_data_issue" and "abroad" in item.id)
    customer = Customer(item.content["instructions"], item.part, world)
    assert "My mobile data is not working" in customer.opening()
    assert "555-123-2002" in customer.answer("May I have your phone number, please?")
    assert "John Smith" in customer.answer("What is your name?")
    assert "abroad in France" in customer.answer("Are you travelling?")
    assert "2.0 GB" in customer.answer("Would you like to refuel some data?")
    assert "do not want to change my mobile data plan" in customer.answer("Shall I change your plan?")
    assert "go ahead" in customer.answer("Shall I proceed?")
    assert "not sure" in customer.answer("Blue, mostly.")


def test_the_customer_does_nothing_that_was_not_asked(world: World, items: Sequence[Item]) -> None:
    customer = Customer(items[0].content["instructions"], "mobile_data_issue", world)
    before = world.phone.model_dump()
    for text in ("Hello!", "I have enabled roaming.", "Do not reboot your phone.", "What does the status bar show?", "Is it solved?"):
        customer.answer(text)
    assert world.phone.model_dump() == before
    assert "Data Roaming is now ON" in customer.answer("Please turn on data roaming.")
    assert "already on" in Customer(items[0].content["instructions"], "mms_issue", world).answer("Please enable data roaming.")


def test_a_tool_of_the_phone_is_not_the_agents(world: World) -> None:
    before = world.phone.model_dump()
    assert "not found" in world.call("toggle_roaming", {})
    assert world.phone.model_dump() == before
    assert "toggle_roaming" not in [tool["name"] for tool in domain_of(MODULE.PACKAGE.known_wheel).tools(solo=False)]


def test_equal_replies_give_equal_requests_whatever_else_goes_on(items: Sequence[Item]) -> None:
    refuel = {"customer_id": "C1001", "line_id": "L1002", "gb_amount": 2.0}
    texts = [call("refuel_data", refuel), call("get_bills_for_customer", {"customer_id": "C1001"}), "Please run a speed test."]
    first = replayed(task, items[0], OPTIONS, texts)
    put(task, items[1], OPTIONS, expert(items[1]))
    assert replayed(task, items[0], OPTIONS, texts) == first
    assert isinstance(first[-1], Ask)
    assert [message.role for message in first[-1].messages] == ["system", "user", *["assistant", "tool"] * 2, "assistant", "user"]


def test_steps_have_a_limit(items: Sequence[Item]) -> None:
    found = put(task, items[0], TelecomOptions(max_steps=4), lambda _: call("get_details_by_id", {"id": "L1002"}))
    assert (found.score, found.evidence["steps"]) == (0, 4)


def test_the_policy_and_the_tools_are_told(items: Sequence[Item]) -> None:
    (asked,) = replayed(task, items[0], OPTIONS, [])
    assert isinstance(asked, Ask)
    told: Message = asked.messages[0]
    assert "# Telecom Agent Policy" in told.content
    assert "# Introduction" in told.content
    (line,) = [line for line in told.content.splitlines() if line.startswith('{"name": "refuel_data"')]
    schema = json.loads(line)["parameters"]
    assert schema["properties"]["gb_amount"]["type"] == "number"
    assert schema["properties"]["gb_amount"]["description"] == "Amount of data to add in gigabytes."
    assert schema["required"] == ["customer_id", "line_id", "gb_amount"]


def test_the_splits_have_the_benchmarks_sizes_and_clusters_are_scenarios(store: Path, items: Sequence[Item]) -> None:
    assert load(OPTIONS, store) == items
    sizes = {split: len(load(TelecomOptions(split=split), store)) for split in ("small", "base", "train", "test")}
    assert sizes == {"small": 20, "base": 114, "train": 74, "test": 40}
    assert len({item.id for item in items}) == 114
    assert {item.part for item in items} == {"mobile_data_issue", "service_issue", "mms_issue"}
    assert all(item.group.startswith(f"[{item.part}]") and "PERSONA" not in item.group for item in items)


def test_a_task_that_is_judged_otherwise_is_refused(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "_BASES", frozenset({"ACTION"}))
    with pytest.raises(InputError, match="judged in a way"):
        load(TelecomOptions(split="small"), store)


def test_no_module_of_the_package_is_left_behind(items: Sequence[Item]) -> None:
    before = set(sys.modules)
    put(task, items[0], OPTIONS, expert(items[0]))
    assert not [name for name in set(sys.modules) - before if name.split(".")[0] in ("tau2", "loguru", "toml", "addict", "deepdiff")]
