"""STREAM's kernels are counted as STREAM counts them, and wrong numbers in the arrays are an error."""

import pytest
import torch

from seodang.backends.contract import BackendError, OutOfMemory
from seodang.testbed.measure.pool import ColdPool, available_bytes, last_cache_bytes
from seodang.testbed.measure.stream import KERNELS, stream


def test_bytes_are_two_or_three_words_an_index() -> None:
    found = stream(array_bytes=1 << 20, seconds=0.0)
    assert {name: found.moved(name) >> 20 for name in KERNELS} == {"copy": 2, "scale": 2, "add": 3, "triad": 3}
    for name in (*KERNELS, "memcpy", "read"):
        assert found.best(name) >= found.median(name) > 0
        assert found.row()["kernels"][name]["bytes_per_s"] == pytest.approx(found.median(name))


def test_short_arrays_are_said_to_be_short() -> None:
    found = stream(array_bytes=1 << 16, seconds=0.0)
    assert not found.rule_met
    assert found.row()["arrays_four_times_cache"] is False
    assert found.row()["last_cache_bytes"] == last_cache_bytes("cpu") > 1 << 15


@pytest.mark.parametrize("kernel", ["mul", "add"])
def test_a_kernel_that_computes_wrongly_is_found(monkeypatch: pytest.MonkeyPatch, kernel: str) -> None:
    right = getattr(torch, kernel)

    def wrong(*values: torch.Tensor, out: torch.Tensor, **more: float) -> None:
        right(*values, out=out, **more)
        out[-1] += 1

    monkeypatch.setattr(torch, kernel, wrong)
    with pytest.raises(BackendError, match="bandwidth test"):
        stream(array_bytes=1 << 12, seconds=0.0)


def test_arrays_and_pools_that_do_not_fit_are_refused_before_anything_is_taken() -> None:
    with pytest.raises(OutOfMemory, match="are free"):
        stream(array_bytes=1 << 50)
    with pytest.raises(OutOfMemory, match="half may be taken"):
        ColdPool(available_bytes("cpu"), torch.float32, "cpu")


def test_windows_of_a_pool_do_not_overlap_until_it_begins_again() -> None:
    pool = ColdPool(4 * (1 << 20), torch.float32, "cpu")
    first, second = pool.take(600, 1000), pool.take(1000, 400)
    assert first.data_ptr() + 4 * first.numel() == second.data_ptr()
    assert pool.take(600, 1000).data_ptr() == first.data_ptr()
    assert first.std() > 0
    assert first.abs().max() <= 0.01
    with pytest.raises(OutOfMemory, match="the pool has"):
        pool.take(1 << 21)
