"""Slices read the bytes that the accounting says, refuse what does not fit or is not computed, and always say that they are synthetic."""

import dataclasses
import json
import sys
from pathlib import Path

import pytest
import torch

from seodang.backends.contract import OutOfMemory, Unsupported
from seodang.backends.description import load_description
from seodang.cli.main import main
from seodang.core.errors import InputError
from seodang.testbed.measure.aliased import Aliased, aliased_graph
from seodang.testbed.measure.control import BOTH, REAL, WEIGHTS, Control, control
from seodang.testbed.measure.rank_slice import rank_slice, stub_seconds
from seodang.testbed.measure.slice_runner import Asked, LayerBytes, Runner, draw_experts
from seodang.testbed.measure.timing import Timing
from seodang.testbed.workloads.layout import ONE_DEVICE, Layout
from seodang.testbed.workloads.layout_name import parse_layout
from seodang.testbed.workloads.model_shape import LayerRun, MlpKind, ModelShape
from seodang.testbed.workloads.operators import Collective
from seodang.testbed.workloads.shape import read_shape

SMALL = dataclasses.replace(
    read_shape("ax-k1"),
    hidden=64,
    heads=8,
    kv_heads=8,
    q_lora_rank=32,
    kv_lora_rank=16,
    nope=8,
    rope=4,
    value=8,
    dense_intermediate=48,
    moe_intermediate=16,
    routed_experts=16,
    top_k=4,
)
GROUPED = dataclasses.replace(
    read_shape("qwen3-moe"), hidden=64, heads=8, kv_heads=4, head_width=8, moe_intermediate=16, routed_experts=16, top_k=4
)
LAYOUTS = [ONE_DEVICE, Layout(tp=4), Layout(tp=8), Layout(dp=4, ep=4), Layout(tp=2, dp=2, ep=4), Layout(tp=4, ep=4), Layout(tp=2, pp=2)]


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize(("shape", "kind"), [(SMALL, "moe"), (SMALL, "dense"), (GROUPED, "moe")], ids=["latent", "dense", "grouped"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_bytes_read_equal_the_accounting(shape: ModelShape, kind: MlpKind, layout: Layout, dtype: str) -> None:
    asked = Asked(shape, layout, 4, 8, dtype)  # type: ignore[arg-type]
    found = Runner(asked, "cpu", {kind: 1}).check_bytes(kind)
    assert found.equal, found.row()
    assert {"o", "cache", "down" if kind == "dense" else "experts_down"} <= set(found.read)


def test_a_byte_too_few_is_seen() -> None:
    read = {"q": 10, "cache": 20}
    assert LayerBytes(read, {"q": 10.0, "cache": 20.0}, 1.0).equal
    assert not LayerBytes(read, {"q": 10.0, "cache": 21.0}, 1.0).equal
    assert not LayerBytes(read, {"q": 10.0}, 1.0).equal


def test_experts_are_drawn_alike_and_without_repetition() -> None:
    drawn = torch.cat([draw_experts(SMALL, 64, seed) for seed in range(50)])
    assert all(len(set(row)) == SMALL.top_k for row in drawn.tolist())
    counts = torch.bincount(drawn.flatten(), minlength=SMALL.routed_experts)
    expected = len(drawn) * SMALL.top_k / SMALL.routed_experts
    assert (counts / expected - 1).abs().max() < 0.15
    assert torch.equal(draw_experts(SMALL, 3, 7), draw_experts(SMALL, 3, 7))


def test_a_slice_says_that_it_is_synthetic_and_adds_the_time_of_its_collectives() -> None:
    link = load_description("h200").link
    found = rank_slice(Asked(SMALL, Layout(tp=8), 2, 8, "float32"), layers=2, link=link, seconds=0.0)
    row = found.row()
    assert row["synthetic"] is True
    assert row["bytes"]["equal"] is True
    assert (row["mlp"], row["layers"]) == ("moe", 2)
    assert [one.kind for one in found.collectives] == ["all_reduce", "all_reduce"]
    assert found.communication_s == pytest.approx(2 * 2 * (7 / 8) * 2 * 64 * 4 / 4.5e11)
    assert row["layer"]["total_s"] == pytest.approx(found.timing.median + row["layer"]["communication_s"])
    alone = rank_slice(Asked(SMALL, Layout(tp=8), 2, 8, "float32"), seconds=0.0)
    assert alone.communication_s is None
    assert alone.row()["layer"]["total_s"] is None
    assert rank_slice(Asked(SMALL, ONE_DEVICE, 2, 8, "float32"), seconds=0.0).communication_s == 0
    assert "not known" in " ".join(alone.lines())


def test_a_link_whose_bandwidth_is_not_known_is_refused() -> None:
    link = load_description("bertha500").link
    assert link is not None
    with pytest.raises(Unsupported, match="bandwidth"):
        stub_seconds(Collective("mlp", "all_reduce", 1.0, 100.0, 8), link)


def test_what_does_not_fit_is_refused_before_it_is_taken() -> None:
    with pytest.raises(OutOfMemory, match=r"a layer has 17.2 GB on a rank") as caught:
        rank_slice(Asked(read_shape("ax-k1"), ONE_DEVICE, 1, 8, "bfloat16"))
    assert "more ranks" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("model", "dtype", "layout", "batch", "told"),
    [
        ("ax-k2", "bfloat16", Layout(tp=8), 1, "indexer"),
        ("gpt-oss-120b", "bfloat16", Layout(tp=8), 1, "sinks"),
        ("ax-k1", "float8", Layout(tp=8), 1, "float8"),
        ("ax-k1", "bfloat16", Layout(tp=4, dp=2, ep=8), 3, "a batch of 3"),
        ("llama-3.1-405b", "bfloat16", Layout(tp=8), 1, "no layer of kind `moe`"),
    ],
)
def test_what_slices_do_not_compute_is_refused_with_a_reason(model: str, dtype: str, layout: Layout, batch: int, told: str) -> None:
    with pytest.raises(Unsupported, match=told) as caught:
        rank_slice(Asked(read_shape(model), layout, batch, 8, dtype), mlp="moe")  # type: ignore[arg-type]
    assert caught.value.hint


def test_a_layout_that_the_model_cannot_have_is_refused() -> None:
    with pytest.raises(InputError, match="tp = 3"):
        rank_slice(Asked(read_shape("ax-k1"), Layout(tp=3), 1, 8, "bfloat16"))


def test_the_whole_graph_goes_through_every_layer_over_pools_of_few() -> None:
    shape = dataclasses.replace(SMALL, layers=(LayerRun(1, "mla", "dense"), LayerRun(5, "mla", "moe")))
    found = aliased_graph(Asked(shape, Layout(tp=2), 2, 8, "float32"), pools=(1, 3), seconds=0.0)
    runner = Runner(Asked(shape, Layout(tp=2), 2, 8, "float32"), "cpu", {"dense": 1, "moe": 1})
    dense, moe = (sum(runner.check_bytes(kind).read.values()) for kind in ("dense", "moe"))
    assert (found.num_layers, found.touched_bytes) == (6, dense + 5 * moe)
    assert list(found.timings) == [1, 3]
    assert found.row()["synthetic"] is True
    with pytest.raises(Unsupported, match="pool without layers"):
        aliased_graph(Asked(shape, Layout(tp=2), 2, 8, "float32"), pools=(0,))


def test_layers_of_a_pool_are_taken_in_turn() -> None:
    runner = Runner(Asked(SMALL, ONE_DEVICE, 2, 8, "float32"), "cpu", {"moe": 3})
    used: list[int] = []
    runner._layer = lambda kind, index, values, drawn, reads=None: used.append(index) or values  # type: ignore[method-assign]
    runner.step(("moe", "moe", "moe", "moe"))
    fewer = runner.with_first("moe", 2)
    fewer._layer = runner._layer  # type: ignore[method-assign]
    fewer.step(("moe", "moe", "moe"))
    assert used == [0, 1, 2, 0, 0, 1, 0]


def test_flat_means_that_all_pools_lie_within_five_percent() -> None:
    asked = Asked(SMALL, ONE_DEVICE, 1, 8, "float32")
    flat = Aliased(asked, "cpu", 6, 1, 1, {1: Timing((1.0,)), 2: Timing((1.04,)), 3: Timing((1.02,))})
    assert flat.flat
    assert flat.slope == pytest.approx(0.02)
    assert not Aliased(asked, "cpu", 6, 1, 1, {1: Timing((1.0,)), 2: Timing((1.06,)), 3: Timing((1.0,))}).flat


def test_the_control_times_real_and_drawn_weights_with_the_same_routing(tiny_axk1_dir: Path, tiny_model_dir: Path) -> None:
    found = control(tiny_axk1_dir, batch=3, context=8, seconds=0.0)
    assert list(found.timings) == [REAL, WEIGHTS, BOTH]
    assert found.experts_hit[REAL] == found.experts_hit[WEIGHTS]
    assert all(2 <= hit <= 6 for hit in found.experts_hit.values())  # 3 tokens choose 2 of 8
    assert found.row()["synthetic"] is True
    with pytest.raises(Unsupported, match="no experts"):
        control(tiny_model_dir)


def test_the_control_agrees_within_three_percent_of_the_same_rounds() -> None:
    asked = Asked(SMALL, ONE_DEVICE, 1, 8, "float32")
    slow_rounds = {REAL: Timing((1.0, 9.0, 2.0)), WEIGHTS: Timing((1.02, 9.18, 2.04)), BOTH: Timing((2.0, 18.0, 4.0))}
    found = Control(asked, "cpu", slow_rounds, dict.fromkeys(slow_rounds, 1.0))
    assert found.ratio(WEIGHTS, REAL) == pytest.approx(1.02)
    assert found.ratio(BOTH, REAL) == pytest.approx(2.0)
    assert found.agrees
    apart = Control(asked, "cpu", slow_rounds | {WEIGHTS: Timing((1.04, 9.36, 2.08))}, dict.fromkeys(slow_rounds, 1.0))
    assert not apart.agrees


def test_layouts_are_read_as_they_are_written() -> None:
    assert parse_layout("tp8") == Layout(tp=8)
    assert parse_layout("DP32EP32") == parse_layout("EP32") == Layout(dp=32, ep=32)
    assert parse_layout("TP4PP2") == parse_layout("pp2 tp4") == Layout(tp=4, pp=2)
    for wrong in ("", "TP", "TP8TP2", "XP8", "TP8-PP2"):
        with pytest.raises(InputError, match="no layout"):
            parse_layout(wrong)


@pytest.mark.parametrize("aliased", [(), ("--aliased", "--layers", "2")])
def test_the_command_prints_json_with_synthetic_on_it(
    tiny_axk1_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], aliased: tuple[str, ...]
) -> None:
    given = ("--model", str(tiny_axk1_dir), "--layout", "TP2", "--context", "8", "--link", "h100", "--seconds", "0", *aliased)
    for end in (("--json",), ()):
        monkeypatch.setattr(sys, "argv", ["seodang", "devices", "slice", *given, *end])
        with pytest.raises(SystemExit) as stopped:
            main()
        assert not stopped.value.code
        out = capsys.readouterr().out
        if end:
            assert json.loads(out)["synthetic"] is True
        else:
            assert out.startswith("synthetic: ")
