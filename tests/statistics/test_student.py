"""Tails and quantiles of Student's t, against scipy."""

import math

import numpy as np
import pytest
import scipy.stats

from seodang.statistics.student import student_above, student_quantile

FREE = [0.1, 0.22, 0.5, 0.9, 1.0, 1.5, 1.7, 2.0, 3.0, 5.0, 12.5, 39.9, 40.1, 200.0, 1e4, 1e6]
TAILS = [1e-12, 1e-9, 1e-5, 0.01, 0.025, 0.1, 0.2, 0.25, 0.3, 0.4, 0.49, 0.4999]


@pytest.mark.parametrize("free", FREE)
def test_quantiles_are_those_of_scipy_on_both_sides(free: float) -> None:
    for tail in TAILS:
        upper = 1 - tail  # rounded, so that scipy is asked for what is left of it
        assert student_quantile(upper, free) == pytest.approx(scipy.stats.t.isf(1 - upper, free), rel=1e-9)
        assert student_quantile(tail, free) == pytest.approx(scipy.stats.t.ppf(tail, free), rel=1e-9)
    assert student_quantile(0.5, free) == 0


@pytest.mark.parametrize("free", FREE)
def test_tails_are_those_of_scipy_however_small(free: float) -> None:
    """A value on either side of where the method changes, and tails down to what a float holds."""
    values = [0.0, 1e-9, 1e-3, 0.5, 1.0, 1.7320508, 1.7320509, 2.0, 3.7, 6.0, 12.0, 30.0, 100.0, 1e3]
    for value in values:
        assert student_above(value, free) == pytest.approx(scipy.stats.t.sf(value, free), rel=1e-9, abs=1e-300)
        assert student_above(-value, free) == pytest.approx(scipy.stats.t.cdf(value, free), rel=1e-9)


def test_a_tail_of_1e_200_keeps_its_digits() -> None:
    value = float(scipy.stats.t.isf(1e-200, 30))
    assert student_above(value, 30) == pytest.approx(1e-200, rel=1e-9, abs=0)


@pytest.mark.parametrize("free", [1e-3, 0.5, 2.0, 99.0, 1e9])
def test_a_tail_is_a_probability_that_falls_with_the_value(free: float) -> None:
    values = np.concatenate([np.linspace(0, 40, 2_001), [1e3, 1e100, 1e200, 1e300, math.inf]])
    tails = np.array([student_above(float(value), free) for value in values])
    assert tails[0] == 0.5
    assert (np.diff(tails) <= 0).all()
    assert tails[-1] == 0
    assert student_above(-math.inf, free) == 1


@pytest.mark.parametrize("free", [0.3, 0.5, 2.0, 45.0, 1e5])
@pytest.mark.parametrize("share", [1e-12, 0.3, 0.6, 0.975, 1 - 1e-12])
def test_the_tail_above_a_quantile_is_what_its_share_leaves(share: float, free: float) -> None:
    assert student_above(student_quantile(share, free), free) == pytest.approx(1 - share, rel=1e-12)


def test_a_quantile_beyond_every_float_is_infinite() -> None:
    assert student_quantile(0.975, 1e-3) == math.inf
    assert student_quantile(0.025, 1e-3) == -math.inf


@pytest.mark.parametrize(("share", "free"), [(0.0, 3), (1.0, 3), (0.9, 0.0), (0.9, math.inf), (math.nan, 3), (0.9, math.nan)])
def test_what_has_no_quantile_is_refused(share: float, free: float) -> None:
    with pytest.raises(ValueError, match="needed"):
        student_quantile(share, free)


@pytest.mark.parametrize(("value", "free"), [(1.0, 0.0), (1.0, -1.0), (math.nan, 3.0), (1.0, math.nan)])
def test_what_has_no_tail_is_refused(value: float, free: float) -> None:
    with pytest.raises(ValueError, match="needed"):
        student_above(value, free)
