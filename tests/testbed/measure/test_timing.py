"""Works are called in turns after a warm-up, and what is told of their times is what NumPy says of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats, lists

from seodang.backends.contract import DeviceAbsent, Unsupported
from seodang.testbed.measure import timing
from seodang.testbed.measure.timing import Timing, check_device, dtype_of, rate_row, time_each


@given(lists(floats(1e-6, 10), min_size=1, max_size=20))
def test_the_statistics_of_a_timing_are_numpys(seconds: list[float]) -> None:
    found = Timing(tuple(seconds))
    low, high = np.percentile(seconds, [25, 75])
    assert found.best == min(seconds)
    assert found.median == pytest.approx(np.median(seconds))
    assert found.spread == pytest.approx((high - low) / 2 / np.median(seconds), abs=1e-9)


def test_works_are_called_in_turns_and_the_first_calls_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(10_000))
    monkeypatch.setattr(timing.time, "perf_counter", lambda: float(next(clock)))  # each call of a work lasts one tick
    called: list[str] = []
    found = time_each({"a": lambda: called.append("a"), "b": lambda: called.append("b")}, "cpu", seconds=1e6, rounds=5)
    assert called == ["a", "b"] * 6
    assert {name: each.seconds for name, each in found.items()} == {"a": (1.0,) * 5, "b": (1.0,) * 5}


def test_three_rounds_are_made_when_the_time_is_over_at_once() -> None:
    assert len(time_each({"a": lambda: None}, "cpu", seconds=0.0)["a"].seconds) == 3


def test_a_short_work_is_called_many_times_in_one_sample() -> None:
    calls: list[int] = []
    found = time_each({"a": lambda: calls.append(1)}, "cpu", seconds=0.0)["a"]
    assert len(calls) > 100
    assert found.median < 1e-4


def test_rates_are_counts_over_the_median_and_the_best() -> None:
    row = rate_row(Timing((1.0, 2.0, 4.0)), flops=8.0)
    assert (row["flops_per_s"], row["best_flops_per_s"], row["n"]) == (4.0, 8.0, 3)
    assert "bytes_per_s" not in row


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "cuda:99", ""])
def test_a_device_that_is_not_here_is_said_to_be_absent(device: str) -> None:
    with pytest.raises(DeviceAbsent) as caught:
        check_device(device)
    assert caught.value.hint
    assert check_device("cpu") == "cpu"


def test_a_type_is_found_by_its_name() -> None:
    assert dtype_of("bfloat16").itemsize == 2
    with pytest.raises(Unsupported):
        dtype_of("nn")
