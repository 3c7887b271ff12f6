"""Products are those of torch, every point of a sweep is timed, and their work is counted by hand."""

import pytest
import torch
from hypothesis import given
from hypothesis.strategies import integers, lists
from torch.nn import functional as F

from seodang.testbed.measure.gemm import AX_K1, gemm_sweep, grouped_gemm, loop_over_experts

SHAPES = {"a": (32, 48), "b": (16, 8)}


def test_every_shape_is_timed_at_every_number_of_rows() -> None:
    found = gemm_sweep(shapes=SHAPES, rows=(1, 4), pool_bytes=1 << 20, seconds=0.0)
    assert [(one.name, one.num_rows) for one in found] == [("a", 1), ("a", 4), ("b", 1), ("b", 4)]
    assert (found[1].flops, found[1].num_bytes) == (2 * 4 * 32 * 48, 4 * (32 * 48 + 4 * (32 + 48)))
    half = gemm_sweep(shapes=SHAPES, rows=(4,), dtype="bfloat16", pool_bytes=1 << 20, seconds=0.0)
    assert half[0].num_bytes == found[1].num_bytes / 2
    for one in found:
        assert one.row()["flops_per_s"] == pytest.approx(one.flops / one.timing.median)


def test_the_weights_of_a_layer_of_the_full_model_add_up() -> None:
    attention = sum(inputs * outputs for name, (inputs, outputs) in AX_K1.items() if name in ("q_a", "q_b", "kv_a", "kv_b", "o"))
    assert attention + 2048 == 101_124_096  # with the two norms of ranks 1536 and 512: the published count closes on it
    assert 2 * AX_K1["expert_up"][0] * AX_K1["expert_up"][1] + AX_K1["expert_down"][0] * AX_K1["expert_down"][1] == 44_040_192


@given(lists(integers(0, 5), min_size=1, max_size=5))
def test_the_loop_over_experts_gives_what_torchs_own_grouped_product_gives(counts: list[int]) -> None:
    draw = torch.Generator().manual_seed(0)
    values_MK = torch.randn(sum(counts), 16, generator=draw)
    weights_ENK = torch.randn(len(counts), 8, 16, generator=draw)
    found_MN = loop_over_experts(values_MK, weights_ENK, counts)
    ends = torch.tensor(counts).cumsum(0).to(torch.int32)
    if sum(counts):
        torch.testing.assert_close(found_MN, F.grouped_mm(values_MK, weights_ENK.transpose(1, 2), offs=ends))
    assert found_MN.shape == (sum(counts), 8)


def test_experts_without_rows_are_not_counted_as_read() -> None:
    even, skewed = grouped_gemm(counts=[(2, 2), (4, 0)], inputs=16, outputs=8, pool_bytes=1 << 20, seconds=0.0)
    assert even.flops == skewed.flops == 2 * 4 * 16 * 8
    assert even.num_bytes - skewed.num_bytes == 4 * 16 * 8
    assert set(even.row()["ways"]) == {"loop", "grouped_mm"}
    assert even.row()["floor"]["flops_per_s"] > 0
