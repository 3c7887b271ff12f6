"""Layouts by name, and all of them."""

import dataclasses

import pytest

from seodang.testbed.predict.case import resolve
from seodang.testbed.predict.layouts import all_layouts, asked_layout, group_size
from seodang.testbed.predict.refused import PredictionRefused
from seodang.testbed.predict.rows import evidence
from seodang.testbed.workloads.layout_name import layout_name
from seodang.testbed.workloads.operators import Layout
from seodang.testbed.workloads.shape import read_shape


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        ("TP8", Layout(tp=8)),
        ("tp4pp2", Layout(tp=4, pp=2)),
        ("DP32EP32", Layout(dp=32, ep=32)),
        ("EP32", Layout(dp=32, ep=32)),
        ("PP2 TP2 DP2 EP4", Layout(tp=2, dp=2, ep=4, pp=2)),
    ],
)
def test_a_layout_is_read(text: str, layout: Layout) -> None:
    assert asked_layout(text) == layout
    assert asked_layout(layout_name(layout)) == layout


@pytest.mark.parametrize("text", ["", "8", "TP", "TP0", "TP8TP8", "TP8x", "XP4", "TP8EP3", "TP-8", "TP8,PP2"])
def test_what_is_no_layout_is_refused(text: str) -> None:
    with pytest.raises(PredictionRefused) as refused:
        asked_layout(text)
    assert refused.value.reason == "unknown"


@pytest.mark.parametrize("model", ["ax-k1", "llama-3.1-405b"])
def test_all_layouts_are_all_that_divide(model: str) -> None:
    shape = read_shape(model)
    found = set(all_layouts(shape, 16))
    sizes = (1, 2, 4, 8, 16)
    expected = {
        Layout(tp=tp, dp=dp, ep=ep, pp=pp)
        for tp in sizes
        for dp in sizes
        for pp in sizes
        for ep in sizes
        if 16 % (tp * dp * pp) == 0 and (tp * dp) % ep == 0 and (ep == 1 or shape.routed_experts)
    }
    assert found == expected
    assert all(16 % group_size(layout) == 0 for layout in found)


def test_attention_parallel_over_data_inside_of_tensor_parallelism() -> None:
    """Some tables give the devices as TP and say the groups of attention beside it."""
    row = next(row for row in evidence() if row.id == "80a")
    asked = dataclasses.replace(row, note="", tp=8, dp=8, ep=8)
    assert resolve(asked).layout == resolve(row).layout == Layout(dp=8, ep=8)
    assert resolve(dataclasses.replace(asked, count=64)).layout == Layout(tp=8, dp=8, ep=8)


def test_experts_are_held_twice_where_ranks_do_not_divide_them() -> None:
    """DeepSeek serves 256 experts on 144 ranks with 32 copies (deepseek-ai/open-infra-index, day 6)."""
    case = resolve(next(row for row in evidence() if row.id == "84b"))
    assert case.shape.routed_experts == 288
    assert any("32 of 256 experts are held twice" in one for one in case.assumptions)


def test_very_many_devices_need_a_layout() -> None:
    with pytest.raises(PredictionRefused, match="without a layout"):
        list(all_layouts(read_shape("ax-k1"), 10**9))
