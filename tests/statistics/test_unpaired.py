"""The difference of two groups of items: against scipy's bootstrap, and with clusters that lie in both."""

import numpy as np
import pytest
from scipy import stats

from seodang.statistics.unpaired import group_difference


def test_items_that_stand_for_themselves_have_welchs_interval() -> None:
    generator = np.random.default_rng(5)
    values = (generator.random(600) < np.where(np.arange(600) < 400, 0.7, 0.5)).astype(float)
    first = np.arange(600) < 400
    found = group_difference(values, first, None, seed=1)
    oracle = stats.ttest_ind(values[first], values[~first], equal_var=False).confidence_interval(0.95)
    assert found.difference == pytest.approx(values[first].mean() - values[~first].mean())
    assert found.interval == pytest.approx((oracle.low, oracle.high), abs=0.01)


def test_clusters_that_have_items_in_both_groups_are_drawn_whole() -> None:
    """Both halves of each cluster have one score: the difference is 0 in every draw."""
    values, labels = np.repeat(np.random.default_rng(6).random(50), 2), np.repeat(np.arange(50), 2).tolist()
    found = group_difference(values, np.arange(100) % 2 == 0, labels, seed=1)
    assert found.interval == pytest.approx((0.0, 0.0), abs=1e-12)
    assert group_difference(values, np.arange(100) % 2 == 0, None, seed=1).interval[1] > 0.05


def test_an_empty_group_is_refused() -> None:
    with pytest.raises(ValueError, match="each of two groups"):
        group_difference(np.ones(3), np.ones(3, bool), None, seed=1)
