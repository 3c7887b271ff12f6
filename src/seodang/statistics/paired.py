"""Two arms compared on the same items."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seodang.statistics.intervals import as_items, bootstrap_mean, in_chunks


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """Arm a minus arm b on the same n items."""

    difference: float  # a fraction in -1..1 for shares of right answers
    interval: tuple[float, float]  # 95 %
    p: float  # two-sided
    n: int  # items


def mcnemar_exact(b: int, c: int) -> float:
    """Two-sided exact p of the hypothesis that both arms are right equally often.

    `b` items are right in the first arm only, `c` in the second only; the other items say nothing about it.
    Source: McNemar 1947, Psychometrika 12:153, in its exact form: b is Binomial(b + c, 1/2).
    """
    if b < 0 or c < 0:
        raise ValueError(f"counts of items cannot be negative: {b}, {c}")
    n = b + c
    tail = sum(comb(n, k) for k in range(min(b, c) + 1))
    return min(1.0, 2 * tail / 2**n)


def paired_exact(a: Sequence[bool], b: Sequence[bool]) -> PairedComparison:
    """Two arms judged right or wrong once on each item: Tango's 95 % interval and McNemar's exact p."""
    only_a, only_b = _discordant(a, b)
    return PairedComparison((only_a - only_b) / len(a), paired_difference_interval(a, b), mcnemar_exact(only_a, only_b), len(a))


def _discordant(a: Sequence[bool], b: Sequence[bool]) -> tuple[int, int]:
    """How many items are right in a only, and in b only."""
    if len(a) != len(b) or len(a) == 0:
        raise ValueError(f"paired arms need the same items, at least one: {len(a)} and {len(b)}")
    pairs = list(zip(a, b, strict=True))
    return sum(x and not y for x, y in pairs), sum(y and not x for x, y in pairs)


def paired_difference_interval(a: Sequence[bool], b: Sequence[bool], z: float = 1.96) -> tuple[float, float]:
    """Interval of `mean(a) - mean(b)` for two arms judged right or wrong on the same items; z = 1.96 covers 95 %.

    Score interval of Tango 1998, Statist. Med. 17:891: all differences that a score test does not reject. It has
    width where the arms agree on every item and stays within -1..1. ValueError for unequal lengths or no items.
    """
    only_a, only_b = _discordant(a, b)
    found = (only_a - only_b) / len(a)
    low = -1.0 if found == -1 else _solve(only_a, only_b, len(a), z, inside=found, outside=-1.0)
    high = 1.0 if found == 1 else _solve(only_a, only_b, len(a), z, inside=found, outside=1.0)
    return low, high


def _solve(only_a: int, only_b: int, n: int, z: float, *, inside: float, outside: float) -> float:
    """The difference between `inside`, which the test keeps, and `outside`, which it rejects, where it turns."""
    for _ in range(60):
        middle = (inside + outside) / 2
        if abs(_score_statistic(only_a, only_b, n, middle)) < z:
            inside = middle
        else:
            outside = middle
    return (inside + outside) / 2


def _score_statistic(only_a: int, only_b: int, n: int, difference: float) -> float:
    """Standardised distance of the counts from a true `difference`, strictly between -1 and 1.

    `share` is the most likely probability of "right in b only" given that difference: the larger root of
    2n x^2 + linear x - only_b difference (1 - difference) = 0.
    """
    linear = difference * (2 * n - only_a + only_b) - only_a - only_b
    root = sqrt(max(0.0, linear * linear + 8 * n * only_b * difference * (1 - difference)))
    share = (root - linear) / (4 * n)
    variance = n * (2 * share + difference * (1 - difference))
    distance = only_a - only_b - n * difference
    if variance <= 0:
        return 0.0 if distance == 0 else float("inf")
    return distance / sqrt(variance)


def paired_bootstrap(scores_a: ArrayLike, scores_b: ArrayLike, *, seed: int, draws: int = 10_000) -> PairedComparison:
    """Difference of two arms' mean scores, for arms that were run with one or more seeds.

    Scores have shape (num_seeds, num_items), the items in the same order; the arms may differ in num_seeds. Each item's
    score is averaged over the seeds first, so that seeds are not counted as items. The 95 % interval is the percentile
    bootstrap over items; p is a sign-flip permutation test (Fisher 1935; Phipson and Smyth 2010 for the +1).
    """
    mean_a, mean_b = average_seeds(scores_a), average_seeds(scores_b)
    if mean_a.size != mean_b.size:
        raise ValueError(f"paired arms need the same items: {mean_a.size} and {mean_b.size}")
    differences = mean_a - mean_b
    difference = float(differences.mean())
    interval = bootstrap_mean(differences, seed=seed, draws=draws)
    generator = np.random.default_rng([seed, 1])
    flipped = in_chunks(draws, lambda count: generator.choice((-1.0, 1.0), (count, differences.size)) @ differences / differences.size)
    # The tolerance lets permutations that equal the finding up to rounding count as equal.
    extreme = int((np.abs(flipped) >= abs(difference) - 1e-9).sum())
    return PairedComparison(difference, interval, (1 + extreme) / (draws + 1), differences.size)


def average_seeds(scores: ArrayLike) -> NDArray[np.float64]:
    """Mean score of each item, shape (num_items,), from scores of shape (num_seeds, num_items)."""
    array = np.asarray(scores, dtype=np.float64)
    if array.ndim != 2 or array.shape[0] == 0:
        raise ValueError(f"scores of shape (num_seeds, num_items) are needed, not {array.shape}")
    return as_items(array.mean(axis=0))
