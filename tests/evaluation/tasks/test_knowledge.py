"""Choices are ranked or named, and judged as lm-eval judges them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers, lists, text, tuples
from pydantic import ValidationError

from answerers import solve
from seodang.core.errors import ModelError
from seodang.core.progress import Progress
from seodang.evaluation.pairs import pair
from seodang.evaluation.run import Settings, run_task, task_items
from seodang.evaluation.task import Item, Rank
from seodang.evaluation.tasks.knowledge import KnowledgeOptions, task
from seodang.models.chat_model import Completion

ROWS: list[dict[str, Any]] = [
    {
        "question": f"몇 번째인가? {number}",
        "choices": [f"{number}-{place}" for place in range(2 + number % 3)],
        "answer": "AB"[number % 2],
        "subject": f"s{number % 2}",
    }
    for number in range(12)
]


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, ...]:
    path = tmp_path / "own.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    return (str(path),)


def loaded(files: tuple[str, ...], **options: Any) -> tuple[KnowledgeOptions, list[Item]]:
    chosen = KnowledgeOptions(benchmark="file", files=files, **options)
    return chosen, task_items(task, chosen, Path("unused"))


@pytest.mark.parametrize("template", ["plain", "chat"])
@pytest.mark.parametrize("ranked", ["letter", "text"])
@pytest.mark.parametrize("num_fewshot", [0, 2, 5])
def test_the_right_choice_scores_1_and_another_0(files: tuple[str, ...], template: str, ranked: str, num_fewshot: int):
    options, items = loaded(files, template=template, ranked=ranked, num_fewshot=num_fewshot)
    for item in items:
        right = item.content["answer"]

        def prefers(request: Rank, place: int, num_choices: int = len(item.content["choices"])) -> list[float]:
            assert len(request.continuations) == num_choices
            return [-1.0 if at == place else -2.0 for at in range(num_choices)]

        good = solve(task, item, options, lambda request, place=right: prefers(request, place))
        bad = solve(task, item, options, lambda request, place=1 - right: prefers(request, place))
        assert (good.score, bad.score) == (1, 0)
        assert good.confidence == pytest.approx(np.exp(-1) / (np.exp(-1) + np.exp(-2) * (len(item.content["choices"]) - 1)))
        assert good.evidence["margin"] == 1


RATED = lists(tuples(floats(-50, -0.01), text("가a", min_size=1, max_size=5)), min_size=2, max_size=6, unique_by=lambda one: one[1])


@given(RATED, integers(0, 5))
def test_the_three_measures_are_those_of_the_harness(rated: list[tuple[float, str]], answer: int):
    """numpy, as lm-eval's `process_results` writes them."""
    answer %= len(rated)
    choices = [choice for _, choice in rated]
    content = {"question": "q", "choices": choices, "answer": answer, "shots": [], "about": ""}
    judged = solve(task, Item("q", "p", "q", content), KnowledgeOptions(ranked="text"), lambda _: [value for value, _ in rated])
    lls = np.array([value for value, _ in rated])
    lengths = np.array([float(len(choice)) for choice in choices])
    num_bytes = np.array([float(len(choice.encode("utf-8"))) for choice in choices])
    expected = [float(np.argmax(values) == answer) for values in (lls, lls / lengths, lls / num_bytes)]
    assert [judged.evidence[name] for name in ("acc", "acc_norm", "acc_bytes")] == expected
    assert judged.score == expected[0]
    assert judged.confidence == pytest.approx(np.max(np.exp(lls) / np.exp(lls).sum()))


def test_worked_questions_are_others_of_the_subject_and_hold_their_answers(files: tuple[str, ...]):
    options, items = loaded(files, num_fewshot=3)
    for item in items:
        asked: list[Rank] = []
        solve(task, item, options, lambda request, asked=asked: asked.append(request) or [-1.0] * len(request.continuations))
        context = str(asked[0].context)
        shown = [shot["question"] for shot in item.content["shots"]]
        subjects = {row["subject"] for row in ROWS if row["question"] in shown}
        assert len(shown) == 3
        assert item.question not in shown
        assert subjects == {item.content["subject"]}
        assert context.count("정답：") == 4
        assert context.endswith("정답：")


