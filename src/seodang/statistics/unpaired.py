"""Two groups of items of one arm, such as items like training data and others: other questions, so not paired."""

from dataclasses import dataclass
from math import sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seodang.statistics.clustered import Clusters, Labels, as_clusters, clustered_mean, clustered_share
from seodang.statistics.intervals import as_items
from seodang.statistics.paired import clustered_tango
from seodang.statistics.tango import tango_interval


@dataclass(frozen=True, slots=True)
class GroupDifference:
    """Mean of the first group minus mean of the second, with its 95 % interval."""

    difference: float
    interval: tuple[float, float]
    method: str


def group_difference(
    values: ArrayLike, first: NDArray[np.bool_], clusters: Labels | None, *, lowest: Literal[0, -1] = 0
) -> GroupDifference:
    """Difference of the means of `values`, shape (num_items,), where `first` holds and where it does not.

    Values lie between `lowest` and 1: 0 for scores, -1 for differences of two arms' scores. Each group has its own interval, Wilson's of
    `clustered_mean` or Tango's of `paired_clusters`, and their distances to the ends are added as roots of squares are, less what the
    means of clusters with items in both groups have in common (MOVER, Zou and Donner 2008, Stat. Med. 27:1693; of shares of single items
    Newcombe 1998, Stat. Med. 17:873, method 10). Nothing varying gives a width. A group of one cluster shows nothing about others: the
    interval is everything that is possible.
    Domain (93 to 97 % covered, see tests/statistics/test_coverage.py), of scores: 3 expected right and wrong in each group of items that
    stand for themselves; 20 clusters and as many effective ones right and wrong in each group where each cluster lies in one; 50 clusters
    and 10 right and wrong where clusters have items in both, correlated up to .7 and not nearly always equal, which gets wider. Of
    differences: 6 expected discordant items in each group that stand for themselves, 10 expected discordant clusters otherwise.
    ValueError where one group is empty, or for a value out of range.
    """
    array = as_items(values)
    if first.shape != array.shape or first.all() or not first.any():
        raise ValueError("each of two groups needs an item, and each item a group")
    if array.min() < lowest or array.max() > 1:
        raise ValueError(f"values lie between {lowest} and 1")
    groups = as_clusters(clusters, array.size)
    found = float(array[first].mean() - array[~first].mean())
    sides = [as_clusters(groups.codes[chosen], int(chosen.sum())) for chosen in (first, ~first)]
    if min(side.num for side in sides) == 1:
        return GroupDifference(found, (lowest - 1.0, 1.0 - lowest), "not known from one cluster")
    shared = sides[0].num + sides[1].num > groups.num
    low_first, high_first = _distances(array[first], sides[0], lowest, alone=not shared)
    low_second, high_second = _distances(array[~first], sides[1], lowest, alone=not shared)
    together = _correlation(array, first, groups) if shared else 0.0
    below, above = _root(low_first, high_second, together), _root(high_first, low_second, together)
    interval = max(lowest - 1.0, found - below), min(1.0 - lowest, found + above)
    return GroupDifference(found, interval, "MOVER of two clustered score intervals 95 %, not paired")


def _distances(values: NDArray[np.float64], groups: Clusters, lowest: int, *, alone: bool) -> tuple[float, float]:
    """How far the ends of the 95 % interval of the values' mean lie below and above it."""
    single = alone and groups.num == values.size
    if lowest == 0:
        low, high = clustered_mean(values, groups.codes).interval if single else clustered_share(values, groups)
    elif single and np.isin(values, (-1.0, 0.0, 1.0)).all():
        low, high = tango_interval(int((values > 0).sum()), int((values < 0).sum()), values.size, 1.96)
    else:
        low, high = clustered_tango(values, groups)
    mean = float(values.mean())
    return mean - low, high - mean


def _correlation(values: NDArray[np.float64], first: NDArray[np.bool_], groups: Clusters) -> float:
    """Of the two groups' means over samples of clusters. As many effective clusters that agree in both groups show no more than
    clusters / (clusters + t^2) of it, the share that Tango's interval would give."""
    one, other = (groups.sums(np.where(chosen, values - values[chosen].mean(), 0.0)) for chosen in (first, ~first))
    size, square = sqrt(float(one @ one) * float(other @ other)), groups.quantile() ** 2
    return min(float(one @ other) / size, groups.effective / (groups.effective + square)) if size > 1e-12 else 0.0


def _root(one: float, other: float, together: float) -> float:
    return sqrt(max(0.0, one * one + other * other - 2 * together * one * other))
