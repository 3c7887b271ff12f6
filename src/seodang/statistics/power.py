"""How many items a comparison needs: power, detectable differences and sample sizes, before anything is run.

`discordant` is the share of items that are right in one arm only, in truth; `difference` the true difference of the arms' shares, never
larger than it. Normal formula: Wald's test of a mean of paired differences of variance discordant - difference^2, n = (z_(1 - alpha / 2) +
z_power)^2 variance / difference^2 (Miller 2024, arXiv 2411.00640, section 5; Lachin 1992, Statist. Med. 11:1239). Exact: McNemar's
exact test given the discordant items, whose number is Binomial(n, discordant) (Duffy 1984, Biometrics 40:1005). Of a ratio: a normal
formula for the score statistic itself.
"""

from collections.abc import Callable
from functools import lru_cache
from math import ceil, inf, isinf, log, log1p, sqrt
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seodang.statistics.ratio import ratio_statistic
from seodang.statistics.tango import score_statistic

Method = Literal["exact", "normal"]
_STEP = 1e-6  # of shares, in slopes
_REACH = 8  # standard deviations of the number of discordant items that are summed over; beyond lies less than 1e-14


def paired_power(num_items: int, discordant: float, difference: float, *, alpha: float = 0.05, method: Method = "exact") -> float:
    """Probability that a two-sided test of level `alpha` finds `difference` (of either sign; 0 gives the test's true level)."""
    _check(num_items, discordant, difference, alpha)
    if method == "normal":
        if difference == 0:
            return alpha
        normal, shift = NormalDist(), abs(difference) * sqrt(num_items)
        deviation = sqrt(discordant - difference**2)
        if deviation == 0:
            return 1.0
        return normal.cdf(shift / deviation - normal.inv_cdf(1 - alpha / 2))
    power = 0.0
    for count, weight in _discordant_counts(num_items, discordant):
        chances = _binomial(count, (1 + difference / discordant) / 2)
        below = np.cumsum(_binomial(count, 0.5))  # P(X <= k), one tail of the test
        edge = int(np.searchsorted(below, alpha / 2 * (1 + 1e-9), side="right"))  # as many outcomes at either end reject
        power += weight * float(chances[:edge].sum() + chances[count + 1 - edge :].sum())
    return power


def required_items(difference: float, discordant: float, *, alpha: float = 0.05, power: float = 0.8, method: Method = "normal") -> int:
    """The fewest items with which `difference` is found with probability `power`, rounded up."""
    _check(1, discordant, difference, alpha)
    if difference == 0 or not alpha < power < 1:
        raise ValueError(f"a difference other than 0 and a power between alpha and 1 are needed, not {difference} and {power}")
    normal = ceil(_squared_quantiles(alpha, power) * (discordant - difference**2) / difference**2) or 1
    if method == "normal":
        return normal
    return _fewest(lambda num_items: paired_power(num_items, discordant, difference, alpha=alpha) >= power, normal)


def minimal_detectable_difference(
    num_items: int, discordant: float, *, alpha: float = 0.05, power: float = 0.8, method: Method = "normal"
) -> float | None:
    """The smallest difference that is found with probability `power`; None where even the largest possible one, `discordant`, is not."""
    _check(num_items, discordant, 0.0, alpha)
    if method == "normal":
        squared = _squared_quantiles(alpha, power)
        found = sqrt(squared * discordant / (num_items + squared))
        return found if found <= discordant else None
    low, high = 0.0, discordant
    if paired_power(num_items, discordant, high, alpha=alpha) < power:
        return None
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if paired_power(num_items, discordant, middle, alpha=alpha) >= power else (middle, high)
    return high


