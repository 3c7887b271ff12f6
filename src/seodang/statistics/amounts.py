"""Amounts of any size, such as tokens, compared on the same items: intervals of the mean difference and of the difference of two ratios."""

from math import isfinite, sqrt

import numpy as np
from numpy.typing import NDArray

from seodang.statistics.clustered import Labels, as_clusters


def amount_interval(found: float, changes: NDArray[np.float64], clusters: Labels | None) -> tuple[float, float] | None:
    """95 % interval around `found`, a mean of `changes` or a difference whose items' shares they are (`ratio_shares`), shape (num_items,).

    Student's t of `Clusters.effective` - 1 degrees of freedom and the cluster-robust standard error. None where clusters do not show it:
    one cluster, or no spread.
    Domain (93 to 97 % covered, see tests/statistics/test_coverage.py): amounts up to lognormal ones with a deviation of the logarithm of 1;
    30 clusters or more for a mean, 50 clusters and scores of .6 or more for ratios. With scores of .2 to .3 it is too wide (98 to 99.7 %).
    """
    groups = as_clusters(clusters, changes.size)
    if groups.num == 1:
        return None
    reach = groups.quantile() * sqrt(groups.covariance(changes, changes))
    return (found - reach, found + reach) if isfinite(reach) else None


def ratio_shares(amounts: NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each item's share in the error of sum(amounts) / sum(scores), both of shape (num_items,), by the delta method: their mean is the
    ratio, their spread its spread (Cochran 1977, Sampling Techniques, section 6.3). ValueError where the scores add up to nothing."""
    if not scores.any():
        raise ValueError("a ratio to scores that are all 0 does not exist")
    ratio = amounts.sum() / scores.sum()
    return ratio + (amounts - ratio * scores) / scores.mean()
