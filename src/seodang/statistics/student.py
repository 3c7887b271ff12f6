"""Student's t: how much wider an interval has to be whose deviation was estimated from few values."""

import math
from functools import lru_cache


@lru_cache(maxsize=256)  # an integral by hand takes milliseconds
def student_quantile(share: float, free: float) -> float:
    """The value that a t of `free` degrees of freedom (above 0, fractions too) stays below in `share` (0.5..1) of the cases.

    Source: Student 1908, Biometrika 6:1. The distribution function is integrated by Simpson's rule and inverted by Newton's steps,
    by halving where one would leave the bracket. ValueError outside of these ranges.
    """
    if not 0.5 <= share < 1 or not free > 0:
        raise ValueError(f"a share from 0.5 to 1 and degrees of freedom above 0 are needed, not {share} and {free}")
    if share == 0.5:
        return 0.0
    low, high = 0.0, 1.0
    while _below(high, free) < share:
        high *= 2
    value = (low + high) / 2
    for _ in range(100):
        excess = _below(value, free) - share
        low, high = (low, value) if excess > 0 else (value, high)
        step = value - excess / _density(value, free)
        following = step if low < step < high else (low + high) / 2
        if abs(following - value) <= 1e-13 * following:
            return following
        value = following
    return value


def _density(value: float, free: float) -> float:
    return math.exp(_log_scale(free) - (free + 1) / 2 * math.log1p(value * value / free)) / math.sqrt(free)


def _log_scale(free: float) -> float:
    return math.lgamma((free + 1) / 2) - math.lgamma(free / 2) - math.log(math.pi) / 2


def _below(value: float, free: float) -> float:
    """The distribution function at a value of 0 or more. In the angle whose tangent is value / sqrt(free) the integrand is smooth."""
    top = math.atan(value / math.sqrt(free))
    scale = math.exp(_log_scale(free))
    steps = 200
    width = top / steps
    inner = sum((4 if index % 2 else 2) * math.cos(index * width) ** (free - 1) for index in range(1, steps))
    return 0.5 + scale * width / 3 * (1 + inner + math.cos(top) ** (free - 1))