def required_items_per_arm(difference: float, share: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """The fewest items for each of two arms that answer different items, both right in about `share` of them: twice share (1 - share)
    takes the place of the paired variance."""
    if difference == 0 or not 0 < share < 1:
        raise ValueError(f"a difference other than 0 and a share between 0 and 1 are needed, not {difference} and {share}")
    return ceil(_squared_quantiles(alpha, power) * 2 * share * (1 - share) / difference**2)


def non_inferiority_power(num_items: int, discordant: float, margin: float, *, difference: float = 0.0, z: float = 1.96) -> float:
    """Probability that `non_inferior` says "passed" of Tango's interval, exactly: the chance of all outcomes whose lower end is above
    -margin. `difference` is the true "new minus old", 0 for equal arms; at -margin this is the rule's level, about 2.5 %."""
    _check(num_items, discordant, difference, 0.05)
    if not 0 < margin < 1:
        raise ValueError(f"a margin lies between 0 and 1, not {margin}")
    power = 0.0
    for count, weight in _discordant_counts(num_items, discordant):
        low, high = 0, count + 1  # of the discordant items, the fewest right in the new arm only with which the rule passes
        while low < high:
            middle = (low + high) // 2
            passes = score_statistic(middle, count - middle, num_items, -margin) >= z
            low, high = (low, middle) if passes else (middle + 1, high)
        power += weight * float(_binomial(count, (1 + difference / discordant) / 2)[low:].sum())
    return power


def required_items_for_margin(margin: float, discordant: float, *, difference: float = 0.0, power: float = 0.8, z: float = 1.96) -> int:
    """The fewest items with which the gate of `non_inferior` passes with probability `power` at the true `difference`."""
    if not -margin < difference or not 0 < power < 1:
        raise ValueError(f"no number of items lets a difference of {difference} pass a margin of {margin} with power {power}")
    reach = z + NormalDist().inv_cdf(power)
    start = ceil(reach**2 * (discordant - difference**2) / (difference + margin) ** 2) or 1
    return _fewest(lambda num_items: non_inferiority_power(num_items, discordant, margin, difference=difference, z=z) >= power, start)


def retention_power(
    num_items: float, discordant: float, teacher: float, minimum: float, ratio: float, *, z: float = 1.96, free: float = inf
) -> float:
    """Probability that the score test of "student / teacher > `minimum`" comes to `z` or more where the truth is `ratio`, about.

    `teacher` is the teacher's share of right answers, `discordant` how many items only one of both gets right, held within what these
    shares allow. `num_items` may be an effective number; where it was estimated from clusters, `free` are their degrees of freedom. The
    statistic counts as normal, with its value at the true shares as mean, and its slopes there times the multinomial variance of the
    shares as variance (delta method). At 60 to 100 items within 1 point of exact sums with 12 expected discordant items, within 3 with 6.
    """
    if not (num_items > 0 and 0 < discordant <= 1 and 0 < teacher <= 1 and minimum > 0 and 0 < ratio <= 1 / teacher):
        raise ValueError(
            "items, a discordant share and a teacher's share within 0..1, a bound above 0 and a ratio up to 1 / teacher are needed, not "
            f"{num_items}, {discordant}, {teacher}, {minimum}, {ratio}"
        )
    difference = (ratio - 1) * teacher
    either = max(abs(difference), min(discordant, teacher * (1 + ratio), 2 - teacher * (1 + ratio)))
    only_student, only_teacher = (either + difference) / 2, (either - difference) / 2
    shares = [max(0.0, share) for share in (teacher - only_teacher, only_student, only_teacher)]  # right in both, and in one alone

    def statistic(both: float, only_student: float, only_teacher: float) -> float:
        return ratio_statistic(only_student, only_teacher, both + only_student, both + only_teacher, 1.0, minimum)

    slopes = [_slope(statistic, shares, place) for place in range(3)]
    mean = sum(slope * share for slope, share in zip(slopes, shares, strict=True))
    variance = sum(slope**2 * share for slope, share in zip(slopes, shares, strict=True)) - mean**2
    found = sqrt(num_items) * statistic(*shares)
    variance += 0 if isinf(free) else found**2 / (2 * free)
    return NormalDist().cdf((found - z) / sqrt(max(variance, 1e-12)))


def _slope(function: Callable[..., float], shares: list[float], place: int) -> float:
    """How fast a function of three shares rises with one of them, which stays at 0 or above."""
    below, above = list(shares), list(shares)
    below[place], above[place] = max(0.0, shares[place] - _STEP), shares[place] + _STEP
    return (function(*above) - function(*below)) / (above[place] - below[place])


def _fewest(enough: Callable[[int], bool], start: int) -> int:
    """The fewest items that are enough, searched from a guess; power rises with items but for small steps of the counts."""
    low, high = 0, max(start, 1)
    while not enough(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _squared_quantiles(alpha: float, power: float) -> float:
    normal = NormalDist()
    return (normal.inv_cdf(1 - alpha / 2) + normal.inv_cdf(power)) ** 2


def _discordant_counts(num_items: int, discordant: float) -> list[tuple[int, float]]:
    """Each likely number of discordant items with its probability."""
    chances = _binomial(num_items, discordant)
    centre, deviation = num_items * discordant, sqrt(num_items * discordant * (1 - discordant))
    first, last = max(0, int(centre - _REACH * deviation - _REACH)), min(num_items, ceil(centre + _REACH * deviation + _REACH))
    return [(count, float(chances[count])) for count in range(first, last + 1)]


def _binomial(num: int, share: float) -> NDArray[np.float64]:
    """Probability of 0 to `num` hits, shape (num + 1,)."""
    if share in (0, 1):
        return np.eye(num + 1)[round(share) * num]
    hits = np.arange(num + 1)
    factorials = _log_factorials(1 << max(num, 1).bit_length())
    logs = factorials[num] - factorials[hits] - factorials[num - hits] + hits * log(share) + (num - hits) * log1p(-share)
    return np.exp(logs)


@lru_cache(maxsize=4)
def _log_factorials(size: int) -> NDArray[np.float64]:
    """log(k!) for k from 0 to size - 1."""
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, size, dtype=np.float64)))])


def _check(num_items: int, discordant: float, difference: float, alpha: float) -> None:
    if num_items < 1 or not 0 < discordant <= 1 or not abs(difference) <= discordant or not 0 < alpha < 1:
        raise ValueError(
            f"items from 1, a discordant share within 0..1, a difference within it and an alpha between 0 and 1 are needed, not "
            f"{num_items}, {discordant}, {difference}, {alpha}"
        )