def test_equal_options_give_equal_items_and_another_seed_other_worked_questions(files: tuple[str, ...]):
    first, second, third = (loaded(files, num_fewshot=2, seed=seed)[1] for seed in (0, 0, 1))
    assert first == second
    assert [item.id for item in first] == [item.id for item in third]
    assert first != third


@pytest.mark.parametrize(
    ("reply", "score"), [("{}", 1), ("정답은 ({}) 입니다.", 1), ("", 0), ("A, B, C, D", 0), ("A. x\nB. y", 0), ("모르겠습니다.", 0)]
)
def test_a_named_letter_is_judged_strictly(files: tuple[str, ...], reply: str, score: int):
    options, items = loaded(files, mode="generate")
    for item in items:
        judged = solve(task, item, options, lambda _, item=item: reply.format("AB"[item.content["answer"]]))
        wrong = solve(task, item, options, lambda _, item=item: reply.format("BA"[item.content["answer"]]))
        assert (judged.score, wrong.score) == (score, 0)


class Writer:
    """Writes, and cannot score."""

    name, synthetic, identity = "writer", True, {"kind": "writer"}

    def chat(self, conversations: Any, sampling: Any, num_samples: int = 1) -> list[list[Completion]]:
        return [[Completion("A", "stop", 1, 1)] for _ in conversations]


def test_a_model_that_cannot_score_is_refused_at_once_and_told_what_it_can_do(files: tuple[str, ...], tmp_path: Path):
    options, items = loaded(files)
    with pytest.raises(ModelError, match="mode=generate"):
        run_task(Writer(), task, options, Settings(), items, tmp_path / "out")


def test_an_option_without_a_use_makes_no_other_evaluation(files: tuple[str, ...], tmp_path: Path):
    plain, items = loaded(files, mode="generate")
    found = [
        run_task(Writer(), task, options, Settings(), items, tmp_path / str(number), Progress("knowledge"))
        for number, options in enumerate([plain, loaded(files, mode="generate", template="chat", ranked="text")[0]])
    ]
    assert found[0].manifest["key"] == found[1].manifest["key"]
    assert len(pair(*found).items) == len(items)


def test_only_what_the_others_leave_without_a_use_is_set_aside():
    assert KnowledgeOptions(template="chat", ranked="text", max_new_tokens=8) == KnowledgeOptions(template="chat", ranked="text")
    named = KnowledgeOptions.model_validate({"mode": "generate", "max_new_tokens": 8, "template": "chat", "files": ["x"], "language": "en"})
    assert named == KnowledgeOptions(mode="generate", max_new_tokens=8)
    assert KnowledgeOptions.model_validate(named) == named
    kept = KnowledgeOptions(benchmark="file", files=("x",), language="en", num_fewshot=2, seed=3, limit=5)
    assert (kept.files, kept.language, kept.num_fewshot, kept.seed, kept.limit) == (("x",), "en", 2, 3, 5)


@pytest.mark.parametrize("idle", [{"template": "nonsense"}, {"ranked": 3}, {"templat": "chat"}])
def test_an_option_without_a_use_is_refused_where_it_is_wrong(idle: dict[str, Any]):
    with pytest.raises(ValidationError):
        KnowledgeOptions.model_validate({"mode": "generate", **idle})


def test_the_rate_of_guessing_is_the_mean_over_the_items(files: tuple[str, ...], tmp_path: Path):
    options, items = loaded(files, mode="generate")
    with Progress("knowledge", len(items)) as progress:
        evaluation = run_task(Writer(), task, options, Settings(), items, tmp_path / "out", progress)
    assert evaluation.manifest["summary"]["chance"] == pytest.approx(np.mean([1 / len(row["choices"]) for row in ROWS]))


@pytest.mark.network
@pytest.mark.parametrize("benchmark", ["kmmlu", "mmlu"])
def test_every_item_of_the_wheel_accepts_its_own_answer(benchmark: Any, tmp_path_factory: pytest.TempPathFactory):
    options = KnowledgeOptions(benchmark=benchmark, mode="generate", num_fewshot=5)
    for item in task_items(task, options, tmp_path_factory.getbasetemp() / "store"):
        assert solve(task, item, options, lambda _, item=item: "ABCDE"[item.content["answer"]]).score == 1
        assert 3 <= len(item.content["shots"]) <= 4
