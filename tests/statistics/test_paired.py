"""Paired tests and intervals, against scipy, against a direct maximum of the likelihood, and by exact coverage."""

from math import log
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import booleans, integers, lists, tuples
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import mcnemar

from oracles.inspect_ai import clustered_stderr
from seodang.statistics.paired import (
    average_seeds,
    compare_paired,
    mcnemar_exact,
    paired_bootstrap,
    paired_clusters,
    paired_difference_interval,
    paired_exact,
    sign_flip_p,
)

PAIRS = lists(tuples(booleans(), booleans()), min_size=1, max_size=200)


def arms(only_a: int, only_b: int, n: int) -> tuple[list[bool], list[bool]]:
    """Two arms over n items that differ on the given numbers of items."""
    both = n - only_a - only_b
    return [True] * only_a + [False] * only_b + [True] * both, [False] * only_a + [True] * only_b + [True] * both


@given(integers(0, 300), integers(0, 300))
def test_mcnemar_equals_the_binomial_test(b: int, c: int):
    oracle = stats.binomtest(b, b + c).pvalue if b + c else 1.0
    assert mcnemar_exact(b, c) == pytest.approx(oracle, rel=1e-9)
    assert mcnemar_exact(b, c) == mcnemar_exact(c, b)
    if b + c:
        other: Any = mcnemar([[5, b], [c, 7]], exact=True)
        assert mcnemar_exact(b, c) == pytest.approx(other.pvalue, abs=1e-9)


@given(PAIRS)
def test_the_interval_holds_the_difference_and_turns_with_the_arms(pairs: list[tuple[bool, bool]]):
    a, b = [x for x, _ in pairs], [y for _, y in pairs]
    low, high = paired_difference_interval(a, b)
    assert -1 <= low <= np.mean(a) - np.mean(b) <= high <= 1
    assert low < high
    assert paired_difference_interval(b, a) == pytest.approx((-high, -low), abs=1e-9)


def test_arms_that_agree_everywhere_still_get_a_width():
    """The score interval of no discordant pair among n is z^2 / (n + z^2) on either side."""
    edge = 1.96**2 / (44 + 1.96**2)
    assert paired_difference_interval(*arms(0, 0, 44)) == pytest.approx((-edge, edge), abs=1e-9)


@pytest.mark.parametrize(("only_a", "only_b", "n"), [(1, 0, 44), (12, 2, 50), (3, 9, 32), (60, 1, 120), (0, 7, 9), (5, 5, 10)])
def test_each_end_is_where_a_score_test_turns(only_a: int, only_b: int, n: int):
    """At an end the score test, with the likelihood maximised by scipy instead of by our formula, gives 1.96."""
    for difference in paired_difference_interval(*arms(only_a, only_b, n)):
        least, most = max(0.0, -difference) + 1e-12, (1 - difference) / 2 - 1e-12

        def loss(q: float, difference: float = difference) -> float:
            terms = [(only_a, q + difference), (only_b, q), (n - only_a - only_b, 1 - 2 * q - difference)]
            return -sum(count * log(max(share, 1e-300)) for count, share in terms if count)

        found: Any = optimize.minimize_scalar(loss, bounds=(least, most), method="bounded", options={"xatol": 1e-12})
        q = float(found.x)
        deviation = np.sqrt(n * (2 * q + difference - difference**2))
        assert abs(only_a - only_b - n * difference) / deviation == pytest.approx(1.96, abs=1e-3)


@pytest.mark.parametrize("n", [12, 40])
@pytest.mark.parametrize(("share_a", "share_b"), [(0.02, 0.02), (0.3, 0.0), (0.5, 0.02), (0.2, 0.2), (0.85, 0.05), (0.1, 0.4)])
def test_exact_coverage_is_near_95_percent(n: int, share_a: float, share_b: float):
    """The chance, summed over every possible outcome, that the interval holds the true difference."""
    coverage = 0.0
    for only_a in range(n + 1):
        for only_b in range(n + 1 - only_a):
            chance = stats.multinomial.pmf([only_a, only_b, n - only_a - only_b], n, [share_a, share_b, 1 - share_a - share_b])
            if chance > 1e-9:
                low, high = paired_difference_interval(*arms(only_a, only_b, n))
                coverage += chance * (low <= share_a - share_b <= high)
    assert coverage > 0.92


