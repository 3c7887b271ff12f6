"""Least squares with priors, against scipy."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from seodang.testbed.predict.least_squares import fit

X = np.linspace(0.1, 3, 12)
Y = 2.5 * np.exp(-1.3 * X) + 0.4 + 0.01 * np.sin(17 * X)
NOISE, CENTRE, SPREAD = np.full(12, 0.05), np.array([1.0, 1.0, 0.0]), np.array([2.0, 1.0, 1.0])


def residuals(x: np.ndarray) -> np.ndarray:
    return x[0] * np.exp(-x[1] * X) + x[2] - Y


def test_the_point_and_its_covariance_are_those_of_scipy() -> None:
    """scipy.optimize.least_squares on the same residuals and priors."""

    def whole(x: np.ndarray) -> np.ndarray:
        return np.concatenate([residuals(x) / NOISE, (x - CENTRE) / SPREAD])

    known = least_squares(whole, CENTRE, xtol=1e-12, ftol=1e-12, gtol=1e-12)
    found = fit(residuals, NOISE, CENTRE, SPREAD)
    assert found.point == pytest.approx(known.x, rel=1e-5)
    assert found.covariance == pytest.approx(np.linalg.inv(known.jac.T @ known.jac), rel=1e-3)
    assert found.residuals == pytest.approx(residuals(known.x), abs=1e-6)


def test_a_tight_prior_holds_and_a_loose_one_gives_way() -> None:
    tight = fit(residuals, NOISE, CENTRE, np.full(3, 1e-6))
    assert tight.point == pytest.approx(CENTRE, abs=1e-4)
    loose = fit(residuals, NOISE, CENTRE, np.full(3, 1e6))
    assert np.abs(loose.residuals).max() < 0.02


def test_residuals_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        fit(lambda x: x * np.nan, np.ones(3), CENTRE, SPREAD)
