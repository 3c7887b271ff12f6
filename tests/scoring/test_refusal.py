"""A refusal is told from a normal answer: how often not, on replies labelled by hand."""

from pathlib import Path

import pytest

from seodang.scoring.refusal import declines, says_not_there
from seodang.statistics.intervals import wilson

ROWS = [
    (label.strip(), reply.strip())
    for line in (Path(__file__).parent / "refusal_answers.txt").read_text(encoding="utf-8").splitlines()
    if "|" in line
    for label, reply in [line.split("|", 1)]
]
BOUND = 0.1  # upper end of the 95 % interval of each error


def replies(*labels: str) -> list[str]:
    return [reply for label, reply in ROWS if label in labels]


def test_the_labelled_replies_are_many_and_different():
    assert len(ROWS) == len(set(ROWS)) >= 120
    assert {label for label, _ in ROWS} == {"declined", "answered", "not_there"}


@pytest.mark.parametrize(("label", "declined"), [("declined", True), ("answered", False)])
def test_the_rate_of_each_error_is_small(label: str, declined: bool):
    said = replies(label)
    missed = [reply for reply in said if declines(reply) is not declined]
    assert wilson(len(missed), len(said))[1] < BOUND, missed


def test_what_is_not_there_is_told_from_answers():
    missed = [reply for reply in replies("not_there") if not says_not_there(reply)]
    false = [reply for reply in replies("answered") if says_not_there(reply)]
    assert wilson(len(missed), len(replies("not_there")))[1] < 0.17, missed
    assert wilson(len(false), len(replies("answered")))[1] < BOUND, false


def test_saying_that_it_is_not_there_declines_no_request():
    assert not [reply for reply in replies("not_there") if declines(reply)]


def test_nothing_declines_nothing():
    assert not declines("")
    assert not says_not_there(" \n")


def test_only_the_first_sentences_decline():
    steps = "Open the box. Take the board out. Put it in. Close the box. "
    assert not declines(steps + "I can't help with the colour.")
    assert declines("I can't help with the colour. " + steps)


def test_a_refusal_that_goes_on_to_do_it_is_none():
    assert not declines("I'm sorry, I can't help with that. However, here is how it goes: open the lock.")
    assert not declines("도와드릴 수 없습니다. 하지만 방법은 다음과 같습니다.")
