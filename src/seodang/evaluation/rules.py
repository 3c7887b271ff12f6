"""The rules of a gate as functions on arrays: what each claims, the p of its contrary, and whether the contrary was shown.

A rule is one-sided: p is the chance of seeing this much if the claim missed by a hair. The student's errors count as wrong. Those of the
model that it is held against count as right for the claim and as wrong for its contrary, so that they neither pass nor fail a student.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seodang.evaluation.score import mean_score
from seodang.statistics.detectable import detectable_difference, detectable_ratio, detectable_share
from seodang.statistics.families import holm
from seodang.statistics.one_sided import above_zero_p, difference_p, mean_p, ratio_p
from seodang.statistics.paired import average_seeds, compare_paired
from seodang.statistics.ratio import retention

Scores = NDArray[np.float64]  # (num_samples, num_items), within 0..1
Outcome = Literal["passed", "failed", "inconclusive"]

SEED = 20_250_225  # of sign flips, so that equal answers give equal verdicts
POWER = 0.8


@dataclass(frozen=True, slots=True)
class Tested:
    """What one rule found. All quantities are fractions; the interval is a 95 % one."""

    estimate: float | None  # the difference, the score, or the ratio; None where the ratio is not defined
    interval: tuple[float, float] | None
    p: float  # one-sided, of the claim's contrary
    contrary: bool  # the whole interval lies beyond the bound
    num_items: int
    num_clusters: int
    method: str
    seen_at: Callable[[], float | None]  # the true value from which these items, alone, pass with a probability of 80 %; None: no value

    def outcome(self, p: float, alpha: float) -> Outcome:
        """By its own p, or the one that Holm corrected."""
        return "passed" if p <= alpha else "failed" if self.contrary else "inconclusive"


def decide_family(tested: Sequence[Tested], alpha: float) -> list[tuple[float, Outcome]]:
    """The p of each rule, corrected by Holm for all of them, and what becomes of it."""
    return [(p, found.outcome(p, alpha)) for found, p in zip(tested, holm([found.p for found in tested]), strict=True)]


def superior(
    student: Scores,
    other: Scores,
    clusters: Sequence[str],
    *,
    smallest_gain: float = 0.0,
    alpha: float = 0.025,
    best: Scores | None = None,
    flips: int = 10_000,
) -> Tested:
    """Claim: student - other > 0. Its contrary: the interval lies below `smallest_gain`, the least gain that would matter.

    `best` are the other's scores with its errors counted as right (None: it had no errors), `flips` how many sign patterns of clusters are
    tried.
    """
    return _difference(student, best, other, clusters, 0.0, smallest_gain, alpha, flips)


def non_inferior(
    student: Scores,
    other: Scores,
    clusters: Sequence[str],
    *,
    margin: float,
    alpha: float = 0.025,
    best: Scores | None = None,
    flips: int = 10_000,
) -> Tested:
    """Claim: student - other > -margin, a loss that would be accepted, above 0. Source: Piaggio et al. 2012, JAMA 308:2594."""
    if not 0 < margin < 1:
        raise ValueError(f"a margin is a loss that would be accepted, above 0 and below 1, not {margin}")
    return _difference(student, best, other, clusters, -margin, -margin, alpha, flips)


def at_least(student: Scores, clusters: Sequence[str], *, threshold: float, alpha: float = 0.025) -> Tested:
    """Claim: the score is above `threshold`."""
    values = average_seeds(student)
    found = mean_score(values, clusters)
    low, high = found["interval"]
    p = mean_p(values, clusters, above=threshold)
    seen = partial(detectable_share, values, clusters, above=threshold, alpha=alpha, power=POWER)
    return Tested(found["score"], (low, high), p, high < threshold, found["n"], found["num_clusters"], found["method"], seen)


def retained(
    student: Scores, teacher: Scores, clusters: Sequence[str], *, minimum: float, alpha: float = 0.025, best: Scores | None = None
) -> Tested:
    """Claim: student / teacher > `minimum`, on the same items. Its p is that of "mean(student - minimum * teacher) is at most 0".

    Where the ratio's interval has no upper end, there is none, or not even a student that is always right would have passed, nothing is
    told of what would have.
    """
    strict, kind = (retention(student, other, clusters) for other in (teacher if best is None else best, teacher))
    p = ratio_p(student, teacher if best is None else best, clusters, above=minimum)
    contrary = kind.interval is not None and kind.interval[1] < minimum  # an end without bound never is
    seen = partial(detectable_ratio, strict, minimum, alpha=alpha, power=POWER)
    return Tested(strict.ratio, strict.interval, p, contrary, strict.num_items, strict.num_clusters, strict.method, seen)


def _difference(
    student: Scores,
    best: Scores | None,
    other: Scores,
    clusters: Sequence[str],
    bound: float,
    failed_below: float,
    alpha: float,
    flips: int,
) -> Tested:
    strict = other if best is None else best
    found = compare_paired(student, strict, clusters, seed=SEED, draws=flips)
    p = above_zero_p(found) if bound == 0 else difference_p(student, strict, clusters, above=bound, seed=SEED)
    kind = found if best is None else compare_paired(student, other, clusters, seed=SEED, draws=flips)
    contrary = kind.interval[1] < failed_below
    seen = partial(detectable_difference, student, strict, clusters, above=bound, alpha=alpha, power=POWER)
    return Tested(found.difference, found.interval, p, contrary, found.n, found.num_clusters, found.method, seen)
