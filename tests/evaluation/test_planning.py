"""What a number of items can show: shares and counts, and that needed items and found differences are one calculation."""

import pytest
from scipy import stats

from seodang.core.errors import InputError
from seodang.evaluation.planning import plan


def test_a_count_and_its_share_are_one_plan() -> None:
    assert plan(100, 40) == plan(100, 0.4)


def test_the_needed_items_find_what_they_are_needed_for() -> None:
    told = plan(400, 0.1)
    needed = told["superior"]["needed_items"]["5"]
    assert plan(needed, 0.1)["superior"]["detectable_points"] == pytest.approx(5, abs=0.03)
    needed = told["non_inferior"]["needed_items"]["5"]
    assert plan(needed, 0.1)["non_inferior"]["smallest_margin_points"] == pytest.approx(5, abs=0.05)


def test_a_large_plan_is_near_walds_formula() -> None:
    reach = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    assert plan(400, 0.2)["superior"]["needed_items"]["2"] == pytest.approx(reach**2 * (0.2 - 0.02**2) / 0.02**2, rel=0.03)


def test_a_difference_above_all_discordant_items_is_impossible() -> None:
    told = plan(1000, 0.02)["superior"]
    assert (told["needed_items"]["3"], told["power_at"]["3"]) == (None, None)
    assert plan(10, 1.0)["superior"]["detectable_points"] is None  # one discordant item shows nothing


def test_more_discordant_items_than_items_are_refused() -> None:
    with pytest.raises(InputError, match="120 of 100 items"):
        plan(100, 120)
