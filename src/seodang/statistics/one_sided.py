"""One-sided p values: how well something would look by chance if it were no better than a bound.

A claim "above the bound" that is made where p is at most alpha is wrong in a share alpha of the cases in which the bound is the truth.
"""

from collections.abc import Hashable, Sequence
from math import comb, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seodang.statistics.clustered import Clusters, as_clusters
from seodang.statistics.intervals import as_items
from seodang.statistics.paired import average_seeds, compare_paired
from seodang.statistics.student import student_below
from seodang.statistics.tango import score_statistic

_ROUNDING = 1e-12


def difference_p(scores_a: ArrayLike, scores_b: ArrayLike, clusters: Sequence[Hashable] | None, *, above: float, seed: int) -> float:
    """p of "mean(a) - mean(b) is at most `above`", a bound within -1..1, for scores of shape (num_samples, num_items) within 0..1.

    Bound 0: half of the two-sided p of `compare_paired` (exact binomial, or sign flips of clusters). Other bounds: the score test of Tango
    1998, Statist. Med. 17:891, of items that stand for themselves and are right or wrong; of others with the number of independent items
    that would have the same standard error, and Student's t.
    """
    if not -1 < above < 1:
        raise ValueError(f"a bound of a difference lies between -1 and 1, not {above}")
    if above == 0:
        found = compare_paired(scores_a, scores_b, clusters, seed=seed)
        return found.p / 2 if found.difference > 0 else 1 - found.p / 2
    a, b = average_seeds(scores_a), average_seeds(scores_b)
    if a.size != b.size:
        raise ValueError(f"paired arms need the same items: {a.size} and {b.size}")
    groups, differences = as_clusters(clusters, a.size), a - b
    if groups.num == 1:
        return 1.0
    up, down = float(np.maximum(differences, 0).mean()), float(np.maximum(-differences, 0).mean())
    if groups.num == a.size and np.isin(np.concatenate([a, b]), (0.0, 1.0)).all():
        return 1 - NormalDist().cdf(score_statistic(up * a.size, down * a.size, a.size, above))
    size = _effective_size(differences, up + down - (up - down) ** 2, groups)
    return _tail(score_statistic(up * size, down * size, size, above), groups)


def mean_p(values: ArrayLike, clusters: Sequence[Hashable] | None, *, above: float) -> float:
    """p of "the mean is at most `above`", a bound within 0..1, for values of shape (num_items,) within 0..1.

    Items that stand for themselves and are right or wrong: exact binomial (Clopper and Pearson 1934, Biometrika 26:404). Others: score test
    with the number of independent items that would have the same standard error, and Student's t.
    """
    array = as_items(values)
    if not 0 < above < 1 or array.min() < 0 or array.max() > 1:
        raise ValueError(f"values and bound lie between 0 and 1; the bound is {above}")
    groups = as_clusters(clusters, array.size)
    if groups.num == 1:
        return 1.0
    if groups.num == array.size and np.isin(array, (0.0, 1.0)).all():
        return _binomial_tail(round(array.sum()), array.size, above)
    mean = float(array.mean())
    size = _effective_size(array, mean * (1 - mean), groups)
    return _tail((mean - above) * sqrt(size / (above * (1 - above))), groups)


def ratio_p(scores_a: ArrayLike, scores_b: ArrayLike, clusters: Sequence[Hashable] | None, *, above: float) -> float:
    """p of "mean(a) is at most `above` * mean(b)", on the same items: Student's t of the mean of a - above * b with its cluster-robust
    standard error (Fieller 1954, J. R. Stat. Soc. B 16:175). 1 where nothing varies, which shows nothing about other items."""
    a, b = average_seeds(scores_a), average_seeds(scores_b)
    if a.size != b.size:
        raise ValueError(f"paired arms need the same items: {a.size} and {b.size}")
    if not above > 0:
        raise ValueError(f"a ratio's bound lies above 0, not {above}")
    groups, contrast = as_clusters(clusters, a.size), a - above * b
    if groups.num == 1:
        return 1.0
    error = sqrt(groups.covariance(contrast, contrast))
    return _tail(float(contrast.mean()) / error, groups) if error > _ROUNDING else 1.0


def _effective_size(values: NDArray[np.float64], spread: float, groups: Clusters) -> float:
    """How many independent items of variance `spread` have the standard error of these clusters' mean."""
    variance = groups.covariance(values, values)
    return spread / variance if sqrt(variance) > _ROUNDING and spread > 0 else groups.effective


def _tail(statistic: float, groups: Clusters) -> float:
    below = student_below(abs(statistic), groups.effective - 1) if abs(statistic) < float("inf") else 1.0
    return 1 - below if statistic >= 0 else below


def _binomial_tail(least: int, total: int, share: float) -> float:
    """Probability of `least` or more of `total`."""
    return min(1.0, sum(comb(total, count) * share**count * (1 - share) ** (total - count) for count in range(least, total + 1)))
