"""BFCL as a task: its right calls score 1 in both forms, calls with a fault score 0, and a tool is there only once it was given."""

import importlib
import json
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

from oracles import bfcl
from oracles.answering import put, replayed
from oracles.bfcl_corruptions import accepted_by_benchmark, corrupted
from oracles.experts import saying, written
from oracles.wheels import packed
from seodang.core.errors import InputError
from seodang.evaluation.calling import plain_name
from seodang.evaluation.task import Ask, Item
from seodang.evaluation.tasks.tool_calls import ToolCallOptions, load, task
from seodang.models.chat_model import Message
from seodang.scoring.tool_call import ToolCall

MODULE = importlib.import_module("seodang.evaluation.tasks.tool_calls")
FOLDERS = ("bfcl_eval/__init__", "bfcl_eval/data/BFCL", "bfcl_eval/data/possible", "bfcl_eval/data/multi_turn", "bfcl_eval/eval_checker/")
ONE_TURN = ("simple_python", "multiple", "parallel", "live_parallel_multiple", "irrelevance")
SEVERAL = ("multi_turn_base", "multi_turn_miss_func", "multi_turn_miss_param")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MODULE, "PACKAGE", packed(MODULE.PACKAGE, folder, FOLDERS))
        yield folder


@cache
def known(category: str) -> dict[str, bfcl.Task]:
    return {entry.id: entry for entry in bfcl.all_tasks((category,))}


def some(store: Path, category: str, step: int) -> list[tuple[Item, bfcl.Task]]:
    items = load(ToolCallOptions(categories=(category,)), store)
    return [(item, known(category)[item.id]) for item in items[::step]]


@pytest.mark.parametrize("marked", [False, True])
@pytest.mark.parametrize("category", ONE_TURN)
def test_right_calls_of_one_turn_score_one(store: Path, category: str, marked: bool) -> None:
    for item, entry in some(store, category, 25):
        found = put(task, item, ToolCallOptions(), saying(entry.right, marked=marked))
        assert (item.id, found.score, dict(found.evidence)) == (item.id, 1, {})


@pytest.mark.parametrize("category", SEVERAL)
def test_right_calls_of_several_turns_score_one(store: Path, category: str) -> None:
    for item, entry in some(store, category, 40):
        assert (item.id, put(task, item, ToolCallOptions(), saying(entry.right)).score) == (item.id, 1)


@pytest.mark.parametrize("category", ONE_TURN)
def test_calls_of_one_turn_with_a_fault_score_nothing(store: Path, category: str) -> None:
    for item, entry in some(store, category, 25):
        for kind, calls in corrupted(entry, seed=3):
            assert (item.id, kind, put(task, item, ToolCallOptions(), saying(calls, marked=True)).score) == (item.id, kind, 0)


@pytest.mark.parametrize("category", ["multi_turn_base", "multi_turn_miss_param"])
def test_calls_of_several_turns_with_a_fault_score_nothing(store: Path, category: str) -> None:
    """What the benchmark's own checker of end states rejects is rejected here."""
    tried = 0
    for item, entry in some(store, category, 50):
        for kind, calls in corrupted(entry, seed=4):
            if not accepted_by_benchmark(entry, calls, f"task {item.id} {kind}"):
                tried += 1
                assert (item.id, kind, put(task, item, ToolCallOptions(), saying(calls, marked=True)).score) == (item.id, kind, 0)
    assert tried > 10


@pytest.mark.parametrize("answer", ["", "   ", '<tool_call>{"name": "a"', '{"name": "triangle_area", "arguments": ', "What do you mean?"])
def test_an_answer_without_calls_scores_nothing_where_calls_are_right(store: Path, answer: str) -> None:
    for category in ("simple_python", "multi_turn_base"):
        for item, _ in some(store, category, 150):
            assert put(task, item, ToolCallOptions(), lambda _: answer).score == 0


@pytest.mark.parametrize(
    ("answer", "score"), [("", 0), ("No tool can do this.", 1), ("[]", 1), ("[nothing()]", 0), ("Well: [nothing()]", 0)]
)
def test_where_no_tool_helps_words_are_right(store: Path, answer: str, score: int) -> None:
    for item, _ in some(store, "irrelevance", 60):
        assert put(task, item, ToolCallOptions(), lambda _: answer).score == score


@pytest.mark.parametrize(
    "form", ["{}(a=1)", "```python\n{}(a=1)\n```", "[{}(a=1)", "Let me see.\n{}(1)", '```json\n{{"name": "{}", "arg', '{{\n "name": "{}"']
)
def test_a_call_in_a_form_that_is_not_read_is_not_words(store: Path, form: str) -> None:
    for item, entry in some(store, "irrelevance", 8):
        name = entry.tools[0]["function"]["name"]
        for text in (form.format(name), form.format(name.replace(".", "_"))):
            assert (item.id, put(task, item, ToolCallOptions(), lambda _, text=text: text).score) == (item.id, 0)
        spoken = f"I cannot do that: `{name}(x)` is for something else."
        assert put(task, item, ToolCallOptions(), lambda _, spoken=spoken: spoken).score == 1


