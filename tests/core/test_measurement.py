"""A measurement carries all that makes its number worth printing."""

from typing import Any

import pytest

from seodang.core.measurement import Measurement

WHOLE: dict[str, Any] = {
    "value": 0.5,
    "unit": "fraction",
    "n": 120,
    "interval": (0.41, 0.59),
    "method": "Wilson 95 %",
    "source": "answers.jsonl",
}


def test_a_whole_measurement_is_kept_as_given():
    assert Measurement(**WHOLE).value == 0.5
    without: dict[str, Any] = {**WHOLE, "interval": None}
    assert Measurement(**without).interval is None


@pytest.mark.parametrize(
    "fault",
    [
        {"unit": ""},
        {"method": " "},
        {"source": ""},
        {"n": 0},
        {"value": float("nan")},
        {"interval": (0.6, 0.4)},
        {"interval": (0.1, float("nan"))},
    ],
)
def test_a_number_without_unit_origin_or_observations_is_refused(fault: dict[str, Any]):
    with pytest.raises(ValueError, match=r"measurement|number|interval"):
        Measurement(**{**WHOLE, **fault})
