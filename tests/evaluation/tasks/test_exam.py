"""A closed-book exam credits what is said, with or without an ending, and no denial."""

from pathlib import Path

import pytest

from evaluation.played import say
from seodang.evaluation.task import Item
from seodang.evaluation.tasks.exam import ExamOptions, load, task

PACKS = Path(__file__).parents[3] / "packs"


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("서울", 1),
        ("정답은 서울입니다.", 1),
        ("서울이에요", 1),
        ("서울이 아닙니다", 0),
        ("It is not 서울.", 0),
        ("서울 또는 부산입니다", 0),
    ],
)
def test_an_answer_is_credited_with_its_ending_and_not_its_denial(text: str, score: float):
    item = Item("a", "know", "수도는?", {"accepted": ("서울",), "wrong": ("부산",)}, language="ko")
    assert say(task, item, ExamOptions(), text).score == score


@pytest.mark.parametrize("pack", ["telecom", "general"])
def test_every_accepted_text_of_the_packs_is_right_and_every_wrong_one_is_not(pack: str):
    options = ExamOptions(files=(str(PACKS / pack),))
    for item in load(options, Path()):
        told = [say(task, item, options, text).score for text in item.content["accepted"]]
        assert told == [1] * len(told), item
        assert not any(say(task, item, options, text).score for text in item.content["wrong"]), item
