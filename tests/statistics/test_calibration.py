"""Calibration error, Brier score and risk over coverage: by hand, by their definitions, and by what is known of made-up models."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import booleans, integers, lists, tuples

from seodang.statistics.calibration import Binning, brier_score, calibration_error, risk_coverage

ANSWERS = lists(tuples(integers(0, 20).map(lambda x: x / 20), booleans()), min_size=1, max_size=40)


def made_up(n: int, shift: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    confidence = 0.2 + 0.8 * generator.beta(4, 2, n)
    return confidence, generator.random(n) < confidence - shift


def test_a_small_case_by_hand() -> None:
    found = calibration_error([0.1, 0.3, 0.8, 0.9], [0, 1, 1, 1], num_bins=2, binning="equal width")
    assert [(x.num_items, x.confidence, x.correct) for x in found.bins] == [
        (2, pytest.approx(0.2), 0.5),
        (2, pytest.approx(0.85), 1.0),
    ]
    assert found.expected == pytest.approx((0.3 + 0.15) / 2)


@pytest.mark.parametrize("binning", ["equal mass", "equal width"])
def test_debiased_error_is_right_on_average_where_the_plain_one_is_not(binning: Binning) -> None:
    """A calibrated model: the mean of the debiased square is 0 within its noise, the plain error's mean far above."""
    found = [calibration_error(*made_up(300, 0.0, seed), binning=binning) for seed in range(200)]
    assert np.mean([x.expected for x in found]) > 0.04
    assert np.mean([x.root_mean_square == 0 for x in found]) > 0.4
    off = [calibration_error(*made_up(300, 0.15, seed), binning=binning) for seed in range(200)]
    assert np.mean([x.root_mean_square**2 for x in off]) == pytest.approx(0.15**2, abs=0.002)


def test_equal_mass_bins_hold_equally_many_and_ties_stay_together() -> None:
    confidence, right = made_up(100, 0.1, 1)
    assert [x.num_items for x in calibration_error(confidence, right).bins] == [10] * 10
    assert [x.num_items for x in calibration_error([0.5] * 30, [1] * 30).bins] == [30]


def test_brier_score_is_the_mean_squared_distance() -> None:
    assert brier_score([0.5, 1.0, 0.0], [1, 1, 1]).mean == pytest.approx((0.25 + 0 + 1) / 3)


@given(ANSWERS)
def test_area_is_the_mean_over_orders_of_ties(rows: list[tuple[float, bool]]) -> None:
    """By definition: the risk of the k most confident, over all k; tied items stand for their group's mean."""
    confidence, right = np.array([x for x, _ in rows]), np.array([float(y) for _, y in rows])
    expected_wrong = np.array([1 - right[confidence == value].mean() for value in confidence])[np.argsort(-confidence, kind="stable")]
    oracle = np.mean([expected_wrong[:k].mean() for k in range(1, len(rows) + 1)])
    found = risk_coverage(confidence, right)
    assert found.area == pytest.approx(oracle, abs=1e-9)
    assert found.coverage[-1] == 1
    assert found.risk[-1] == pytest.approx(1 - right.mean())


def test_good_confidence_lowers_the_area() -> None:
    right = [1, 1, 1, 0, 0]
    assert risk_coverage([0.9, 0.8, 0.7, 0.2, 0.1], right).area == pytest.approx((1 / 4 + 2 / 5) / 5)
    assert risk_coverage([0.9, 0.8, 0.7, 0.2, 0.1], right).area < risk_coverage([0.1, 0.2, 0.7, 0.8, 0.9], right).area


@pytest.mark.parametrize(("confidence", "right"), [([1.5], [1]), ([0.5], [2]), ([0.5, 0.5], [1])])
def test_what_is_no_confidence_or_answer_is_refused(confidence: list[float], right: list[int]) -> None:
    with pytest.raises(ValueError, match="confidence"):
        calibration_error(confidence, right)
    with pytest.raises(ValueError, match="bin"):
        calibration_error([0.5], [1], num_bins=0)
