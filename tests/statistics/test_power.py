"""Power and sample sizes, against a published planning table, statsmodels, sums over all outcomes, and simulation."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import NormalIndPower

from seodang.statistics.non_inferiority import non_inferior
from seodang.statistics.paired import mcnemar_exact
from seodang.statistics.power import (
    minimal_detectable_difference,
    non_inferiority_power,
    paired_power,
    required_items,
    required_items_for_margin,
    required_items_per_arm,
    retention_power,
)
from seodang.statistics.ratio import ratio_statistic
from seodang.statistics.tango import tango_interval

PLAN = [
    (0.05, 0.1, 306),
    (0.05, 0.2, 620),
    (0.03, 0.1, 864),
    (0.03, 0.2, 1736),
    (0.02, 0.1, 1954),
    (0.02, 0.2, 3917),
    (0.01, 0.1, 7841),
    (0.01, 0.2, 15690),
]


@pytest.mark.parametrize(("difference", "discordant", "items"), PLAN)
def test_paired_planning_table(difference: float, discordant: float, items: int) -> None:
    """The table is rounded to the nearest item, `required_items` upwards."""
    unrounded = float(stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) ** 2 * (discordant - difference**2) / difference**2
    assert round(unrounded) == items
    assert required_items(difference, discordant) == np.ceil(unrounded)


@pytest.mark.parametrize(("difference", "items"), [(0.05, 1177), (0.03, 3270), (0.02, 7358), (0.01, 29434)])
def test_unpaired_planning_table(difference: float, items: int) -> None:
    """Its last row takes 1.96 for 1.959964 and is one item off the nearest."""
    assert 0 <= required_items_per_arm(difference, 0.75) - items <= 1
    oracle = NormalIndPower().solve_power(difference / np.sqrt(0.75 * 0.25), alpha=0.05, power=0.8)
    assert required_items_per_arm(difference, 0.75) == pytest.approx(np.ceil(oracle), abs=1)


@pytest.mark.parametrize(("n", "discordant", "difference"), [(20, 0.3, 0.1), (45, 0.2, -0.15), (25, 0.2, 0.2), (12, 1.0, 0.4)])
def test_exact_power_is_the_sum_over_all_outcomes(n: int, discordant: float, difference: float) -> None:
    up, down = (discordant + difference) / 2, (discordant - difference) / 2
    total = sum(
        stats.multinomial.pmf([b, c, n - b - c], n, [up, down, 1 - discordant])
        for b in range(n + 1)
        for c in range(n + 1 - b)
        if mcnemar_exact(b, c) <= 0.05
    )
    assert paired_power(n, discordant, difference) == pytest.approx(total, abs=1e-9)


@pytest.mark.parametrize(("n", "discordant", "difference"), [(40, 0.2, 0.0), (40, 0.2, -0.1), (30, 0.3, 0.1)])
def test_non_inferiority_power_is_the_sum_over_all_outcomes_that_pass(n: int, discordant: float, difference: float) -> None:
    up, down = (discordant + difference) / 2, (discordant - difference) / 2
    total = sum(
        stats.multinomial.pmf([b, c, n - b - c], n, [up, down, 1 - discordant])
        for b in range(n + 1)
        for c in range(n + 1 - b)
        if non_inferior(tango_interval(b, c, n, 1.96), 0.1) == "passed"
    )
    assert non_inferiority_power(n, discordant, 0.1, difference=difference) == pytest.approx(total, abs=1e-9)


@pytest.mark.parametrize(
    ("n", "discordant", "teacher", "minimum", "ratio"),
    [
        (60, 0.3, 0.7, 0.8, 1.05),
        (60, 0.2, 0.3, 0.5, 0.9),
        (80, 0.1, 0.9, 0.9, 1.0),
    ],
)
def test_retention_power_is_near_the_sum_over_all_outcomes(n: int, discordant: float, teacher: float, minimum: float, ratio: float) -> None:
    difference = (ratio - 1) * teacher
    new, old = (discordant + difference) / 2, (discordant - difference) / 2
    total = 0.0
    for only_new in range(n + 1):
        for only_old in range(n + 1 - only_new):
            both = np.arange(n + 1 - only_new - only_old)
            counts = np.stack([both, np.full_like(both, only_new), np.full_like(both, only_old), n - both - only_new - only_old], axis=1)
            chances = stats.multinomial.pmf(counts, n, [teacher - old, new, old, 1 - teacher - new])
            for chance, count in zip(chances, both.tolist(), strict=True):
                if chance > 1e-8:
                    shares = only_new / n, only_old / n, (count + only_new) / n, (count + only_old) / n
                    total += float(chance) if ratio_statistic(*shares, n, minimum) >= 1.96 else 0.0
    assert retention_power(n, discordant, teacher, minimum, ratio) == pytest.approx(total, abs=0.03)


def test_fewer_items_and_clusters_have_less_power_to_find_a_ratio() -> None:
    powers = [retention_power(n, 0.2, 0.6, 0.9, 1.0, free=free) for n, free in ((400, np.inf), (400, 30), (200, np.inf))]
    assert powers == sorted(powers, reverse=True)
    assert retention_power(200, 0.3, 0.6, 0.9, 0.9) == pytest.approx(0.025, abs=0.005)  # on the bound


def test_methods_agree_for_many_items_and_the_exact_test_never_exceeds_its_level() -> None:
    assert paired_power(4000, 0.2, 0.02) == pytest.approx(paired_power(4000, 0.2, 0.02, method="normal"), abs=0.02)
    assert all(paired_power(n, 0.2, 0.0) <= 0.05 for n in (10, 100, 1000))
    assert non_inferiority_power(2000, 0.2, 0.03, difference=-0.03) == pytest.approx(0.025, abs=0.002)


def test_items_and_differences_are_inverse_to_power() -> None:
    items = required_items(0.1, 0.2, method="exact")
    assert paired_power(items, 0.2, 0.1) >= 0.8 > paired_power(items - 1, 0.2, 0.1)
    exact, normal = (minimal_detectable_difference(items, 0.2, method=method) for method in ("exact", "normal"))
    assert exact == pytest.approx(0.1, abs=0.001)
    assert normal is not None
    assert paired_power(items, 0.2, normal, method="normal") == pytest.approx(0.8, abs=1e-4)
    needed = required_items_for_margin(0.05, 0.1)
    assert non_inferiority_power(needed, 0.1, 0.05) >= 0.8 > non_inferiority_power(needed - 1, 0.1, 0.05)


def test_what_cannot_be_found_is_said() -> None:
    assert minimal_detectable_difference(20, 0.1) is None
    assert minimal_detectable_difference(20, 0.1, method="exact") is None
    with pytest.raises(ValueError, match="discordant"):
        paired_power(100, 0.1, 0.2)
    with pytest.raises(ValueError, match="other than 0"):
        required_items(0.0, 0.1)
    with pytest.raises(ValueError, match="ratio up to 1 / teacher"):
        retention_power(100, 0.1, 0.8, 0.9, 1.3)
    with pytest.raises(ValueError, match="margin"):
        required_items_for_margin(0.05, 0.1, difference=-0.05)
