"""Packed columns and ids come back as they were, in about as few bytes as their entropy allows."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy

from seodang.distill.targets import columns
from seodang.distill.targets.entries import pack_ids, running_sum, unpack_ids

INTEGERS = st.one_of(st.integers(0, 7), st.integers(0, 300), st.integers(0, 2**32 - 1))


@given(st.lists(INTEGERS, max_size=200))
@settings(max_examples=150, deadline=None)
def test_integers_come_back(values: list[int]) -> None:
    assert columns.unpack(columns.pack(np.array(values, np.int64))).tolist() == values


@given(st.integers(2, 200_000), st.lists(st.integers(0, 12), max_size=30), st.integers(0, 2**32 - 1))
@settings(max_examples=150, deadline=None)
def test_ids_come_back_in_their_groups(size: int, lengths: list[int], seed: int) -> None:
    draw = np.random.default_rng(seed)
    sizes = np.minimum(np.array(lengths, np.int64), size)
    ids = np.concatenate([np.zeros(0, np.int64), *(draw.choice(size, count, replace=False) for count in sizes)])
    packed, order = pack_ids(ids, sizes)
    found = unpack_ids(packed, sizes)
    assert found.tolist() == ids[order].tolist()
    groups = np.repeat(np.arange(len(sizes)), sizes)
    assert (groups[order] == groups).all()


def test_frequent_ids_of_a_large_vocabulary_cost_less_than_a_flat_number() -> None:
    """163,840 ids, drawn as words are: a group of 20 costs less than 20 numbers of 18 bits, also than their order-0 entropy."""
    draw = np.random.default_rng(0)
    probable = 1 / np.arange(1, 163_841)
    scattered = draw.permutation(163_840)
    drawn = draw.choice(163_840, (3000, 40), p=probable / probable.sum())
    groups = [scattered[np.unique(row)][:20] for row in drawn]
    ids, sizes = np.concatenate(groups), np.array([len(group) for group in groups])
    packed, order = pack_ids(ids, sizes)
    num_bits = 8 * sum(part.nbytes for part in packed.values()) / len(ids)
    assert len(packed["numbers"]) > 0
    assert num_bits < entropy(np.unique(ids, return_counts=True)[1], base=2) + 1 < 18
    assert (unpack_ids(packed, sizes) == ids[order]).all()
    assert ids.max() > 131_072


def test_skewed_integers_cost_about_their_entropy() -> None:
    values = np.random.default_rng(1).geometric(0.3, 20_000) - 1
    bits = 8 * columns.pack(values).nbytes / len(values)
    assert bits < entropy(np.bincount(values), base=2) * 1.1


def test_a_running_sum_begins_anew() -> None:
    steps = np.array([1, 2, 3, 4, 5])
    assert running_sum(steps, np.array([True, False, True, False, False])).tolist() == [1, 3, 3, 7, 12]
