"""Intervals of one quantity: a proportion, or a mean over items."""

from collections.abc import Callable, Sequence
from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seodang.statistics.student import student_quantile

_DRAWS_AT_ONCE = 500  # keeps 500 x items indices in memory, not all draws


def wilson(correct: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """Score interval of the proportion `correct / total`, within 0..1; z = 1.96 covers 95 %.

    Source: Wilson 1927, J. Am. Stat. Assoc. 22:209. Its coverage swings with the share, because counts are whole:
    Domain (93 to 97 % covered for each share, see tests/statistics/test_coverage.py): 10 expected right and 10 wrong, or more.
    ValueError where no items were counted.
    """
    if total < 1:
        raise ValueError("a proportion of no items does not exist")
    if not 0 <= correct <= total:
        raise ValueError(f"{correct} right of {total} is not a proportion")
    return wilson_share(correct / total, total, z)


def wilson_share(share: float, total: float, z: float) -> tuple[float, float]:
    """Score interval of a share within 0..1 of `total` items, above 0, which may be an effective number and so a fraction."""
    weight = z * z / total
    if weight > 1e100:  # nothing is known, such as by t of hardly any degree of freedom
        return 0.0, 1.0
    centre = (share + weight / 2) / (1 + weight)
    half = sqrt(weight * share * (1 - share) + weight * weight / 4) / (1 + weight)
    low = 0.0 if share == 0 else max(0.0, centre - half)
    high = 1.0 if share == 1 else min(1.0, centre + half)
    return low, high


def mean_interval(estimates: Sequence[float], intervals: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Interval of the plain mean of quantities that are independent of each other, each with an interval of its own.

    Source: MOVER, Zou and Donner 2008, Stat. Med. 27:1693: the distances to the lower ends add up as roots of squares do, and so do those
    to the upper ends, so that skewed intervals give a skewed one. Its confidence is theirs. ValueError where there are none.
    """
    if not estimates:
        raise ValueError("a mean of nothing does not exist")
    mean = sum(estimates) / len(estimates)
    below = sqrt(sum((one - low) ** 2 for one, (low, _) in zip(estimates, intervals, strict=True)))
    above = sqrt(sum((high - one) ** 2 for one, (_, high) in zip(estimates, intervals, strict=True)))
    return mean - below / len(estimates), mean + above / len(estimates)


def bootstrap_mean(values: ArrayLike, *, seed: int, draws: int = 10_000, confidence: float = 0.95) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean of `values`, shape (num_items,), drawing items with replacement.

    Sources: Efron 1979, Ann. Statist. 7:1; the percentiles are moved outwards as far as Student's t asks for n items (Hesterberg 2015,
    Am. Stat. 69:371, "expanded percentile"). Equal seeds give equal intervals. Where all values are equal it has no width and says nothing.
    Domain (93 to 97 % covered, see tests/statistics/test_coverage.py): 50 items or more; for shares, 10 right and 10 wrong or more.
    """
    array = as_items(values)
    return bootstrap_ratio(array, np.ones(array.size), array.size, seed=seed, draws=draws, confidence=confidence)


def bootstrap_ratio(
    sums: NDArray[np.float64], sizes: NDArray[np.float64], effective: float, *, seed: int, draws: int = 10_000, confidence: float = 0.95
) -> tuple[float, float]:
    """The same interval of `sums.sum() / sizes.sum()`, the mean over items of clusters that are drawn with all their items.

    Both have shape (num_clusters,); `effective` is the number of clusters of equal size that weigh as much (`Clusters.effective`).
    """
    generator = np.random.default_rng(seed)

    def means(count: int) -> NDArray[np.float64]:
        drawn = generator.integers(0, sums.size, (count, sums.size))
        return sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)

    tail = expanded_tail(effective, confidence)
    low, high = np.quantile(in_chunks(draws, means), [tail, 1 - tail])
    return float(low), float(high)


def expanded_tail(num_items: float, confidence: float) -> float:
    """The share of bootstrap draws to leave out at either end so that few items are not taken for many; for fewer than two, none."""
    if num_items < 2:
        return 0.0
    reach = sqrt(num_items / (num_items - 1)) * student_quantile((1 + confidence) / 2, num_items - 1)
    return NormalDist().cdf(-reach)


def as_items(values: ArrayLike) -> NDArray[np.float64]:
    """`values` as finite floats of shape (num_items,), at least one; ValueError otherwise."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"values of shape (num_items,) are needed, at least one item, not shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError("every item needs a finite value")
    return array


def in_chunks(draws: int, compute: Callable[[int], NDArray[np.float64]]) -> NDArray[np.float64]:
    """`draws` results of `compute(count)`, asked for some hundreds at a time so that memory stays small."""
    if draws < 1:
        raise ValueError(f"at least one draw is needed, not {draws}")
    counts: Sequence[int] = [min(_DRAWS_AT_ONCE, draws - start) for start in range(0, draws, _DRAWS_AT_ONCE)]
    return np.concatenate([compute(count) for count in counts])
