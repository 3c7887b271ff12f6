"""Intervals of one proportion or mean, against scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import integers, tuples
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from seodang.statistics.intervals import bootstrap_mean, wilson

Z_95 = float(stats.norm.ppf(0.975))
COUNTS = integers(1, 500).flatmap(lambda total: tuples(integers(0, total), integers(total, total)))


@given(COUNTS)
def test_wilson_equals_scipy(counts: tuple[int, int]):
    correct, total = counts
    oracle = stats.binomtest(correct, total).proportion_ci(0.95, method="wilson")
    assert wilson(correct, total, Z_95) == pytest.approx((oracle.low, oracle.high), abs=1e-12)
    assert wilson(correct, total, Z_95) == pytest.approx(proportion_confint(correct, total, method="wilson"), abs=1e-9)


@given(COUNTS)
def test_wilson_holds_the_share_inside_0_and_1(counts: tuple[int, int]):
    low, high = wilson(*counts)
    assert 0 <= low <= counts[0] / counts[1] <= high <= 1
    assert low < high


@pytest.mark.parametrize("counts", [(0, 0), (3, 2), (-1, 5)])
def test_no_items_or_impossible_counts_are_an_error(counts: tuple[int, int]):
    with pytest.raises(ValueError, match="proportion"):
        wilson(*counts)


def test_bootstrap_mean_agrees_with_scipy():
    values = np.random.default_rng(3).random(80)
    oracle = stats.bootstrap((values,), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(4)).confidence_interval
    assert bootstrap_mean(values, seed=1) == pytest.approx((oracle.low, oracle.high), abs=0.005)


def test_equal_seeds_give_equal_bootstrap_intervals():
    values = np.random.default_rng(5).random(30)
    assert bootstrap_mean(values, seed=7, draws=700) == bootstrap_mean(values, seed=7, draws=700)
    assert bootstrap_mean(values, seed=7, draws=700) != bootstrap_mean(values, seed=8, draws=700)


@pytest.mark.parametrize("values", [[], [[0.0, 1.0]], [0.0, float("nan")]])
def test_bootstrap_refuses_what_is_not_one_finite_value_an_item(values: list[float]):
    with pytest.raises(ValueError, match="item"):
        bootstrap_mean(values, seed=0)
