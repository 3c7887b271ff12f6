"""Sets of shingles are those of Python's strings, and signatures estimate their similarity."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seodang.data.dedup.jaccard import jaccard
from seodang.data.dedup.minhash import NUM_BINS, signatures
from seodang.data.dedup.shingles import grams, inside, mixed, shingle_sets
from similar_texts import corpus, edited, shingles, similarity, written

TEXTS = st.lists(st.text("ab 가나다", max_size=40), min_size=1, max_size=6)


@settings(deadline=None)
@given(TEXTS, st.integers(1, 7))
def test_sizes_and_similarities_are_those_of_sets_of_strings(texts: list[str], size: int) -> None:
    sets = shingle_sets(texts, size)
    assert sets.sizes.tolist() == [len(shingles(text, size)) for text in texts]
    for first in range(len(texts)):
        assert np.all(np.diff(sets[first].astype(object)) > 0)
        one, other = shingles(texts[0], size), shingles(texts[first], size)
        assert jaccard(sets[0], sets[first]) == (len(one & other) / len(one | other) if one | other else 0.0)


def test_shingles_do_not_reach_into_the_next_text() -> None:
    apart, whole = shingle_sets(["abcdefg", "hijklmn"]), shingle_sets(["abcdefghijklmn"])
    assert set(apart.hashes.tolist()) < set(whole.hashes.tolist())
    assert (len(apart.hashes), len(whole.hashes)) == (6, 10)


@settings(deadline=None)
@given(st.integers(1, 9), st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=30))
def test_equal_runs_have_equal_numbers_wherever_they_stand(size: int, values: list[int]) -> None:
    found = grams(np.asarray([*values, *values], np.uint64), size)
    assert len(found) == max(0, 2 * len(values) - size + 1)
    here = len(values) - size + 1
    assert found[:here].tolist() == found[len(values) : len(values) + here].tolist() if here > 0 else True


def test_the_order_of_a_run_matters() -> None:
    runs = ([1, 2, 3, 4, 5], [5, 4, 3, 2, 1], [1, 3, 2, 4, 5], [1, 2, 3, 4, 4])
    assert len({int(grams(mixed(np.asarray(run, np.uint64)), 5)[0]) for run in runs}) == len(runs)


def test_half_a_million_different_shingles_have_different_hashes() -> None:
    draw = random.Random(3)
    texts = ["".join(chr(draw.randrange(0xAC00, 0xD7A4)) for _ in range(1_000)) for _ in range(500)]
    found = shingle_sets(texts).hashes
    assert len(np.unique(found)) == len({shingle for text in texts for shingle in shingles(text)}) > 490_000


@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_run_ends_in_its_own_text(size: int) -> None:
    offsets = np.asarray([0, 3, 3, 4, 9])
    expected = [place + size <= end for start, end in ((0, 3), (3, 4), (4, 9)) for place in range(start, end)]
    assert inside(offsets, size).tolist() == expected


@pytest.mark.parametrize("words", [4, 12, 60, 300])
def test_signatures_agree_as_often_as_the_sets_are_similar(words: int) -> None:
    draw = random.Random(words)
    differences: list[float] = []
    for _ in range(150):
        first = written(draw, words)
        second = edited(draw, first, draw.choice((0.02, 0.1, 0.3)))
        one, other = signatures(shingle_sets([first, second]))
        differences.append(float((one == other).mean()) - similarity(first, second))
    assert abs(float(np.mean(differences))) < 0.02
    assert float(np.std(differences)) < 0.12


def test_signatures_do_not_depend_on_the_batch_and_equal_those_of_equal_sets() -> None:
    texts = corpus(5, 40)
    together = signatures(shingle_sets(texts))
    assert together.shape == (len(texts), NUM_BINS)
    assert all((together[place] == signatures(shingle_sets([text]))[0]).all() for place, text in enumerate(texts))
    assert not signatures(shingle_sets(["", "  "])).any()
