"""The guard's three outcomes, and how often each is wrong."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats

from seodang.statistics.non_inferiority import non_inferior
from seodang.statistics.paired import compare_paired, paired_difference_interval

MARGIN = 0.1
_EXAMS = 1500


def outcomes(n: int, loss: float, either: float, seed: int) -> dict[str, float]:
    """How often each outcome comes, over made-up suites of `n` items on which one arm is worse by `loss` in truth, and `either` of the
    items are right in one arm only."""
    draw = np.random.default_rng(seed)
    found = {"passed": 0, "failed": 0, "inconclusive": 0}
    for kinds in draw.choice(3, (_EXAMS, n), p=[(either - loss) / 2, (either + loss) / 2, 1 - either]):
        interval = paired_difference_interval((kinds == 0).tolist(), (kinds == 1).tolist())
        found[non_inferior(interval, MARGIN)] += 1
    return {outcome: number / _EXAMS for outcome, number in found.items()}


@pytest.mark.parametrize(("n", "either"), [(48, 0.2), (120, 0.3), (320, 0.12)])
def test_at_exactly_the_margin_hardly_any_suite_passes_or_fails(n: int, either: float) -> None:
    """Each at most 2.5 %, up to what the interval is off its level for few items; never more than 5 %."""
    found = outcomes(n, MARGIN, either, seed=n)
    assert found["passed"] <= 0.05
    assert found["failed"] <= 0.05


def test_no_loss_passes_and_a_large_one_fails_where_there_are_items_enough() -> None:
    assert outcomes(320, 0.0, 0.1, seed=1)["passed"] > 0.95
    assert outcomes(320, 0.25, 0.3, seed=2)["failed"] > 0.95


def test_at_exactly_the_margin_hardly_any_suite_passes_with_several_seeds() -> None:
    """Three runs of the taught arm against one of the untaught: the other kind of interval."""
    draw = np.random.default_rng(3)
    passed, num_suites = 0, 500
    for number in range(num_suites):
        before = draw.random(100) < 0.7
        likely = np.where(before, 0.7, 1 / 3) * (0.6 / 0.59)  # 0.6 on average, a tenth below the untaught arm's 0.7
        after = draw.random((3, 100)) < likely
        found = compare_paired(after, before[None], seed=number, draws=1000)
        passed += non_inferior(found.interval, MARGIN) == "passed"
    assert passed / num_suites <= 0.05


@given(floats(-1, 1), floats(-1, 1), floats(0.01, 0.5))
def test_the_three_outcomes_exclude_one_another_and_follow_the_margin(first: float, second: float, margin: float) -> None:
    low, high = sorted((first, second))
    outcome = non_inferior((low, high), margin)
    assert (outcome == "passed") == (low > -margin)
    assert (outcome == "failed") == (high < -margin)
    if outcome == "passed":
        assert non_inferior((low, high), margin + 0.1) == "passed"


def test_a_margin_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        non_inferior((-0.1, 0.1), 0)
    with pytest.raises(ValueError, match="upwards"):
        non_inferior((0.1, -0.1), 0.1)
