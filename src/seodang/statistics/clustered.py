"""Means of items that come in clusters, such as questions on one document: what hangs together counts less than its number of items.

Source of the standard error: Miller 2024, arXiv 2411.00640, appendix A, with the factor G / (G - 1) for G clusters.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import inf, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seodang.statistics.intervals import as_items, wilson, wilson_share
from seodang.statistics.student import student_quantile

Labels = Sequence[Hashable] | NDArray[np.integer]  # which cluster each item belongs to


@dataclass(frozen=True, slots=True)
class ClusteredMean:
    """A mean over items, with what its clusters say about its error."""

    mean: float
    standard_error: float | None  # None for one cluster, which does not show how clusters differ
    interval: tuple[float, float]  # 95 %
    num_items: int
    num_clusters: int
    method: str  # how the interval came about, for a table's footnote


@dataclass(frozen=True, slots=True)
class Clusters:
    """Which cluster each item belongs to."""

    codes: NDArray[np.intp]  # (num_items,), from 0 to num - 1
    sizes: NDArray[np.float64]  # (num_clusters,), items

    @property
    def num(self) -> int:
        return self.sizes.size

    @property
    def num_items(self) -> int:
        return self.codes.size

    @property
    def effective(self) -> float:
        """How many clusters of equal size weigh as much: (sum of sizes)^2 / sum of squared sizes (Kish 1965, Survey Sampling)."""
        return float(self.sizes.sum() ** 2 / (self.sizes**2).sum())

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values of each cluster added up, shape (num_clusters,)."""
        return np.bincount(self.codes, weights=values, minlength=self.num).astype(np.float64, copy=False)

    def covariance(self, first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
        """Cluster-robust covariance of the means of two values of each item; the variance of a mean for a value with itself."""
        deviations = (self.sums(values - values.mean()) for values in (first, second))
        return float(np.dot(*deviations)) * self.num / (self.num - 1) / self.num_items**2

    def quantile(self, confidence: float = 0.95) -> float:
        """How many standard errors an interval reaches to either side: Student's t with `effective` - 1 degrees of freedom."""
        return student_quantile((1 + confidence) / 2, self.effective - 1)


def as_clusters(labels: Labels | None, num_items: int) -> Clusters:
    """Clusters from one label an item; None makes each item its own. An array of whole numbers, shape (num_items,), is the fastest.
    ValueError for another number of labels or a label that is None."""
    if labels is None:
        return Clusters(np.arange(num_items), np.ones(num_items))
    if len(labels) != num_items:
        raise ValueError(f"each of the {num_items} items needs one cluster, there are {len(labels)}")
    if isinstance(labels, np.ndarray):
        if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
            raise ValueError(f"an array of clusters holds one whole number an item, not {labels.dtype} of shape {labels.shape}")
        _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
        return Clusters(codes, counts.astype(np.float64))
    places: dict[Hashable, int] = {}
    codes = np.array([places.setdefault(label, len(places)) for label in labels], dtype=np.intp)
    if None in places:
        raise ValueError("an item's cluster cannot be None; give an item of its own a label of its own")
    return Clusters(codes, np.bincount(codes).astype(np.float64))


def clustered_mean(values: ArrayLike, clusters: Labels | None, *, confidence: float = 0.95) -> ClusteredMean:
    """Mean of `values`, shape (num_items,), its cluster-robust standard error and its interval.

    Right or wrong on items that stand for themselves (each its own cluster, or None) gets Wilson's interval. Other values within 0..1 get
    Wilson's with the number of independent items that would have the same standard error (Korn and Graubard 1998, Surv. Methodol. 24:193),
    values beyond get mean +- t * standard error; both with Student's t of `Clusters.effective` - 1 degrees of freedom. Where all values are
    equal, as many items as effective clusters are counted, so the interval has a width. One cluster shows nothing about others: its
    interval is everything that is possible.
    Domain (93 to 97 % covered, see tests/statistics/test_coverage.py): `wilson`'s for items that stand for themselves; otherwise 30
    clusters or more and `Clusters.effective` * min(mean, 1 - mean) >= 5. Where equally many items in each cluster are all right or all
    wrong, counts are whole numbers of clusters, and the coverage swings with the share up to 97.5 %.
    """
    array = as_items(values)
    groups = as_clusters(clusters, array.size)
    mean = float(array.mean())
    share = bool(array.min() >= 0 and array.max() <= 1)
    if groups.num == 1:
        interval = (0.0, 1.0) if share else (-inf, inf)
        return ClusteredMean(mean, None, interval, array.size, 1, "not known from one cluster")
    error = sqrt(groups.covariance(array, array))
    if groups.num == array.size and np.isin(array, (0.0, 1.0)).all():
        interval = wilson(int(array.sum()), array.size, NormalDist().inv_cdf((1 + confidence) / 2))
        return ClusteredMean(mean, error, interval, array.size, groups.num, "Wilson 95 %")
    if share:
        return ClusteredMean(mean, error, clustered_share(array, groups, confidence), array.size, groups.num, "Wilson 95 %, clustered")
    if not _is_above_rounding(error / max(1.0, abs(mean))):
        return ClusteredMean(mean, error, (-inf, inf), array.size, groups.num, "not known from values without spread")
    reach = groups.quantile(confidence)
    return ClusteredMean(mean, error, (mean - reach * error, mean + reach * error), array.size, groups.num, "Student t 95 %, clustered")


def clustered_share(values: NDArray[np.float64], groups: Clusters, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of the mean of values within 0..1, shape (num_items,), with their effective number, as in `clustered_mean`; two
    clusters or more."""
    mean, error = float(values.mean()), sqrt(groups.covariance(values, values))
    spread = mean * (1 - mean)
    size = spread / error**2 if _is_above_rounding(error) and spread > 0 else groups.effective
    return wilson_share(mean, size, groups.quantile(confidence))


def _is_above_rounding(error: float) -> bool:
    return error > 1e-12
