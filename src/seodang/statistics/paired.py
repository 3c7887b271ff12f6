"""Two arms compared on the same items. `compare_paired` chooses the method by what the scores are."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, inf, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seodang.statistics.clustered import Clusters, Labels, as_clusters
from seodang.statistics.intervals import as_items, bootstrap_ratio, in_chunks
from seodang.statistics.tango import tango_interval


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """Arm a minus arm b on the same n items."""

    difference: float  # a fraction in -1..1 for shares of right answers
    interval: tuple[float, float]  # 95 %
    p: float  # two-sided
    n: int  # items
    num_clusters: int  # n where each item stands for itself
    method: str  # of p and interval, for a table's footnote


def compare_paired(
    scores_a: ArrayLike, scores_b: ArrayLike, clusters: Labels | None = None, *, seed: int, draws: int = 10_000
) -> PairedComparison:
    """Difference of two arms' mean scores by the method that fits the data, so that no caller can choose a wrong one.

    Scores have shape (num_samples, num_items), the items in the same order; `clusters` is one label an item, None for items that stand for
    themselves. Right or wrong, equally in all samples of an arm, on items that stand for themselves: `paired_exact`. Anything else:
    `paired_clusters`. ValueError for scores outside of 0..1, arms without the same items, or a missing cluster.
    """
    a, b = _samples(scores_a), _samples(scores_b)
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"paired arms need the same items: {a.shape[1]} and {b.shape[1]}")
    groups = as_clusters(clusters, a.shape[1])
    if groups.num == groups.num_items and _is_one_exam(a) and _is_one_exam(b):
        return paired_exact([bool(x) for x in a[0]], [bool(x) for x in b[0]])
    return paired_clusters(a, b, clusters, seed=seed, draws=draws)


def mcnemar_exact(b: int, c: int) -> float:
    """Two-sided exact p of the hypothesis that both arms are right equally often.

    `b` items are right in the first arm only, `c` in the second only; the other items say nothing about it.
    Source: McNemar 1947, Psychometrika 12:153, in its exact form: b is Binomial(b + c, 1/2).
    """
    if b < 0 or c < 0:
        raise ValueError(f"counts of items cannot be negative: {b}, {c}")
    b, c = int(b), int(c)  # NumPy's would run over
    n = b + c
    tail = sum(comb(n, k) for k in range(min(b, c) + 1))
    return min(1.0, 2 * tail / 2**n)


def paired_exact(a: Sequence[bool], b: Sequence[bool]) -> PairedComparison:
    """Two arms judged right or wrong once on each item: Tango's 95 % interval and McNemar's exact p."""
    only_a, only_b = _discordant(a, b)
    interval, p = paired_difference_interval(a, b), mcnemar_exact(only_a, only_b)
    return PairedComparison((only_a - only_b) / len(a), interval, p, len(a), len(a), "McNemar exact p, Tango score interval 95 %")


def _discordant(a: Sequence[bool], b: Sequence[bool]) -> tuple[int, int]:
    """How many items are right in a only, and in b only."""
    if len(a) != len(b) or len(a) == 0:
        raise ValueError(f"paired arms need the same items, at least one: {len(a)} and {len(b)}")
    pairs = list(zip(a, b, strict=True))
    return sum(x and not y for x, y in pairs), sum(y and not x for x, y in pairs)


def paired_difference_interval(a: Sequence[bool], b: Sequence[bool], z: float = 1.96) -> tuple[float, float]:
    """Tango's score interval of `mean(a) - mean(b)` for two arms judged right or wrong on the same items; z = 1.96 covers 95 %.

    Domain (93 to 97 % covered, see tests/statistics/test_coverage.py): 5 expected discordant items or more.
    ValueError for unequal lengths or no items.
    """
    return tango_interval(*_discordant(a, b), len(a), z)


def paired_clusters(
    scores_a: ArrayLike, scores_b: ArrayLike, clusters: Labels | None, *, seed: int, draws: int = 10_000
) -> PairedComparison:
    """Difference of two arms' mean scores, within 0..1, on items that come in clusters, or that were answered several times.

    Scores have shape (num_samples, num_items); each item's score is averaged over the samples first, the arms may differ in num_samples.
    Interval: Tango's, with the number of independent items that would give the difference its cluster-robust standard error, and Student's
    t of `Clusters.effective` - 1 degrees of freedom. It is -1..1 for one cluster, which shows nothing about others. p: sign flips of whole
    clusters, all of them where they are at most `draws`.
    Domain (93 to 97 % covered, see tests/statistics/test_coverage.py): 50 clusters or more, 10 % of the items or more discordant.
    """
    a, b = average_seeds(scores_a), average_seeds(scores_b)
    if a.size != b.size:
        raise ValueError(f"paired arms need the same items: {a.size} and {b.size}")
    if min(a.min(), b.min()) < 0 or max(a.max(), b.max()) > 1:
        raise ValueError("scores lie between 0 and 1")
    groups = as_clusters(clusters, a.size)
    differences = a - b
    interval = clustered_tango(differences, groups)
    p = sign_flip_p(groups.sums(differences), seed=seed, draws=draws)
    method = "sign-flip permutation p of clusters, clustered Tango score interval 95 %"
    return PairedComparison(float(differences.mean()), interval, p, a.size, groups.num, method)


def clustered_tango(differences: NDArray[np.float64], groups: Clusters) -> tuple[float, float]:
    """95 % interval of the mean of each item's difference of two scores, within -1..1, shape (num_items,), as in `paired_clusters`."""
    if groups.num == 1:
        return -1.0, 1.0
    up, down = float(np.maximum(differences, 0).mean()), float(np.maximum(-differences, 0).mean())
    spread, variance = up + down - (up - down) ** 2, groups.covariance(differences, differences)
    size = spread / variance if sqrt(variance) > 1e-12 and spread > 0 else groups.effective
    return tango_interval(up * size, down * size, size, groups.quantile())


