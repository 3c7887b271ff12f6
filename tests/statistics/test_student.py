"""Quantiles of Student's t, against scipy."""

import pytest
import scipy.stats

from seodang.statistics.student import student_quantile


@pytest.mark.parametrize("free", [1.0, 1.7, 2.0, 5.0, 12.5, 200.0])
@pytest.mark.parametrize("share", [0.5, 0.8, 0.9, 0.975])
def test_quantiles_are_those_of_scipy(share: float, free: float) -> None:
    assert student_quantile(share, free) == pytest.approx(scipy.stats.t.ppf(share, free), rel=1e-5, abs=1e-9)


@pytest.mark.parametrize(("share", "free"), [(0.4, 3), (1.0, 3), (0.9, 0.0)])
def test_what_has_no_quantile_is_refused(share: float, free: float) -> None:
    with pytest.raises(ValueError, match="needed"):
        student_quantile(share, free)
