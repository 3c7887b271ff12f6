"""What repeats itself is cut before it does, what did not end is not taught as ended, and what strays is seen."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seodang.distill.modes.guards import Counts, count, guard, strayed
from seodang.models.decoding import Row

END = 99
THRICE = re.compile(r"(.{4,}?)\1\1", re.DOTALL)  # Python's own idea of a passage that stands three times in a row
FEW_LETTERS = st.lists(st.integers(0, 2), max_size=40)
REPEATING = st.tuples(st.lists(st.integers(0, 9), max_size=8), st.lists(st.integers(0, 9), min_size=1, max_size=6), st.integers(1, 12)).map(
    lambda parts: [*parts[0], *parts[1] * parts[2]]
)


def text(ids: list[int]) -> str:
    return "".join(map(chr, (token + 65 for token in ids)))


@given(FEW_LETTERS | REPEATING, st.sampled_from(["stop", "length"]))
def test_what_is_taught_is_a_prefix_that_ends_only_where_it_was_ended(ids: list[int], reason: str) -> None:
    found = guard(Row(ids, reason), END)
    kept = list(found.answer_ids[:-1] if found.ended else found.answer_ids)
    assert kept == ids[: len(kept)]
    assert (found.answer_ids[-1:] == (END,)) == found.ended
    assert found.cut == (len(kept) < len(ids))
    assert found.ended == (reason == "stop" and not found.cut and ids != [])


@given(FEW_LETTERS | REPEATING)
def test_the_first_passage_that_stands_three_times_stays_once(ids: list[int]) -> None:
    match = THRICE.search(text(ids))
    found = guard(Row(ids, "length"), END)
    if match is not None:
        assert found.cut
        assert len(found.answer_ids) == match.start() + len(match[1])
    else:
        assert THRICE.search(text(list(found.answer_ids))) is None


def test_a_short_passage_is_found_by_what_it_makes() -> None:
    """One token 12 times, two tokens six times and three tokens six times are all passages of four and more, three times."""
    assert guard(Row([7, *[1] * 12], "length"), END).answer_ids == (7, 1, 1, 1, 1)
    assert guard(Row([1, 2] * 6, "length"), END).answer_ids == (1, 2, 1, 2)
    assert guard(Row([1, 2, 3] * 6, "length"), END).answer_ids == (1, 2, 3, 1, 2, 3)
    assert not guard(Row([1, 2, 3] * 5, "length"), END).cut  # 15 tokens: too few to be three of four, too few runs to judge


def test_what_says_little_new_is_cut_where_it_begins_to_repeat() -> None:
    """Sentences that come back in another order are no repetition in a row."""
    a, b, c = [1, 2, 3, 4, 5], [6, 7, 8, 9, 10], [11, 12, 13, 14, 15]
    ids = [*a, *b, *c, *b, *a, *c, *a, *b, *c, *b, *c, *a]
    assert THRICE.search(text(ids)) is None
    found = guard(Row(ids, "stop"), END)
    assert found.cut
    assert list(found.answer_ids) == [*a, *b, *c]
    assert not guard(Row(list(range(40)), "stop"), END).cut


def test_an_answer_of_nothing_teaches_nothing() -> None:
    for reason in ("stop", "length"):
        found = guard(Row([], reason), END)
        assert (found.answer_ids, found.ended, found.cut) == ((), False, False)
    assert count(Row([], "stop"), guard(Row([], "stop"), END), 5) == Counts(num=1, num_tokens=1, num_verified_tokens=5, num_replaced=1)


def test_counts_add_up_to_shares() -> None:
    rows = [Row(list(range(9)), "stop"), Row([1] * 13, "length"), Row([], "stop"), Row([3, 4], "length")]
    total = sum((count(row, guard(row, END), 6) for row in rows), Counts())
    # 10 and 1 tokens with their ends, 13 and 2 without; six different runs of four and ten equal ones.
    assert total == Counts(4, 26, 24, 1, 1, 1, 16, 7)
    assert total.told() == {"num": 4, "mean_length": 6.5, "ended": 0.25, "cut": 0.25, "replaced": 0.25, "distinct_4": 0.4375}
    assert Counts(**total.row()) == total


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({}, None),
        ({"num_cut": 5}, None),
        ({"num_cut": 6}, "repeated"),
        ({"num_tokens": 400}, None),
        ({"num_tokens": 401}, "as long as"),
        ({"num_tokens": 25}, None),
        ({"num_tokens": 24}, "1/4 as long"),
    ],
)
def test_answers_stray_by_repetition_and_by_length(changed: dict[str, int], why: str | None) -> None:
    found = strayed(replace(Counts(num=10, num_tokens=100, num_verified_tokens=100), **changed))
    assert found is None if why is None else found is not None and why in found
