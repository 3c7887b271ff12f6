"""Student's t: its tails, and how much wider an interval has to be whose deviation was estimated from few values.

Source: Student 1908, Biometrika 6:1. Either part of the distribution is an incomplete beta function of its own (DLMF 8.17), so that neither
is what the other leaves of 1 and both keep their digits, however small they are.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist

_CENTRE = 3.0  # squared value up to which the middle is summed; there the tail is above .04 and loses no digits as .5 less the middle


def student_above(value: float, free: float) -> float:
    """Probability that a t of `free` degrees of freedom (above 0, fractions too) lies above `value`, within 0..1.

    Relative error about 1e-13, far tails too; below the least float it is 0. ValueError for other degrees of freedom, or NaN.
    """
    if not 0 < free < math.inf or math.isnan(value):
        raise ValueError(f"a value and degrees of freedom above 0 are needed, not {value} and {free}")
    above = _above(abs(value), free)
    return above if value >= 0 else 1 - above


@lru_cache(maxsize=1024)
def student_quantile(share: float, free: float) -> float:
    """The value that a t of `free` degrees of freedom (above 0, fractions too) stays below in `share` (between 0 and 1) of the cases.

    Relative error about 1e-13; infinite where it is beyond what a float holds. ValueError outside of these ranges.
    """
    if not (0 < share < 1 and 0 < free < math.inf):
        raise ValueError(f"a share between 0 and 1 and degrees of freedom above 0 are needed, not {share} and {free}")
    if share == 0.5:
        return 0.0
    tail = min(share, 1 - share)
    start = -NormalDist().inv_cdf(tail)
    found = _invert(_between, abs(share - 0.5), free, start) if tail > 0.25 else _invert(_above, tail, free, start)
    return found if share > 0.5 else -found


def _invert(part: Callable[[float, float], float], wanted: float, free: float, start: float) -> float:
    """The value above 0 whose `part` of the distribution is `wanted`. The logarithm of either part is concave in that of the value, so
    Newton's steps in logarithms, from the normal quantile (which lies nearer to 0), come to it."""
    last = value = start
    for _ in range(100):
        found = part(value, free)
        if found == 0:  # a step too far into the tail
            value = (last + value) / 2
            continue
        step = math.log(found / wanted) * found / _weight(value, free)
        step = step if part is _above else -step
        if step > 700 - math.log(value):
            return math.inf
        last, value = value, value * math.exp(step)
        if abs(step) < 1e-8:  # the next one would be about its square
            break
    return value


def _above(value: float, free: float) -> float:
    return 0.5 - _middle(value, free) if value * value <= _CENTRE else _far_tail(value, free)


def _between(value: float, free: float) -> float:
    """Probability of 0 to `value`."""
    return _middle(value, free) if value * value <= _CENTRE else 0.5 - _far_tail(value, free)


def _weight(value: float, free: float) -> float:
    """`value` times the density there."""
    logs = math.log(value / math.sqrt(free)) - (free + 1) / 2 * _log_stretch(value, free)
    return math.exp(logs) * _gamma_ratio(free / 2) / math.sqrt(math.pi)


def _middle(value: float, free: float) -> float:
    """Probability of 0 to `value`: half of I(y; 1/2, free / 2) with y = value^2 / (free + value^2), by its series, DLMF 8.17.8."""
    half, y = free / 2, value * value / (free + value * value)
    term = total = 1.0
    for n in range(10_000):
        term *= (half + 0.5 + n) / (1.5 + n) * y
        total += term
        if term < 1e-17 * total:
            break
    return total * math.sqrt(y / math.pi) * math.exp(-half * _log_stretch(value, free)) * _gamma_ratio(half)


def _far_tail(value: float, free: float) -> float:
    """Probability above `value`: half of I(x; a, b), x = free / (free + value^2), a = free / 2 and b = 1/2, by the continued fraction of
    DiDonato and Morris 1992, ACM Trans. Math. Softw. 18:360, section 6, which does not subtract nearly equal numbers where `free` is large;
    its convergents come from the top (Lentz 1976, Appl. Opt. 15:668)."""
    a, b, distance = free / 2, 0.5, math.hypot(value, math.sqrt(free))
    if math.isinf(distance):
        return 0.0
    x, y = (math.sqrt(free) / distance) ** 2, (value / distance) ** 2
    fraction = upper = a * (a * y - b * x + 1) / (a + 1)
    lower = 0.0
    for n in range(1, 10_000):
        numerator = (a + n - 1) / (a + 2 * n - 1) * ((a + b + n - 1) / (a + 2 * n - 1)) * n * (b - n) * x * x
        term = n + n * (b - n) * x / (a + 2 * n - 1) + (a + n) / (a + 2 * n + 1) * (a * y - b * x + 1 + n * (1 + y))
        lower = 1 / (term + numerator * lower)
        upper = term + numerator / upper
        fraction *= upper * lower
        if abs(upper * lower - 1) < 1e-15:
            break
    return math.exp(-a * _log_stretch(value, free)) * _gamma_ratio(a) / math.sqrt(math.pi) * (value / distance) / fraction / 2


def _log_stretch(value: float, free: float) -> float:
    """log(1 + value^2 / free), also where the square is beyond what a float holds."""
    times = value / math.sqrt(free)
    return math.log1p(times * times) if times < 1e100 else 2 * math.log(times)


def _gamma_ratio(half: float) -> float:
    """gamma(half + 1/2) / gamma(half). For large ones by Stirling's series, since the difference of two large logarithms has few digits."""
    if half < 20:
        return math.gamma(half + 0.5) / math.gamma(half)
    inverse = 1 / half
    square = inverse * inverse
    return math.sqrt(half) * math.exp(-inverse * (1 / 8 - square * (1 / 192 - square * (1 / 640 - square * 17 / 14336))))
