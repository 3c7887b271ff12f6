"""The line finds latency and bandwidth again; processes that exchange messages are timed at every size."""

import json

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given
from hypothesis.strategies import floats, integers

from seodang.backends.contract import BackendError
from seodang.testbed.measure.collectives import KINDS, Collective, fit_line, measure_collectives
from seodang.testbed.measure.timing import Timing

SIZES = [4.0**power for power in range(3, 13)]


@given(floats(1e-7, 1e-2), floats(1e-12, 1e-8))
def test_a_line_without_noise_is_found_again(alpha: float, beta: float) -> None:
    line = fit_line(SIZES, [alpha + beta * size for size in SIZES])
    assert line.alpha_s == pytest.approx(alpha, rel=1e-5)
    assert line.beta_s_per_byte == pytest.approx(beta, rel=1e-5)
    assert max(map(abs, line.residuals)) < 1e-6
    assert line.seconds(1000.0) == pytest.approx(alpha + 1000 * beta)


@given(integers(0, 50))
def test_the_fit_stands_where_scipys_root_of_the_same_equations_is(seed: int) -> None:
    draw = np.random.default_rng(seed)
    sizes = np.array(SIZES)
    seconds = (2e-5 + 1e-9 * sizes) * draw.lognormal(0, 0.1, len(sizes))
    line = fit_line(list(sizes), list(seconds))

    def slopes(logs: np.ndarray) -> list[float]:
        alpha, beta = np.exp(logs)
        fitted = alpha + beta * sizes
        missed = (fitted - seconds) / fitted**2  # residuals weighted by the line itself
        return [float(missed.sum() * alpha), float((missed * sizes).sum() * beta)]

    root = scipy.optimize.root(slopes, np.log([2e-5, 1e-9]))
    assert root.success
    assert [line.alpha_s, line.beta_s_per_byte] == pytest.approx(np.exp(root.x), rel=1e-4)
    assert 0.9 < line.r2 <= 1


@given(integers(0, 50))
def test_neither_latency_nor_time_a_byte_is_below_zero(seed: int) -> None:
    seconds = np.random.default_rng(seed).lognormal(-8, 2, len(SIZES))
    line = fit_line(SIZES, list(seconds))
    assert line.alpha_s >= 0
    assert line.beta_s_per_byte >= 0
    assert line.alpha_s + line.beta_s_per_byte > 0


def test_two_points_are_too_few() -> None:
    with pytest.raises(BackendError, match="2 points"):
        fit_line([1.0, 2.0], [1.0, 2.0])


def test_the_link_carries_what_a_ring_passes_on() -> None:
    timings = {int(size): Timing((1e-5 + size * 1e-9,)) for size in SIZES}
    shares = {kind: Collective(kind, 4, "cpu", timings).link_bytes_per_s() / 1e9 for kind in KINDS}
    assert shares == pytest.approx({"all_reduce": 1.5, "all_gather": 3.0, "all_to_all": 0.75}, rel=1e-4)


def test_processes_are_timed_at_every_size() -> None:
    found = measure_collectives(ranks=2, sizes=(64, 4096, 65536), seconds=0.0)
    assert [one.kind for one in found] == list(KINDS)
    for one in found:
        assert list(one.timings) == [64, 4096, 65536]
        assert all(len(timing.seconds) == 5 and timing.best > 0 for timing in one.timings.values())
        assert len(one.row()["fit"]["residuals"]) == 3


def test_a_row_without_time_a_byte_is_still_json() -> None:
    found = Collective("all_reduce", 2, "cpu", {size: Timing((1e-3,)) for size in (64, 256, 1024)})
    assert found.row()["fit"]["link_bytes_per_s"] is None or found.line().beta_s_per_byte > 0
    json.dumps(found.row(), allow_nan=False)
