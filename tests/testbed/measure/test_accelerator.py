"""The same code measures an accelerator: `pytest -m gpu` on a machine that has one."""

import pytest
import torch

from seodang.testbed.measure.attention import Grouped, Latent, attention_decode
from seodang.testbed.measure.gemm import gemm_sweep, grouped_gemm
from seodang.testbed.measure.rank_slice import rank_slice
from seodang.testbed.measure.slice_runner import Asked
from seodang.testbed.measure.stream import stream
from seodang.testbed.workloads.layout import Layout
from seodang.testbed.workloads.shape import read_shape

pytestmark = pytest.mark.gpu


def test_memory_moves_no_faster_than_a_maker_of_today_claims() -> None:
    found = stream("cuda", seconds=2.0)
    assert found.rule_met
    assert 1e10 < found.best("triad") < 1e13


def test_products_and_attention_are_timed_after_the_device_has_finished() -> None:
    peak = 1e16
    for one in gemm_sweep("cuda", rows=(1, 256), dtype="bfloat16", seconds=2.0):
        assert one.flops / one.timing.best < peak
    for one in grouped_gemm("cuda", counts=[(16,) * 8], dtype="bfloat16", seconds=1.0):
        assert one.flops / one.timings["grouped_mm"].best < peak
    for heads in (Latent(), Grouped()):
        assert all(one.num_bytes / one.timing.best < 1e14 for one in attention_decode("cuda", heads=heads, dtype="bfloat16", seconds=1.0))


def test_one_rank_of_the_full_model_reads_what_the_accounting_says() -> None:
    found = rank_slice(Asked(read_shape("ax-k1"), Layout(tp=8), 16, 4096, "bfloat16"), "cuda", layers=4, seconds=2.0)
    assert found.bytes.equal
    assert found.held_bytes < torch.cuda.get_device_properties(0).total_memory
