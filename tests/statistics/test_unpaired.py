"""The difference of two groups of items: against oracles, and where nothing varied."""

from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers, lists, tuples
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from seodang.statistics.unpaired import group_difference


@pytest.mark.parametrize(
    ("clean", "dirty"), [((20, 20), (0, 4)), ((20, 20), (4, 4)), ((44, 55), (4, 5)), ((0, 30), (0, 9)), ((30, 50), (9, 60))]
)
def test_single_items_that_are_right_or_wrong_have_newcombes_interval(clean: tuple[int, int], dirty: tuple[int, int]) -> None:
    (right, n), (also, m) = clean, dirty
    values = np.repeat([1.0, 0.0, 1.0, 0.0], [right, n - right, also, m - also])
    found = group_difference(values, np.arange(n + m) < n, None)
    oracle = confint_proportions_2indep(right, n, also, m, compare="diff", method="newcomb")
    assert found.difference == pytest.approx(right / n - also / m)
    assert found.interval == pytest.approx(oracle, abs=1e-4)  # 1.96 for the normal quantile
    assert found.interval[1] - found.interval[0] > 0.1


def test_many_items_have_welchs_interval() -> None:
    generator = np.random.default_rng(5)
    values = (generator.random(600) < np.where(np.arange(600) < 400, 0.7, 0.5)).astype(float)
    first = np.arange(600) < 400
    oracle = stats.ttest_ind(values[first], values[~first], equal_var=False).confidence_interval(0.95)
    assert group_difference(values, first, None).interval == pytest.approx((oracle.low, oracle.high), abs=0.01)


@pytest.mark.parametrize("lowest", [0, -1])
def test_clusters_that_have_items_in_both_groups_make_it_narrow_but_never_without_a_width(lowest: Literal[0, -1]) -> None:
    """Both halves of each cluster have one score, so the difference is 0; a fiftieth of other clusters would hardly have been seen."""
    values, labels = np.repeat(np.random.default_rng(6).random(50), 2), np.repeat(np.arange(50), 2)
    first = np.arange(100) % 2 == 0
    low, high = group_difference(values, first, labels, lowest=lowest).interval
    wide_low, wide_high = group_difference(values, first, None, lowest=lowest).interval
    assert -0.1 < low < -0.02
    assert 0.02 < high < 0.1
    assert high - low < (wide_high - wide_low) / 2


@given(lists(tuples(floats(0, 1) | integers(0, 1), integers(0, 9), integers(0, 1)), min_size=2, max_size=40))
def test_an_interval_has_a_width_holds_the_difference_and_turns_with_the_groups(rows: list[tuple[float, int, int]]) -> None:
    values, labels, first = (np.array(column) for column in zip(*rows, strict=True))
    if first.all() or not first.any():
        return
    found, turned = (group_difference(values, group, labels) for group in (first == 1, first == 0))
    low, high = found.interval
    assert -1 <= low <= found.difference <= high <= 1
    assert high - low > 1e-3
    assert turned.interval == pytest.approx((-high, -low), abs=1e-9)


def test_differences_that_are_all_zero_have_a_width() -> None:
    low, high = group_difference(np.zeros(60), np.arange(60) < 40, None, lowest=-1).interval
    assert -0.3 < low < -0.1 < 0.1 < high < 0.3


def test_a_group_of_one_cluster_shows_nothing() -> None:
    first = np.arange(30) < 29
    assert group_difference(np.ones(30), first, None).interval == (-1, 1)
    assert group_difference(np.ones(30), first, None, lowest=-1).interval == (-2, 2)


@pytest.mark.parametrize(
    ("values", "first", "told"),
    [
        (np.ones(3), np.ones(3, bool), "each of two groups"),
        (np.ones(3), np.ones(2, bool), "each of two groups"),
        (np.array([0.0, 2.0]), np.array([True, False]), "between 0 and 1"),
        (np.array([0.0, -0.5]), np.array([True, False]), "between 0 and 1"),
    ],
)
def test_what_makes_no_two_groups_is_refused(values: np.ndarray, first: np.ndarray, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        group_difference(values, first, None)