def test_paired_exact_puts_difference_interval_and_p_together():
    found = paired_exact(*arms(12, 2, 50))
    assert (found.difference, found.n) == (0.2, 50)
    assert found.p == mcnemar_exact(12, 2)
    assert found.interval[0] > 0


def test_counts_of_numpy_do_not_run_over():
    """Powers of two of 70 discordant items are beyond 64 bits."""
    assert mcnemar_exact(np.int64(50), np.int64(20)) == mcnemar_exact(50, 20) == pytest.approx(stats.binomtest(20, 70).pvalue)  # pyright: ignore


@pytest.mark.parametrize(("a", "b"), [([True], [True, False]), ([], [])])
def test_arms_without_the_same_items_are_refused(a: list[bool], b: list[bool]):
    with pytest.raises(ValueError, match="same items"):
        paired_exact(a, b)


def test_bootstrap_and_permutation_agree_with_scipy():
    """Three seeds each; scipy is given the scores averaged over seeds, as one sample of items."""
    generator = np.random.default_rng(11)
    a, b = (generator.random((3, 60)) < 0.6).astype(float), (generator.random((3, 60)) < 0.5).astype(float)
    differences = a.mean(axis=0) - b.mean(axis=0)
    found = paired_bootstrap(a, b, seed=2)
    interval = stats.bootstrap(
        (differences,), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(5)
    ).confidence_interval
    test = stats.permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=10_000, rng=np.random.default_rng(6))
    assert found.difference == pytest.approx(differences.mean())
    assert found.interval == pytest.approx((interval.low, interval.high), abs=0.01)
    assert found.p == pytest.approx(test.pvalue, abs=0.02)


def test_permutation_p_is_near_the_exact_one_for_few_items():
    """With 8 items scipy enumerates all 256 sign flips."""
    differences = np.array([0.5, 1.0, 0.0, 1 / 3, 2 / 3, -1 / 3, 1.0, 0.5])
    exact = stats.permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=10_000).pvalue
    assert paired_bootstrap([differences], [np.zeros(8)], seed=0).p == pytest.approx(exact, abs=0.01)


def test_seeds_are_not_counted_as_items():
    """Running the same model three times makes nothing more certain."""
    once = np.random.default_rng(1).random((1, 40))
    zeros = np.zeros((1, 40))
    assert paired_bootstrap(np.repeat(once, 3, axis=0), zeros, seed=3).interval == pytest.approx(
        paired_bootstrap(once, zeros, seed=3).interval
    )
    assert paired_bootstrap(once, zeros, seed=3).n == 40


def test_whole_clusters_are_drawn():
    """scipy draws clusters as pairs of their sum and size."""
    generator = np.random.default_rng(12)
    sizes = generator.integers(1, 6, 60)
    labels = np.repeat(np.arange(60), sizes)
    a, b = (generator.normal(level, 1, 60)[labels] + generator.normal(0, 0.5, labels.size) for level in (0.3, 0.0))
    found = paired_bootstrap(a[None], b[None], labels, seed=2)
    sums = np.bincount(labels, weights=a - b)
    oracle = stats.bootstrap(
        (sums, sizes),
        lambda total, size, axis: total.sum(axis=axis) / size.sum(axis=axis),
        paired=True,
        n_resamples=10_000,
        method="percentile",
        rng=np.random.default_rng(5),
    ).confidence_interval
    alone = paired_bootstrap(a[None], b[None], seed=2)
    width = alone.interval[1] - alone.interval[0]
    assert (found.n, found.num_clusters, found.difference) == (labels.size, 60, pytest.approx((a - b).mean()))
    assert found.interval == pytest.approx((oracle.low, oracle.high), abs=0.03)
    assert found.interval[1] - found.interval[0] > 1.3 * width, "items of a cluster that hang together are worth less"
    assert found.p > alone.p


