"""Tango's score interval of a paired difference, from counts, which may be effective ones and so fractions.

Source: Tango 1998, Statist. Med. 17:891: all differences that a score test does not reject.
"""

from math import sqrt


def tango_interval(only_a: float, only_b: float, n: float, z: float) -> tuple[float, float]:
    """Interval of (only_a - only_b) / n for `n` pairs, of which `only_a` are right in the first arm only and `only_b` in the second only.

    It has width where the arms agree on every item and stays within -1..1.
    """
    found = (only_a - only_b) / n
    low = -1.0 if found <= -1 else _solve(only_a, only_b, n, z, inside=found, outside=-1.0)
    high = 1.0 if found >= 1 else _solve(only_a, only_b, n, z, inside=found, outside=1.0)
    return low, high


def score_statistic(only_a: float, only_b: float, n: float, difference: float) -> float:
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


def _solve(only_a: float, only_b: float, n: float, z: float, *, inside: float, outside: float) -> float:
    """The difference between `inside`, which the test keeps, and `outside`, which it rejects, where it turns."""
    for _ in range(60):
        middle = (inside + outside) / 2
        if abs(score_statistic(only_a, only_b, n, middle)) < z:
            inside = middle
        else:
            outside = middle
    return (inside + outside) / 2
