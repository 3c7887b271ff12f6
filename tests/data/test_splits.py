"""No near duplicate and no source stands in two splits, and a leak that is planted is found."""

import random
from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seodang.core.errors import InputError, VerificationError
from seodang.data.splits import SplitItem, assign_splits, components, leaks, require_no_leak
from similar_texts import corpus, edited, similarity, written

RATIOS = {"train": 0.8, "validation": 0.1, "test": 0.1}


def items_of(seed: int, count: int = 60) -> list[SplitItem]:
    draw = random.Random(seed)
    return [
        SplitItem(text, tuple(f"document {draw.randrange(3 * count)}" for _ in range(draw.randrange(3))))
        for text in corpus(seed, count, least=6, most=60)
    ]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_nothing_is_shared_between_splits(seed: int) -> None:
    """The truth is the similarity of all pairs, by sets of strings."""
    items = items_of(seed, 20)
    splits = assign_splits(items, {"train": 0.5, "test": 0.5})
    for (one, first), (other, second) in combinations(zip(items, splits, strict=True), 2):
        if first != second:
            assert similarity(one.text, other.text) < 0.6
            assert not set(one.sources) & set(other.sources)
    assert leaks(items, splits) == []
    require_no_leak(items, splits)


def test_items_are_connected_by_way_of_others() -> None:
    draw = random.Random(1)
    texts = [written(draw, 60) for _ in range(4)]
    items = [
        SplitItem(texts[0], ("a",)),
        SplitItem(edited(draw, texts[0], 0.05), ("b",)),
        SplitItem(texts[1], ("b", "c")),
        SplitItem(texts[2], ("d",)),
        SplitItem(texts[1]),
        SplitItem(texts[3], ("d",)),
    ]
    assert components(items) == [0, 0, 0, 3, 0, 3]


def test_splits_do_not_depend_on_the_order_and_are_drawn_anew_with_another_salt() -> None:
    items = items_of(5)
    expected = Counter(zip(items, assign_splits(items, RATIOS), strict=True))
    shuffled = random.Random(2).sample(items, len(items))
    assert Counter(zip(shuffled, assign_splits(shuffled, RATIOS), strict=True)) == expected
    assert assign_splits(items, RATIOS, salt="x") != assign_splits(items, RATIOS)


def test_ratios_are_shares_of_components() -> None:
    items = [SplitItem(f"{number} {number * number} {number * 7919}") for number in range(4_000)]
    counts = Counter(assign_splits(items, RATIOS))
    assert abs(counts["test"] - 400) < 70
    assert abs(counts["validation"] - 400) < 70
    assert set(assign_splits(items[:50], {"train": 1, "test": 0})) == {"train"}


@pytest.mark.parametrize("ratios", [{}, {"train": 0.0}, {"train": 1.0, "test": -0.1}])
def test_what_is_no_ratio_is_refused(ratios: dict[str, float]) -> None:
    with pytest.raises(InputError):
        assign_splits([], ratios)


def test_planted_leaks_are_found() -> None:
    items = items_of(9)
    splits = assign_splits(items, {"train": 0.5, "test": 0.5})
    train = splits.index("train")
    planted = [*items, SplitItem(edited(random.Random(1), items[train].text, 0.02)), SplitItem("something else", ("document x",))]
    planted.append(SplitItem("nothing alike", ("document x",)))
    found = leaks(planted, [*splits, "test", "test", "train"])
    assert {(leak.reason, leak.first, leak.second) for leak in found} >= {
        ("near", train, len(items)),
        ("source", len(items) + 1, len(items) + 2),
    }
    assert all(leak.similarity >= 0.6 for leak in found if leak.reason == "near")
    with pytest.raises(VerificationError, match="leaks between splits"):
        require_no_leak(planted, [*splits, "test", "test", "train"])


def test_all_records_split_one_by_one_leak() -> None:
    items = items_of(11)
    alone = [("train", "test")[random.Random(place).random() < 0.5] for place in range(len(items))]
    expected = sum(
        similarity(items[first].text, items[second].text) >= 0.6
        for first, second in combinations(range(len(items)), 2)
        if alone[first] != alone[second]
    )
    assert len([leak for leak in leaks(items, alone) if leak.reason == "near"]) == expected > 5


def test_components_of_any_size_are_drawn_with_the_shares() -> None:
    """Of 400 components of four items each a quarter is tested: within four standard errors."""
    draw = random.Random(5)
    items = [SplitItem(f"{number} {draw.random()}", (f"document {number // 4}",)) for number in range(1600)]
    splits = assign_splits(items, {"train": 0.75, "test": 0.25}, similarity=1.0)
    assert splits[::4].count("test") == pytest.approx(100, abs=35)