def sign_flip_p(sums: NDArray[np.float64], *, seed: int, draws: int = 10_000) -> float:
    """Two-sided p of the hypothesis that each of `sums`, shape (num_clusters,), is as likely with the other sign.

    All sign patterns are tried where they are at most `draws`, otherwise `draws` random ones (Fisher 1935, The Design of Experiments;
    Phipson and Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9:39, for the + 1).
    """
    moved = sums[sums != 0]
    # The tolerance lets patterns that equal the finding up to rounding count as equal.
    limit = abs(float(moved.sum())) - 1e-9 * max(1, sums.size)
    if 2**moved.size <= draws:
        signs = 1 - 2.0 * (np.arange(2**moved.size)[:, None] >> np.arange(moved.size) & 1)
        return float((np.abs(signs @ moved) >= limit).mean())
    generator = np.random.default_rng([seed, 1])
    flipped = in_chunks(draws, lambda count: generator.choice((-1.0, 1.0), (count, moved.size)) @ moved)
    return (1 + int((np.abs(flipped) >= limit).sum())) / (draws + 1)


def paired_bootstrap(
    scores_a: ArrayLike, scores_b: ArrayLike, clusters: Labels | None = None, *, seed: int, draws: int = 10_000
) -> PairedComparison:
    """Difference of two arms' mean scores of any range, such as rewards or grades, by drawing whole clusters of items with replacement.

    Scores have shape (num_seeds, num_items), the items in the same order; the arms may differ in num_seeds. Each item's
    score is averaged over the seeds first, so that seeds are not counted as items. The 95 % interval is the percentile bootstrap (Field and
    Welsh 2007, J. R. Stat. Soc. B 69:369, for clusters), expanded as `bootstrap_mean` does for the effective number of clusters; p by sign
    flips of whole clusters. Scores within 0..1 are better compared by `compare_paired`, which keeps its level where few items differ.
    Domain (93 to 97 % covered, see tests/statistics/test_coverage.py): 50 effective clusters or more, most of whose items differ, and
    differences no more skewed than an exponential: of lognormal ones, with a deviation of 1 of the logarithm, 89 to 92 % at 60 to 100.
    """
    mean_a, mean_b = average_seeds(scores_a), average_seeds(scores_b)
    if mean_a.size != mean_b.size:
        raise ValueError(f"paired arms need the same items: {mean_a.size} and {mean_b.size}")
    differences, groups = mean_a - mean_b, as_clusters(clusters, mean_a.size)
    sums = groups.sums(differences)
    if groups.num == 1:
        return PairedComparison(float(differences.mean()), (-inf, inf), 1.0, differences.size, 1, "not known from one cluster")
    interval = bootstrap_ratio(sums, groups.sizes, groups.effective, seed=seed, draws=draws)
    p = sign_flip_p(sums, seed=seed, draws=draws)
    method = "sign-flip permutation p, bootstrap over clusters 95 %"
    return PairedComparison(float(differences.mean()), interval, p, differences.size, groups.num, method)


def average_seeds(scores: ArrayLike) -> NDArray[np.float64]:
    """Mean score of each item, shape (num_items,), from scores of shape (num_seeds, num_items)."""
    return as_items(_samples(scores).mean(axis=0))


def _samples(scores: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(scores, dtype=np.float64)
    if array.ndim != 2 or array.shape[0] == 0:
        raise ValueError(f"scores of shape (num_seeds, num_items) are needed, not {array.shape}")
    return array


def _is_one_exam(scores: NDArray[np.float64]) -> bool:
    """Right or wrong, and the same in every sample: samples of a greedy model say nothing more than one does."""
    return bool(np.isin(scores, (0.0, 1.0)).all() and (scores == scores[0]).all())
