"""What is held out is drawn in whole groups, about as large as was asked for, by the seed alone."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seodang.distill.packing import Example
from seodang.distill.schedule import can_hold_out, hold_out


def grouped(sizes: Sequence[int], stratum: str = "") -> list[Example]:
    return [
        Example(f"{stratum}{group}.{number}", (1,), (2,), group=f"{stratum}{group}" if size > 1 else "", stratum=stratum)
        for group, size in enumerate(sizes)
        for number in range(size)
    ]


def watched(examples: Sequence[Example], share: float, seed: int) -> set[str]:
    trained, held_out = hold_out(examples, share, seed)
    assert sorted([*trained, *held_out], key=lambda e: e.record) == sorted(examples, key=lambda e: e.record)
    return {example.record for example in held_out}


@given(st.lists(st.integers(1, 30), min_size=1, max_size=25), st.floats(0, 0.49), st.integers(0, 10**6))
def test_groups_never_part_and_the_number_is_within_half_of_the_smallest_group_that_is_left(
    sizes: list[int], share: float, seed: int
) -> None:
    examples = grouped(sizes)
    held_out = watched(examples, share, seed)
    whole = {example.group or example.record: set[str]() for example in examples}
    for example in examples:
        whole[example.group or example.record].add(example.record)
    assert all(group <= held_out or not group & held_out for group in whole.values())
    target = int(len(examples) * share)
    left = min((len(group) for group in whole.values() if not group <= held_out), default=0)
    assert 2 * abs(len(held_out) - target) <= left
    assert len(held_out) <= 2 * target
    # Whether it can be done does not depend on the seed.
    assert can_hold_out(examples, share) == (2 * len(held_out) >= target)
    assert watched(examples, share, seed) == held_out


def test_groups_of_one_record_give_the_share_exactly_and_seeds_differ() -> None:
    examples = grouped([1] * 97)
    found = [frozenset(watched(examples, 0.1, seed)) for seed in range(20)]
    assert {len(held_out) for held_out in found} == {9}
    assert len(set(found)) == 20


def test_several_examples_of_a_record_stay_together() -> None:
    examples = [Example(str(number // 3), (1,), (number,)) for number in range(60)]
    trained, held_out = hold_out(examples, 0.2, 1)
    assert len(held_out) == 12
    assert not {e.record for e in trained} & {e.record for e in held_out}


def test_records_of_large_groups_are_watched_as_often_as_others() -> None:
    """Twenty documents of 5 to 24 records; were groups drawn evenly, those of large ones would be watched less often than asked for."""
    sizes = list(range(5, 25))
    examples = grouped(sizes)
    counts = dict.fromkeys(range(20), 0)
    for seed in range(400):
        for name in {record.split(".")[0] for record in watched(examples, 0.2, seed)}:
            counts[int(name)] += 1
    large, small = sum(counts[group] for group in range(10, 20)) / 4000, sum(counts[group] for group in range(10)) / 4000
    assert large == pytest.approx(0.2, abs=0.04)
    assert small == pytest.approx(0.2, abs=0.04)


@pytest.mark.parametrize("seed", range(5))
def test_each_stratum_has_its_share(seed: int) -> None:
    examples = [*grouped([1] * 19, "a"), *grouped([1] * 41, "b"), *grouped([1], "c")]
    random.Random(seed).shuffle(examples)
    found = watched(examples, 0.1, seed)
    assert sorted(record[0] for record in found) == ["a", "a", *"bbbb"]


def test_a_group_that_is_too_large_cannot_be_held_out() -> None:
    assert not can_hold_out(grouped([50, 50]), 0.1)
    assert not can_hold_out([*grouped([100], "a"), *grouped([1] * 40, "b")], 0.1)
    assert can_hold_out(grouped([50, 45, 5]), 0.1)
