"""One-sided p values against scipy and statsmodels, and by what they promise."""

import numpy as np
import pytest
from scipy import stats

from seodang.statistics.families import holm
from seodang.statistics.one_sided import difference_p, mean_p, ratio_p
from seodang.statistics.ratio import retention
from seodang.statistics.tango import score_statistic, tango_interval


@pytest.mark.parametrize(("only_a", "only_b"), [(14, 5), (5, 14), (3, 0), (9, 9)])
def test_a_bound_of_zero_is_the_exact_binomial(only_a: int, only_b: int) -> None:
    a = np.array([[1] * only_a + [0] * only_b + [1] * 40 + [0] * 40], dtype=float)
    b = np.array([[0] * only_a + [1] * only_b + [1] * 40 + [0] * 40], dtype=float)
    p = difference_p(a, b, None, above=0.0, seed=1)
    oracle = stats.binomtest(only_a, only_a + only_b, alternative="greater").pvalue
    if only_a > only_b:
        assert p == pytest.approx(oracle)
    else:
        assert p >= 0.5


@pytest.mark.parametrize("margin", [0.02, 0.05, 0.1])
@pytest.mark.parametrize(("only_a", "only_b"), [(10, 10), (5, 14), (20, 3), (0, 0)])
def test_a_margin_is_kept_at_2_5_percent_exactly_where_tangos_interval_lies_above_it(only_a: int, only_b: int, margin: float) -> None:
    n = 300
    a = np.array([[1] * only_a + [0] * only_b + [1] * (n - only_a - only_b)], dtype=float)
    b = np.array([[0] * only_a + [1] * only_b + [1] * (n - only_a - only_b)], dtype=float)
    low, _ = tango_interval(only_a, only_b, n, float(stats.norm.ppf(0.975)))
    assert (difference_p(a, b, None, above=-margin, seed=1) <= 0.025) == (low > -margin)


def test_a_share_is_held_against_a_bound_by_the_exact_binomial() -> None:
    values = np.array([1.0] * 33 + [0.0] * 17)
    oracle = stats.binomtest(33, 50, 0.5, alternative="greater").pvalue
    assert mean_p(values, None, above=0.5) == pytest.approx(oracle)


@pytest.mark.parametrize("minimum", [0.7, 0.8, 0.9, 1.0])
def test_a_ratio_is_kept_at_2_5_percent_exactly_where_its_interval_lies_above_it(minimum: float) -> None:
    generator = np.random.default_rng(3)
    for share in (0.6, 0.8, 1.0):
        b = (generator.random((1, 120)) < 0.8).astype(float)
        a = b * (generator.random((1, 120)) < share)
        low, _ = retention(a, b).interval or (0, 0)
        assert (ratio_p(a, b, None, above=minimum) <= 0.025) == (low > minimum)


def test_copies_of_an_item_in_its_cluster_say_nothing_new() -> None:
    generator = np.random.default_rng(4)
    a, b = (generator.random((1, 60)) < 0.6).astype(float), (generator.random((1, 60)) < 0.6).astype(float)
    labels = [str(index) for index in range(60)]
    many_a, many_b, many = np.tile(a, 5), np.tile(b, 5), labels * 5
    alone = difference_p(a * 0.999, b * 0.999, labels, above=-0.1, seed=1)  # no right or wrong, so the clusters' way
    assert difference_p(many_a * 0.999, many_b * 0.999, many, above=-0.1, seed=1) == pytest.approx(alone, rel=1e-6)
    assert mean_p(np.tile(a[0] * 0.999, 5), many, above=0.4) == pytest.approx(mean_p(a[0] * 0.999, labels, above=0.4), rel=1e-6)
    assert difference_p(many_a, many_b, many, above=-0.1, seed=1) > difference_p(many_a, many_b, None, above=-0.1, seed=1)


@pytest.mark.parametrize("threshold", [0.01, 0.1, 0.3, 0.4, 0.5])
def test_p_of_something_far_above_its_bound_is_small_and_above_zero(threshold: float) -> None:
    """200 items in 100 clusters, 170 right: p keeps its digits and can be corrected with others."""
    values, labels = np.repeat([1.0, 0.0], [170, 30]), [str(item // 2) for item in range(200)]
    p = mean_p(values, labels, above=threshold)
    assert 0 < p < 1e-8
    assert holm([p, 0.5])[0] == pytest.approx(2 * p)
    assert 0 < difference_p(values[None], 0 * values[None], labels, above=threshold, seed=1) < 1e-5
    assert 0 < ratio_p(values[None], values[None], labels, above=threshold) < 1e-3


def test_p_of_single_items_far_above_the_margin_keeps_its_digits() -> None:
    a, b = np.ones((1, 600)), np.repeat([[1.0, 0.0]], 300, axis=1)
    oracle = stats.norm.sf(score_statistic(300, 0, 600, -0.4))
    assert oracle < 1e-30
    assert difference_p(a, b, None, above=-0.4, seed=1) == pytest.approx(oracle, rel=1e-9, abs=0)


def test_one_cluster_shows_nothing() -> None:
    scores, labels = np.ones((1, 9)), ["one"] * 9
    assert difference_p(scores, scores, labels, above=-0.1, seed=1) == mean_p(scores[0], labels, above=0.5) == 1
    assert ratio_p(scores, scores, labels, above=0.5) == 1


def test_bounds_outside_of_their_range_are_refused() -> None:
    scores = np.ones((1, 4))
    for refused in (
        lambda: difference_p(scores, scores, None, above=-1.0, seed=1),
        lambda: mean_p(scores[0], None, above=0.0),
        lambda: ratio_p(scores, scores, None, above=0.0),
        lambda: difference_p(scores, scores[:, :2], None, above=-0.1, seed=1),
    ):
        with pytest.raises(ValueError, match=r"bound|paired arms"):
            refused()