def test_one_cluster_shows_nothing_about_others():
    found = paired_bootstrap([[3.0, 4.0]], [[1.0, 2.0]], ["x", "x"], seed=1)
    assert (found.difference, found.interval, found.p) == (2.0, (-np.inf, np.inf), 1.0)


def test_equal_arms_have_no_difference_and_p_1():
    scores = np.random.default_rng(2).random((2, 25))
    found = paired_bootstrap(scores, scores, seed=0, draws=500)
    assert (found.difference, found.interval, found.p) == (0.0, (0.0, 0.0), 1.0)


def test_scores_need_seeds_by_items_and_the_same_items():
    with pytest.raises(ValueError, match="num_seeds"):
        average_seeds([1.0, 0.0])
    with pytest.raises(ValueError, match="same items"):
        paired_bootstrap(np.ones((2, 4)), np.ones((2, 5)), seed=0)


def test_the_comparison_chooses_the_method_by_the_data():
    a, b = arms(12, 2, 50)
    alone, shared = list(range(50)), [item // 2 for item in range(50)]
    exact = paired_exact(a, b)
    assert compare_paired([a], [b], seed=0) == exact
    assert compare_paired([a], [b], alone, seed=0) == exact
    assert compare_paired([a, a, a], [b], seed=0) == exact
    assert compare_paired([a], [b], shared, seed=0) == paired_clusters([a], [b], shared, seed=0)
    assert compare_paired([a, b], [b], seed=0) == paired_clusters([a, b], [b], None, seed=0)
    assert compare_paired([np.array(a) / 2], [b], seed=0) == paired_clusters([np.array(a) / 2], [b], None, seed=0)


def test_clusters_of_one_item_give_nearly_the_exact_comparison():
    a, b = arms(60, 30, 400)
    found, exact = paired_clusters([a], [b], None, seed=0), paired_exact(a, b)
    assert found.interval == pytest.approx(exact.interval, abs=0.001)
    assert found.p == pytest.approx(exact.p, abs=0.005)


def test_repeated_items_make_nothing_more_certain():
    a, b = (np.array([rows]) for rows in arms(9, 2, 40))
    once = paired_clusters(a, b, None, seed=1)
    often = paired_clusters(np.repeat(a, 4, axis=1), np.repeat(b, 4, axis=1), np.repeat(np.arange(40), 4).tolist(), seed=1)
    assert often.interval == pytest.approx(once.interval)
    assert (often.p, often.num_clusters, often.n) == (once.p, 40, 160)


def test_many_clusters_give_the_interval_of_inspect_ais_standard_error():
    """For many items the score interval is the difference +- 1.96 standard errors."""
    generator = np.random.default_rng(4)
    labels = generator.integers(0, 500, 2000)
    a, b = generator.random((1, 2000)) < 0.6, generator.random((1, 2000)) < 0.5
    differences = a[0].astype(float) - b[0]
    error = clustered_stderr()([differences[labels == label].tolist() for label in np.unique(labels)])
    found = paired_clusters(a, b, labels.tolist(), seed=0, draws=10)
    assert found.interval == pytest.approx((differences.mean() - 1.965 * error, differences.mean() + 1.965 * error), abs=0.001)


def test_all_sign_flips_are_tried_where_they_are_few():
    sums = np.array([3.0, 1.0, 2.0, -1.0, 2.0, 0.0])
    exact = stats.permutation_test((sums,), np.mean, permutation_type="samples", n_resamples=10_000).pvalue
    assert sign_flip_p(sums, seed=0) == pytest.approx(exact, abs=1e-12)
    assert sign_flip_p(sums, seed=0, draws=10) != exact


def test_one_cluster_says_nothing_and_scores_stay_within_0_and_1():
    found = paired_clusters([[1, 1, 0]], [[0, 0, 0]], ["a", "a", "a"], seed=0)
    assert (found.interval, found.p) == ((-1.0, 1.0), 1.0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        paired_clusters([[2.0, 0.0]], [[0.0, 0.0]], None, seed=0)
    with pytest.raises(ValueError, match="same items"):
        compare_paired([[1, 0]], [[1]], seed=0)
