"""Paired tests and intervals, against scipy, against a direct maximum of the likelihood, and by exact coverage."""

from math import log
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import booleans, integers, lists, tuples
from scipy import optimize, stats

from seodang.statistics.paired import average_seeds, mcnemar_exact, paired_bootstrap, paired_difference_interval, paired_exact

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


def test_equal_arms_have_no_difference_and_p_1():
    scores = np.random.default_rng(2).random((2, 25))
    found = paired_bootstrap(scores, scores, seed=0, draws=500)
    assert (found.difference, found.interval, found.p) == (0.0, (0.0, 0.0), 1.0)


def test_scores_need_seeds_by_items_and_the_same_items():
    with pytest.raises(ValueError, match="num_seeds"):
        average_seeds([1.0, 0.0])
    with pytest.raises(ValueError, match="same items"):
        paired_bootstrap(np.ones((2, 4)), np.ones((2, 5)), seed=0)
