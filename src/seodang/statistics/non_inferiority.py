"""Whether something is not worse than before by more than a margin that was set beforehand."""

from collections.abc import Sequence
from typing import Literal

Outcome = Literal["passed", "failed", "inconclusive"]


def non_inferior(interval: Sequence[float], margin: float) -> Outcome:
    """What a 95 % interval of "new minus old" says about a loss of more than `margin`, both as fractions.

    passed: the whole interval lies above -margin, so a loss of `margin` is ruled out. failed: the whole interval lies below -margin, so
    a larger loss was shown. inconclusive: -margin lies within it; more items would tell. A true loss of exactly `margin` passes with a
    probability of about 2.5 %, the upper half of what the interval leaves out. That the interval excludes 0 decides nothing here: a
    loss can be real and within the margin.
    Source: Piaggio et al. 2012, JAMA 308:2594 (CONSORT, non-inferiority trials). ValueError for a margin that is not above 0.
    """
    low, high = interval
    if not margin > 0:
        raise ValueError(f"a margin is a loss that would be accepted, above 0, not {margin}")
    if low > high:
        raise ValueError(f"an interval runs upwards, not from {low} to {high}")
    return "passed" if low > -margin else "failed" if high < -margin else "inconclusive"
