"""One-sided p values: how well something would look by chance if it were no better than a bound.

A claim "above the bound" that is made where p is at most alpha is wrong in a share alpha of the cases in which the bound is the truth.
"""

from math import erfc, exp, fsum, lgamma, log, log1p, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seodang.statistics.clustered import Clusters, Labels, as_clusters
from seodang.statistics.intervals import as_items
from seodang.statistics.paired import PairedComparison, average_seeds, compare_paired
from seodang.statistics.ratio import ratio_statistic
from seodang.statistics.student import student_above
from seodang.statistics.tango import score_statistic

_ROUNDING = 1e-12


def difference_p(scores_a: ArrayLike, scores_b: ArrayLike, clusters: Labels | None, *, above: float, seed: int) -> float:
    """p of "mean(a) - mean(b) is at most `above`", a bound within -1..1, for scores of shape (num_samples, num_items) within 0..1.

    Bound 0: half of the two-sided p of `compare_paired` (exact binomial, or sign flips of clusters). Other bounds: the score test of Tango
    1998, Statist. Med. 17:891, of items that stand for themselves and are right or wrong; of others with the number of independent items
    that would have the same standard error, and Student's t.
    """
    if not -1 < above < 1:
        raise ValueError(f"a bound of a difference lies between -1 and 1, not {above}")
    if above == 0:
        return above_zero_p(compare_paired(scores_a, scores_b, clusters, seed=seed))
    a, b = average_seeds(scores_a), average_seeds(scores_b)
    if a.size != b.size:
        raise ValueError(f"paired arms need the same items: {a.size} and {b.size}")
    groups, differences = as_clusters(clusters, a.size), a - b
    if groups.num == 1:
        return 1.0
    up, down = float(np.maximum(differences, 0).mean()), float(np.maximum(-differences, 0).mean())
    if groups.num == a.size and np.isin(np.concatenate([a, b]), (0.0, 1.0)).all():
        return erfc(score_statistic(up * a.size, down * a.size, a.size, above) / sqrt(2)) / 2  # the normal's upper tail
    size = effective_size(differences, up + down - (up - down) ** 2, groups)
    return _tail(score_statistic(up * size, down * size, size, above), groups)


def above_zero_p(found: PairedComparison) -> float:
    """p of "the difference is at most 0", from a comparison whose two-sided p counts both signs alike."""
    return found.p / 2 if found.difference > 0 else 1 - found.p / 2


def mean_p(values: ArrayLike, clusters: Labels | None, *, above: float) -> float:
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
    size = effective_size(array, mean * (1 - mean), groups)
    return _tail((mean - above) * sqrt(size / (above * (1 - above))), groups)


def ratio_p(scores_a: ArrayLike, scores_b: ArrayLike, clusters: Labels | None, *, above: float) -> float:
    """p of "mean(a) is at most `above` * mean(b)", on the same items: the score test whose interval `retention` gives (Nam and Blackwelder
    2002, Statist. Med. 21:689). 1 where b's mean is 0."""
    a, b = average_seeds(scores_a), average_seeds(scores_b)
    if a.size != b.size:
        raise ValueError(f"paired arms need the same items: {a.size} and {b.size}")
    if not above > 0:
        raise ValueError(f"a ratio's bound lies above 0, not {above}")
    groups = as_clusters(clusters, a.size)
    if groups.num == 1 or b.mean() == 0:
        return 1.0
    ratio = float(a.mean() / b.mean())
    only_a, only_b = float(np.maximum(a - b, 0).mean()), float(np.maximum(b - a, 0).mean())
    size = effective_size(a - ratio * b, ratio * (only_a + only_b), groups)
    return _tail(ratio_statistic(only_a, only_b, float(a.mean()), float(b.mean()), size, above), groups)


def effective_size(values: NDArray[np.float64], spread: float, groups: Clusters) -> float:
    """How many independent items of variance `spread` have the standard error of these clusters' mean."""
    variance = groups.covariance(values, values)
    return spread / variance if sqrt(variance) > _ROUNDING and spread > 0 else groups.effective


def _tail(statistic: float, groups: Clusters) -> float:
    return student_above(statistic, groups.effective - 1)


def _binomial_tail(least: int, total: int, share: float) -> float:
    """Probability of `least` or more of `total`."""
    logs = (
        lgamma(total + 1) - lgamma(count + 1) - lgamma(total - count + 1) + count * log(share) + (total - count) * log1p(-share)
        for count in range(least, total + 1)
    )
    return min(1.0, fsum(exp(value) for value in logs))
