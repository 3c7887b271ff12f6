"""Retention: which share of a teacher's score a student keeps, on the same items."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from seodang.statistics.clustered import Labels, as_clusters
from seodang.statistics.paired import average_seeds

Status = Literal["bounded", "unbounded", "not defined"]
_LARGEST = 1e6  # a ratio that is still kept here has no upper end


@dataclass(frozen=True, slots=True)
class Retention:
    """Mean of the student's scores over the teacher's. `status` says what holds where there is no ratio or no interval."""

    ratio: float | None  # None: the teacher's mean is 0 ("not defined")
    interval: tuple[float, float] | None  # 95 %; its upper end is infinite where "unbounded", None where "not defined"
    status: Status  # unbounded: the teacher's mean cannot be told from 0, or there is one cluster
    num_items: int
    num_clusters: int
    method: str
    teacher: float = 0.0  # its mean
    discordant: float = 0.0  # mean distance of the two scores of an item: the share of discordant items, of right and wrong
    size: float = 0.0  # independent items that would be as certain
    free: float = 0.0  # degrees of freedom of the interval's t


def retention(student: ArrayLike, teacher: ArrayLike, clusters: Labels | None = None) -> Retention:
    """Ratio of mean scores within 0..1, student over teacher, with its score interval.

    Scores have shape (num_samples, num_items), the items in the same order; each item's score is averaged over the samples first, the arms
    may differ in num_samples. `clusters` is one label an item, None for items that stand for themselves.
    The interval holds all ratios that a score test does not reject (Nam and Blackwelder 2002, Statist. Med. 21:689), with the number of
    independent items that would give student - ratio * teacher its cluster-robust standard error, and Student's t of
    `Clusters.effective` - 1 degrees of freedom. It has a width where the two agree on every item.
    Domain (93 to 97 % covered, see tests/statistics/test_coverage.py): teacher's mean .2 or more, and num_clusters * share of discordant
    items >= 7. ValueError for scores outside of 0..1 or arms without the same items.
    """
    new, old = average_seeds(student), average_seeds(teacher)
    if new.size != old.size:
        raise ValueError(f"paired arms need the same items: {new.size} and {old.size}")
    if min(new.min(), old.min()) < 0 or max(new.max(), old.max()) > 1:
        raise ValueError("scores lie between 0 and 1")
    groups = as_clusters(clusters, new.size)
    share_new, share_old = float(new.mean()), float(old.mean())
    if share_old == 0:
        return Retention(None, None, "not defined", new.size, groups.num, "the teacher's mean is 0")
    ratio = share_new / share_old
    if groups.num == 1:
        return Retention(ratio, (0.0, inf), "unbounded", new.size, 1, "not known from one cluster")
    only_new, only_old = float(np.maximum(new - old, 0).mean()), float(np.maximum(old - new, 0).mean())
    left_over = new - ratio * old
    spread, variance = ratio * (only_new + only_old), groups.covariance(left_over, left_over)
    size = spread / variance if sqrt(variance) > 1e-12 and spread > 1e-12 else groups.effective
    reach = groups.quantile()

    def keeps(value: float) -> bool:
        return abs(ratio_statistic(only_new, only_old, share_new, share_old, size, value)) < reach

    low = 0.0 if ratio == 0 else _turn(keeps, inside=ratio, outside=0.0)
    bounded = not keeps(_LARGEST)
    high = _turn(keeps, inside=ratio, outside=_LARGEST) if bounded else inf
    method = "score interval of a paired ratio 95 %, clustered"
    status: Status = "bounded" if bounded else "unbounded"
    discordant, free = only_new + only_old, groups.effective - 1
    return Retention(ratio, (low, high), status, new.size, groups.num, method, share_old, discordant, size, free)


def ratio_statistic(only_new: float, only_old: float, share_new: float, share_old: float, size: float, ratio: float) -> float:
    """Standardised distance of the shares from a true `ratio` above 0, with the likeliest discordant shares given that ratio."""
    distance = share_new - ratio * share_old
    root = sqrt((share_new - ratio**2 * share_old) ** 2 + 4 * ratio**2 * only_new * only_old)
    old = (-share_new + ratio**2 * (share_old + 2 * only_new) + root) / (2 * ratio * (ratio + 1))
    new = ratio * old - (ratio - 1) * (share_new + only_old)
    variance = ratio * (old + new) / size
    if variance <= 1e-24:
        return 0.0 if abs(distance) <= 1e-12 else inf
    return distance / sqrt(variance)


def _turn(keeps: Callable[[float], bool], *, inside: float, outside: float) -> float:
    """The ratio between `inside`, which is kept, and `outside`, which is not, where it turns."""
    for _ in range(80):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if keeps(middle) else (inside, middle)
    return (inside + outside) / 2
