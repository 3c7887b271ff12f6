"""The arithmetic of the scorecard, against numpy."""

import dataclasses
import math

import numpy as np
import pytest

from seodang.statistics.intervals import wilson
from seodang.testbed.predict.rows import Row, evidence
from seodang.testbed.predict.scorecard import Scored, coverage, judge, misses_first, statistic

ROWS = {row.id: row for row in evidence()}


def scored(row: Row, factor: float | None, width: float = 0.1) -> Scored:
    """A prediction that is `factor` times the measured value; None: refused."""
    assert row.value is not None
    if factor is None:
        return Scored(row, None, None, None, "no reason")
    return Scored(row, factor * row.value, (factor * row.value * (1 - width), factor * row.value * (1 + width)), "described")


def test_the_statistics_are_those_of_numpy() -> None:
    errors = [0.3, 0.01, 0.2, 0.07]
    assert statistic(errors, "median") == np.median(errors)
    assert statistic(errors, "p90") == np.percentile(errors, 90)
    assert statistic(errors, "max") == 0.3


def test_refusals_count_as_misses() -> None:
    assert statistic([0.01, math.inf, math.inf], "median") == math.inf
    assert statistic([0.01, 0.02, math.inf], "median") == 0.02
    assert statistic([math.inf, math.inf], "p90") == math.inf
    refused = scored(ROWS["2"], None)
    assert not refused.covered
    assert misses_first([scored(ROWS["3"], 5.0), refused])[0] is refused


def test_each_bar_takes_its_rows() -> None:
    calibrated = [row for row in ROWS.values() if row.split == "calibrate"]
    checked = [row for row in ROWS.values() if row.split == "validate"]
    bars = judge([scored(row, 1.05) for row in checked], calibrated)
    assert [(bar["statistic"], bar["rows"], bar["passed"]) for bar in bars] == [
        ("median", 10, True), ("p90", 10, True), ("max", 2, True), ("median", 19, True),
    ]  # fmt: skip
    assert all(bar["value"] == pytest.approx(0.05) for bar in bars)
    assert not any(bar["passed"] for bar in judge([scored(row, 1.25) for row in checked], calibrated))
    assert not any(bar["passed"] for bar in judge([scored(row, None) for row in checked], calibrated))


def test_coverage_counts_times_per_token_and_latencies_and_states_its_band() -> None:
    checked = [row for row in ROWS.values() if row.split == "validate"]
    of_interest = [row for row in checked if row.metric == "tpot" or row.metric.startswith("latency_")]
    predictions = [scored(row, 1.05 if index % 4 else 1.5) for index, row in enumerate(of_interest)]
    found = coverage([*predictions, *(scored(row, 9.0) for row in checked if row not in of_interest)])
    inside = sum(1 for index in range(len(of_interest)) if index % 4)
    assert (found["rows"], found["inside"]) == (len(of_interest), inside)
    assert found["band"] == list(wilson(inside, len(of_interest)))


def test_the_error_is_relative_to_the_measurement() -> None:
    assert scored(ROWS["2"], 0.9).error == pytest.approx(0.1)
    assert scored(dataclasses.replace(ROWS["2"], value=100.0), 1.2).error == pytest.approx(0.2)
