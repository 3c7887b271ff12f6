"""The true value that the items at hand would have shown: what a null result could have seen, and what an undecided rule wanted.

As discordant, as clustered and as many as the items came out; but a true difference makes as many items discordant as it needs, so that two
arms that agree on every item are not taken for arms that cannot disagree. None is said where no true value would have been found.
"""

from collections.abc import Callable
from functools import partial
from math import inf, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from seodang.statistics.clustered import Labels, as_clusters
from seodang.statistics.intervals import as_items
from seodang.statistics.one_sided import effective_size
from seodang.statistics.paired import average_seeds
from seodang.statistics.power import non_inferiority_power, paired_power, retention_power
from seodang.statistics.ratio import Retention
from seodang.statistics.student import student_quantile

EXACT_UP_TO = 2_000  # items; above, the normal formulas are as good and a thousand times as fast
_LEAST = 1e-6  # share of discordant items
_HALVINGS = 17


def detectable_difference(
    scores_a: ArrayLike, scores_b: ArrayLike, clusters: Labels | None, *, above: float = 0.0, alpha: float = 0.025, power: float = 0.8
) -> float | None:
    """The true difference from which "mean(a) - mean(b) > `above`", a bound of 0 or below, is found with probability `power` by a one-sided
    test of level `alpha`, for scores of shape (num_samples, num_items) within 0..1.

    Items that stand for themselves and are right or wrong: the exact power of McNemar's test (bound 0) or Tango's. Others: the same for the
    number of independent items that would be as certain; with too few clusters for any pattern of signs to reach `alpha`, None.
    """
    a, b = average_seeds(scores_a), average_seeds(scores_b)
    differences, groups = a - b, as_clusters(clusters, a.size)
    if 2.0 ** (1 - groups.num) > 2 * alpha:
        return None
    up, down = float(np.maximum(differences, 0).mean()), float(np.maximum(-differences, 0).mean())
    single = groups.num == a.size and bool(np.isin(np.concatenate([a, b]), (0.0, 1.0)).all())
    size = a.size if single else round(effective_size(differences, up + down - (up - down) ** 2, groups))
    z = NormalDist().inv_cdf(1 - alpha) if single else student_quantile(1 - alpha, groups.effective - 1)

    def chance(difference: float) -> float:
        discordant = max(up + down, abs(difference), _LEAST)
        if size > EXACT_UP_TO:
            return NormalDist().cdf((difference - above) * sqrt(size / max(discordant - difference**2, _LEAST)) - z)
        if above == 0:
            return paired_power(max(1, size), discordant, difference, alpha=2 * alpha)
        return non_inferiority_power(max(1, size), discordant, -above, difference=difference, z=z)

    return _lowest(lambda difference: chance(difference) >= power, above, 1.0)


def detectable_share(values: ArrayLike, clusters: Labels | None, *, above: float, alpha: float = 0.025, power: float = 0.8) -> float | None:
    """The true mean from which "above `above`" is found with probability `power`, for values of shape (num_items,) within 0..1: the score
    test's normal formula, with the number of independent items that would be as certain."""
    array = as_items(values)
    groups, mean = as_clusters(clusters, array.size), float(array.mean())
    if groups.num == 1:
        return None
    single = groups.num == array.size and bool(np.isin(array, (0.0, 1.0)).all())
    size = array.size if single else effective_size(array, mean * (1 - mean), groups)
    z = NormalDist().inv_cdf(1 - alpha) if single else student_quantile(1 - alpha, groups.effective - 1)
    reach = NormalDist().inv_cdf(power)

    def reached(share: float) -> bool:
        return (share - above) * sqrt(size) >= z * sqrt(above * (1 - above)) + reach * sqrt(share * (1 - share))

    return _lowest(reached, above, 1.0)


def detectable_ratio(found: Retention, minimum: float, *, alpha: float = 0.025, power: float = 0.8) -> float | None:
    """The true ratio from which the one-sided test of "above `minimum`" passes with probability `power` on as many items as `found` has.
    None where no ratio does that the student could have, or none is known."""
    if found.status != "bounded" or not 0 < minimum < 1 / found.teacher:
        return None
    z, clustered = student_quantile(1 - alpha, found.free), found.num_clusters < found.num_items
    free, discordant = found.free if clustered else inf, found.discordant or _LEAST
    chance = partial(retention_power, found.size, discordant, found.teacher, minimum, z=z, free=free)
    return _lowest(lambda ratio: chance(ratio) >= power, minimum, 1 / found.teacher)


def _lowest(reached: Callable[[float], bool], low: float, high: float) -> float | None:
    """The lowest value up to `high` from which `reached`; None where `high` is not."""
    if not reached(high):
        return None
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high
