"""What stands between products: counted as it is moved and multiplied."""

import pytest

from seodang.backends.contract import DeviceAbsent
from seodang.testbed.measure.passes import Pass, measure_passes
from seodang.testbed.measure.timing import Timing


def test_an_activation_moves_five_values_and_an_attention_half_a_square() -> None:
    timing = Timing((1.0,))
    assert Pass("activation", 64, "float32", timing).work == 5 * 64 * 1536 * 4
    assert Pass("activation", 64, "bfloat16", timing).work == 5 * 64 * 1536 * 2
    causal = sum(2 * 2 * 9 * 64 * (place + 1) for place in range(64))  # two products of a token with those up to it
    assert Pass("attention", 64, "float32", timing).work == causal


def test_both_kinds_are_timed_at_every_number_of_rows() -> None:
    found = measure_passes(rows=(4, 8), seconds=0.05)
    assert {(one.kind, one.rows) for one in found} == {(kind, rows) for kind in ("activation", "attention") for rows in (4, 8)}
    assert all(one.row()["per_s"] > 0 for one in found)
    with pytest.raises(DeviceAbsent):
        measure_passes("no such device")
