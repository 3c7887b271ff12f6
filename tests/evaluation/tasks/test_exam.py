"""A closed-book exam credits what is said, with or without an ending, and no denial."""

import re
from collections.abc import Sequence
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
        hedged, corrected = f"I'm not sure, but it is {item.content['accepted'][0]}.", f"It is {item.content['accepted'][0]}, not {{}}."
        assert say(task, item, options, hedged).score == 1, item
        alternatives = [text for text in item.content["wrong"] if deniable(text, [*item.content["wrong"], *item.content["accepted"]])]
        refused = [text for text in alternatives if not say(task, item, options, corrected.format(text)).score]
        assert not refused, (item, refused)


def deniable(text: str, others: Sequence[str]) -> bool:
    """Without a negation of its own, and without another text within it, which would not be denied by itself."""
    return not re.search(r"\b(no|not|none|never|cannot|without)\b|n't", text) and not any(one in text and one != text for one in others)
