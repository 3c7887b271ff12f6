"""What a number of items can show, before they are asked."""

from math import ceil, sqrt
from statistics import NormalDist
from typing import Any

from seodang.core.errors import InputError
from seodang.statistics.detectable import EXACT_UP_TO
from seodang.statistics.power import (
    Method,
    minimal_detectable_difference,
    non_inferiority_power,
    paired_power,
    required_items,
    required_items_for_margin,
)

POINTS = (1, 2, 3, 5)
_NORMAL = NormalDist()
ALPHA = 0.05  # two-sided; half of it one-sided, as a gate declares


def plan(num_items: int, discordant: float, *, power: float = 0.8) -> dict[str, Any]:
    """What `num_items` find with a probability `power`, and how many items 1, 2, 3 and 5 points need, for either rule.

    `discordant` below 1 is the share of items that only one arm gets right; from 1 on their number. Points are hundredths. InputError for
    more discordant items than there are.
    """
    share = discordant if discordant < 1 else discordant / num_items
    if share > 1:
        raise InputError(
            f"{discordant:g} of {num_items} items cannot be discordant",
            where="--discordant",
            hint="below 1 it is a share, from 1 on a number",
        )
    found = minimal_detectable_difference(num_items, share, alpha=ALPHA, power=power, method=_method(num_items))
    margin = _smallest_margin(num_items, share, power)
    return {
        "n": num_items,
        "discordant_share": share,
        "power": power,
        "alpha_one_sided": ALPHA / 2,
        "method": f"exact up to {EXACT_UP_TO} items, normal formulas above",
        "superior": {
            "detectable_points": None if found is None else 100 * found,
            "power_at": {str(points): _power(num_items, share, points / 100) for points in POINTS},
            "needed_items": {str(points): _needed(share, points / 100, power) for points in POINTS},
        },
        "non_inferior": {
            "smallest_margin_points": None if margin is None else 100 * margin,
            "power_at": {str(points): _power_of_margin(num_items, share, points / 100) for points in POINTS},
            "needed_items": {str(points): _needed_for_margin(share, points / 100, power) for points in POINTS},
        },
    }


def _method(num_items: int) -> Method:
    return "exact" if num_items <= EXACT_UP_TO else "normal"


def _power(num_items: int, share: float, difference: float) -> float | None:
    """None where a difference is larger than all discordant items together."""
    return paired_power(num_items, share, difference, alpha=ALPHA, method=_method(num_items)) if difference <= share else None


def _needed(share: float, difference: float, power: float) -> int | None:
    if difference > share:
        return None
    about = required_items(difference, share, alpha=ALPHA, power=power)
    return about if about > EXACT_UP_TO else required_items(difference, share, alpha=ALPHA, power=power, method="exact")


def _power_of_margin(num_items: int, share: float, margin: float) -> float:
    if num_items <= EXACT_UP_TO:
        return non_inferiority_power(num_items, share, margin)
    return _NORMAL.cdf(margin * sqrt(num_items / share) - _NORMAL.inv_cdf(1 - ALPHA / 2))


def _needed_for_margin(share: float, margin: float, power: float) -> int:
    about = ceil((_reach(power) / margin) ** 2 * share)
    return about if about > EXACT_UP_TO else required_items_for_margin(margin, share, power=power)


def _smallest_margin(num_items: int, share: float, power: float) -> float | None:
    """The margin that equal models keep with a probability `power`; None where not even the largest does."""
    if num_items > EXACT_UP_TO:
        return _reach(power) * sqrt(share / num_items)
    low, high = 0.0, 0.99
    if non_inferiority_power(num_items, share, high) < power:
        return None
    for _ in range(14):
        middle = (low + high) / 2
        low, high = (low, middle) if non_inferiority_power(num_items, share, middle) >= power else (middle, high)
    return high


def _reach(power: float) -> float:
    """Standard errors between a bound and a truth that is found with a probability `power`."""
    return _NORMAL.inv_cdf(1 - ALPHA / 2) + _NORMAL.inv_cdf(power)