@pytest.mark.parametrize("marked", [False, True])
def test_arguments_with_letters_of_any_script_are_called_in_both_forms(store: Path, marked: bool) -> None:
    ((item, entry),) = [row for row in some(store, "live_simple", 1) if row[0].id == "live_simple_67-31-0"]
    assert not all(name.isascii() for name in entry.right[0][0].arguments)
    assert put(task, item, ToolCallOptions(), saying(entry.right, marked=marked)).score == 1


def test_whoever_never_calls_gets_what_is_declared(store: Path) -> None:
    for category in ONE_TURN:
        for item, _ in some(store, category, 80):
            assert task.item_chance is not None
            assert put(task, item, ToolCallOptions(), lambda _: "No tool can do this.").score == task.item_chance(item)


def test_every_tool_called_at_once_scores_nothing(store: Path) -> None:
    for item, entry in some(store, "multiple", 40):
        everything = [ToolCall(tool["function"]["name"], dict(entry.right[0][0].arguments)) for tool in entry.tools]
        assert put(task, item, ToolCallOptions(), lambda _, calls=everything: written(calls)).score == 0


def test_a_tool_that_was_not_given_yet_is_not_there(store: Path) -> None:
    item, entry = next(row for row in some(store, "multi_turn_miss_func", 1) if row[1].withheld)
    ((turn, names),) = entry.withheld
    first, *_ = replayed(task, item, ToolCallOptions(), [])
    assert isinstance(first, Ask)
    assert all(f'"name": "{name}"' not in first.messages[0].content for name in names)
    too_early = [list(calls) for calls in entry.right]
    too_early[turn - 1] = too_early[turn]
    seen: list[str] = []

    def say(messages: Sequence[Message]) -> str:
        seen.append(messages[-1].content)
        return saying(too_early)(messages)

    assert put(task, item, ToolCallOptions(), say).score == 1, "what is not there changes nothing, and the right calls follow"
    assert f"no tool {names[0]}" in "".join(seen)


@pytest.mark.parametrize("name", ["multi_turn_base_147", "multi_turn_miss_func_49"])
def test_right_calls_score_one_where_a_tool_keeps_its_arguments_and_where_one_is_used_before_it_is_given(store: Path, name: str) -> None:
    ((item, entry),) = [row for row in some(store, name.rsplit("_", 1)[0], 1) if row[0].id == name]
    assert put(task, item, ToolCallOptions(), saying(entry.right)).score == 1


def test_results_come_back_and_steps_have_a_limit(store: Path) -> None:
    ((item, entry),) = some(store, "multi_turn_base", 1_000)
    asked = replayed(task, item, ToolCallOptions(), [written(entry.right[0])])
    assert isinstance(asked[1], Ask)
    assert [message.role for message in asked[1].messages] == ["system", "user", "assistant", "tool"]
    assert len(json.loads(asked[1].messages[-1].content)) == len(entry.right[0])
    found = put(task, item, ToolCallOptions(max_steps=3), lambda _: "[ls()]")
    assert (found.score, found.evidence["steps"]) == (0, 3)


def test_equal_options_give_equal_items_with_ids_of_their_own(store: Path) -> None:
    options = ToolCallOptions(categories=(*ONE_TURN, *SEVERAL, "live_simple"))
    items = load(options, store)
    assert items == load(options, store)
    assert len({item.id for item in items}) == len(items)
    assert {item.part for item in items} == set(options.categories)
    variants = {item.group for item in items if item.part.startswith("multi_turn")}
    assert len(variants) == 200, "a conversation and its variants are one cluster"
    with pytest.raises(InputError, match="no category `simple`"):
        load(ToolCallOptions(categories=("simple",)), store)


def test_the_tool_classes_are_those_of_the_wheel_and_leave_no_module_behind(store: Path) -> None:
    before = {name for name in sys.modules if name.startswith("bfcl_eval")}
    ((item, entry),) = some(store, "multi_turn_base", 1_000)
    assert put(task, item, ToolCallOptions(), saying(entry.right)).score == 1
    assert {name for name in sys.modules if name.startswith("bfcl_eval")} - before == set()


def test_tools_of_any_script_keep_their_names() -> None:
    assert [plain_name(name) for name in ("도구", "날씨.조회", "math.factorial")] == ["도구", "날씨_조회", "math_factorial"]
