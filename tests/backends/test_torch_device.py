"""A device's quick numbers are measured ones, in the right unit, and of the size that a processor can have."""

from seodang.backends.torch_device import measure_bandwidth, measure_peaks


def test_a_copy_and_products_give_numbers_that_a_processor_can_have() -> None:
    bandwidth, peaks = measure_bandwidth("cpu", copied=1 << 22), measure_peaks("cpu", side=128)
    assert set(peaks) == {"float32", "bfloat16"}
    assert (bandwidth.unit, bandwidth.kind) == ("B/s", "measured")
    assert 1e8 < bandwidth.value < 1e13
    for peak in peaks.values():
        assert (peak.unit, peak.kind) == ("FLOP/s", "measured")
        assert 1e6 < peak.value < 1e15
    assert "128 x 128" in peaks["float32"].source
