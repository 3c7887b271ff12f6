"""The fit: of calibration rows only, physical, and the one that is frozen."""

import dataclasses

import numpy as np
import pytest

from seodang.testbed.predict.calibrate import calibrate, residuals, used
from seodang.testbed.predict.calibrated import Calibrated, frozen
from seodang.testbed.predict.parameters import NAMES, PRIORS, from_logs, prior, to_logs
from seodang.testbed.predict.rows import evidence


@pytest.fixture(scope="module")
def fresh() -> Calibrated:
    return calibrate(evidence())


def test_no_validation_row_has_a_part_in_the_fit(fresh: Calibrated) -> None:
    """With their values spoiled the fit is the same to the last digit."""
    spoiled = [dataclasses.replace(row, value=1e-3) if row.split == "validate" else row for row in evidence()]
    again = calibrate(spoiled)
    assert again.parameters == fresh.parameters
    assert (again.covariance == fresh.covariance).all()
    assert again.rows == fresh.rows
    assert {row.split for row in used(evidence())} == {"calibrate"}


def test_the_frozen_fit_is_that_of_the_calibration_rows(fresh: Calibrated) -> None:
    for name in NAMES:
        assert getattr(frozen().parameters, name) == pytest.approx(getattr(fresh.parameters, name), rel=1e-3)
    assert frozen().rows == fresh.rows
    assert frozen().left_out_serving == pytest.approx(fresh.left_out_serving, rel=0.01)


def test_the_fit_is_physical_and_near_what_was_believed(fresh: Calibrated) -> None:
    for name in ("memory", "cache", "gemm", "grouped", "attention", "link_in"):
        assert 0 < getattr(fresh.parameters, name) < 1
    for name, moved in zip(NAMES, to_logs(fresh.parameters) - to_logs(prior()), strict=True):
        assert abs(moved) < 2 * PRIORS[name].spread, name


def test_the_fit_is_better_than_the_priors(fresh: Calibrated) -> None:
    def squares(calibrated: dict[str, float]) -> float:
        return float(np.sum(np.square(list(calibrated.values()))))

    assert squares(residuals(evidence(), fresh.parameters)) < 0.5 * squares(residuals(evidence(), prior()))


def test_leaving_a_row_out_by_leverage_is_leaving_it_out(fresh: Calibrated) -> None:
    """One row truly left out: its error is within a third of what the leverages say of all of them, or below that."""
    rows = evidence()
    without = calibrate([row for row in rows if row.id != "10"])
    error = residuals(rows, without.parameters)["10"]
    assert abs(error) < 3 * fresh.left_out_serving
    assert abs(error) > abs(residuals(rows, fresh.parameters)["10"])


def test_the_digest_changes_with_any_number() -> None:
    digests = {prior().digest()}
    for index in range(len(NAMES)):
        moved = to_logs(prior())
        moved[index] += 1e-6
        digests.add(from_logs(moved).digest())
    assert len(digests) == len(NAMES) + 1
    assert from_logs(to_logs(prior())).digest() == prior().digest()
