"""A lookup is membership in a set, and the scan's first look at runs leaves no finding out."""

import random
from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seodang.data.contamination.index import ExamItem, build_index
from seodang.data.contamination.lookup import Lookup
from seodang.data.contamination.scan import Row, scan
from seodang.data.contamination.streams import GRAM_SIZE, LEAST_RUN, longer
from seodang.data.dedup.shingles import grams, mixed, runs
from similar_texts import WORDS_EN, WORDS_KO, edited

HASHES = st.integers(0, 2**64 - 1)


@settings(deadline=None)
@given(st.sets(HASHES, max_size=40), st.lists(HASHES, max_size=40), st.randoms(use_true_random=False))
def test_what_is_found_is_what_a_set_holds(held: set[int], others: list[int], draw: random.Random) -> None:
    lookup = Lookup.of(np.asarray(sorted(held), np.uint64))
    asked = [*others, *held, *((value + 1) % 2**64 for value in held)]
    draw.shuffle(asked)
    places, numbers = lookup.find(np.asarray(asked, np.uint64))
    assert places.tolist() == [place for place, value in enumerate(asked) if value in held]
    assert lookup.hashes[numbers].tolist() == [asked[place] for place in places.tolist()]


@pytest.mark.parametrize("count", [1_000, 60_000])
def test_of_many_none_is_missed(count: int) -> None:
    values = mixed(np.arange(2 * count, dtype=np.uint64))
    places, _ = Lookup.of(np.sort(values[::2])).find(values)
    assert places.tolist() == list(range(0, 2 * count, 2))


@settings(deadline=None)
@given(st.lists(st.lists(HASHES, min_size=1, max_size=6), min_size=1, max_size=8))
def test_runs_of_any_length_are_equal_where_their_values_are(parts: list[list[int]]) -> None:
    both = [*parts, *parts[::-1]]
    values = np.asarray([value for part in both for value in part], np.uint64)
    found = runs(values, np.cumsum([0, *map(len, both[:-1])])).tolist()
    for one, first in zip(both, found, strict=True):
        for other, second in zip(both, found, strict=True):
            if len(one) == len(other):
                assert (first == second) == (one == other)


@pytest.mark.parametrize(("size", "length"), [(5, 5), (5, 8), (8, 16)])
def test_two_ngrams_tell_a_longer_run_apart(size: int, length: int) -> None:
    draw = random.Random(size + length)
    values = mixed(np.asarray([draw.randrange(3) for _ in range(3_000)], np.uint64))
    found = longer(grams(values, size), size, length)
    told = [tuple(values[place : place + length].tolist()) for place in range(len(values) - length + 1)]
    assert len(found) == len(told)
    assert len(set(zip(told, found.tolist(), strict=True))) == len(set(told)) == len(set(found.tolist()))


def test_the_look_at_runs_leaves_no_shared_wording_out() -> None:
    """Beside a scan that looks closely at every row: exam and rows of the same words, with shared openings, edits and short items. What
    that one finds beyond are n-grams that follow one another in the row and not in the item."""
    draw = random.Random(11)

    def sentence(words: Sequence[str], count: int) -> str:
        return " ".join(draw.choice(words) + draw.choice(words) for _ in range(count))

    opening = sentence(WORDS_KO, 6)
    asked = [sentence(words, draw.randint(4, 40)) for words in (WORDS_KO, WORDS_EN) for _ in range(60)]
    asked += [f"{opening} {sentence(WORDS_KO, 12)}" for _ in range(30)]
    rows = [sentence(words, draw.randint(1, 60)) for words in (WORDS_KO, WORDS_EN) for _ in range(60)]
    rows += [f"{sentence(WORDS_EN, 30)} {edited(draw, item, share)} {sentence(WORDS_KO, 30)}" for item in asked for share in (0.02, 0.1)]
    rows += [item[(start := draw.randrange(len(item) // 2)) : start + 60] for item in asked] + [opening, f"{opening} {opening}"]
    index = build_index([ExamItem(item) for item in asked])
    close = replace(index, tables=tuple(replace(table, runs=((GRAM_SIZE[table.stream], table.grams),)) for table in index.tables))
    quick, slow = (list(scan([Row("", row) for row in rows], one)) for one in (index, close))
    found = missed = 0
    for row, near, all_of_it in zip(rows, quick, slow, strict=True):
        assert all(finding in all_of_it for finding in near)
        found += len(near)
        for finding in all_of_it:
            if finding not in near:
                missed += 1
                assert longest_shared(row, asked[finding.item], finding.unit) < LEAST_RUN[finding.unit]
    assert found > 300
    assert missed < 0.02 * found


def longest_shared(row: str, item: str, unit: str) -> int:
    """The most characters without spaces, or words, that stand in both in a row; by the standard library."""
    one, other = (list(text.replace(" ", "")) if unit == "characters" else text.split() for text in (row, item))
    return SequenceMatcher(None, one, other, autojunk=False).find_longest_match().size
