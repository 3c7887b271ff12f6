"""ROUGE-L against the textbook's table of longest common subsequences."""

from difflib import SequenceMatcher

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seodang.data.build.novelty import Pool, longest_common, rouge_l

WORDS = st.lists(st.sampled_from("abcde"), max_size=24)


def table(one: list[str], other: list[str]) -> int:
    """The length by the usual recurrence."""
    row = [0] * (len(other) + 1)
    for word in one:
        above = row
        row = [0]
        for place, against in enumerate(other):
            row.append(above[place] + 1 if word == against else max(above[place + 1], row[place]))
    return row[-1]


@given(one=WORDS, other=WORDS)
def test_the_length_is_that_of_the_table(one: list[str], other: list[str]) -> None:
    assert longest_common(one, other) == table(one, other) == longest_common(other, one)
    assert longest_common(one, other) >= sum(
        block.size for block in SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    )


@given(texts=st.lists(WORDS.map(" ".join), max_size=6), text=WORDS.map(" ".join))
def test_the_nearest_of_a_pool_is_the_highest_of_all(texts: list[str], text: str) -> None:
    assert Pool(texts).nearest(text) == pytest.approx(max((rouge_l(text, one) for one in texts), default=0.0))


def test_korean_counts_and_the_measure_is_that_of_the_paper() -> None:
    assert rouge_l("police killed the gunman", "police kill the gunman") == pytest.approx(2 * 2 / 6), "the article is no word here"
    assert rouge_l("요금제를 바꾸고 싶어요", "요금제를 오늘 바꾸고 싶어요") == pytest.approx(6 / 7)
    assert rouge_l("", "a b") == 0.0
