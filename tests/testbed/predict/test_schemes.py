"""Precisions of weights, products and caches."""

import numpy as np
import pytest

from seodang.backends.description import Description, Memory, load_description
from seodang.backends.quantity import Quantity
from seodang.testbed.predict.calibrated import frozen
from seodang.testbed.predict.reached import measured_curves, measured_rates, rate_of
from seodang.testbed.predict.refused import PredictionRefused
from seodang.testbed.predict.schemes import cache_type, peak_flop_s, scheme
from seodang.testbed.predict.step import Deployment
from seodang.testbed.workloads.layout import Layout
from seodang.testbed.workloads.routing import UNIFORM
from seodang.testbed.workloads.shape import read_shape


def test_fewer_bits_are_fewer_bytes() -> None:
    experts = [scheme(name, mixture=True).expert_bytes for name in ("bf16", "fp8", "int4")]
    assert experts == sorted(experts, reverse=True)
    assert scheme("nvfp4", mixture=True) == scheme("fp4", mixture=True)


def test_published_four_bit_mixtures_keep_other_layers_in_bfloat16() -> None:
    """Kimi-K2-Thinking and the NVFP4 weights of DeepSeek-R1 quantise experts; a dense model has nothing else to quantise."""
    assert scheme("int4", mixture=True).linear_bytes == 2
    assert scheme("int4", mixture=False).linear_bytes < 1


def test_a_precision_that_is_not_known_is_refused() -> None:
    with pytest.raises(PredictionRefused) as refused:
        scheme("fp7", mixture=True)
    assert refused.value.reason == "unknown"


def test_a_device_without_a_type_computes_in_a_wider_one_and_says_so() -> None:
    atom, h200 = load_description("atom_ca22"), load_description("h200_sxm")
    peak, note = peak_flop_s(atom, "float8")
    assert peak == atom.peak["bfloat16"].value
    assert note is not None
    assert peak_flop_s(h200, "float8") == (h200.peak["float8"].value, None)
    assert peak_flop_s(h200, "float4")[0] == h200.peak["float8"].value


def test_caches_are_kept_as_the_framework_is_launched() -> None:
    h200, b200 = load_description("h200_sxm"), load_description("b200_sxm")
    assert cache_type("sglang-0.5.9", h200)[0] == "bfloat16"
    assert cache_type("sglang-0.5.9", b200)[0] == "float8"
    assert cache_type("tensorrt-llm", h200)[0] == "float8"
    assert cache_type("vllm-0.11", b200)[0] == "bfloat16"


def test_a_device_that_was_measured_as_a_whole_keeps_its_own_rates() -> None:
    """No share of a peak is fitted for it: what it reached in a family and type is used, the measurement with most rows first."""
    claimed = load_description("h200_sxm")
    assert measured_rates(claimed) == {}

    def measured(value: float, unit: str) -> Quantity:
        return Quantity(value=value, unit=unit, kind="measured", source="a run", date="2026-11-25")

    reached = {
        "gemm.float32": measured(4e10, "FLOP/s"),
        "gemm.float32.rows4": measured(2e9, "FLOP/s"),
        "grouped_gemm.float32.rows4": measured(1e10, "FLOP/s"),
        "grouped_gemm.float32.rows64": measured(3e10, "FLOP/s"),
        "launch": measured(2e-5, "s"),
    }
    tier = Memory(name="RAM", capacity=measured(2e10, "B"), bandwidth=measured(1.9e10, "B/s"))
    device = Description(
        name="two cores", vendor="mine", kind="cpu", memory=(tier,), peak={"float32": measured(5e10, "FLOP/s")}, reached=reached
    )
    assert measured_rates(device) == {
        "stream": 1.9e10, "gemm.float32": 4e10, "grouped_gemm.float32": 3e10, "launch": 2e-5,
    }  # fmt: skip


def test_products_of_a_measured_device_follow_their_rows() -> None:
    curve = ((1.0, 1e10), (4.0, 2e10), (64.0, 16e10))
    assert [rate_of(curve, rows) for rows in (0.5, 1, 4, 64, 1000)] == pytest.approx([1e10, 1e10, 2e10, 16e10, 16e10])
    assert rate_of(curve, 2) == pytest.approx(1e10 * 2**0.5)
    assert rate_of(curve, 16) == pytest.approx(2e10 * 8**0.5)
    rates = [rate_of(curve, rows) for rows in np.geomspace(0.5, 100, 50)]
    assert rates == sorted(rates)
    assert measured_curves(load_description("h200_sxm")) == {}


def test_a_measured_device_is_predicted_by_its_curves_and_passes() -> None:
    """Twice the rate at some rows halves the products there, and what is moved between products costs by its own rate."""

    def measured(value: float, unit: str) -> Quantity:
        return Quantity(value=value, unit=unit, kind="measured", source="a run", date="2026-11-25")

    def device(rate: float, **more: float) -> Description:
        reached = {f"gemm.float32.rows{rows}": measured(rate, "FLOP/s") for rows in (1, 512)}
        reached |= {"gemm.float32": measured(3e10, "FLOP/s"), "launch": measured(1e-12, "s"), "gemv.float32": measured(1e12, "B/s")}
        reached |= {name.replace("__", "."): measured(value, "B/s") for name, value in more.items()}
        tier = Memory(name="RAM", capacity=measured(2e10, "B"), bandwidth=measured(1e12, "B/s"))
        return Description(
            name="cores", vendor="mine", kind="cpu", memory=(tier,), peak={"float32": measured(1e12, "FLOP/s")}, reached=reached
        )

    def seconds(described: Description, family: str) -> float:
        there = Deployment(
            read_shape("llama-3.1-405b"), described, Layout(), scheme("fp32", mixture=False), "float32", frozen().parameters, UNIFORM
        )
        return sum(one.seconds for one in there.prefill(1, 64) if one.family == family)

    assert seconds(device(1e10), "gemm") == pytest.approx(2 * seconds(device(2e10), "gemm"), rel=1e-6)
    assert seconds(device(1e10), "elementwise") == 0
    passes = seconds(device(1e10, elementwise__float32=1e9), "elementwise")
    assert passes == pytest.approx(2 * seconds(device(1e10, elementwise__float32=2e9), "elementwise"))
    shape = read_shape("llama-3.1-405b")
    rotated = (shape.heads + shape.kv_heads) * shape.head_width
    values = 126 * (6 * shape.hidden + 8 * rotated + 4 * shape.cached_width + 5 * shape.dense_intermediate)
    assert passes == pytest.approx(64 * values * 4 / 1e9)


def test_attention_of_each_further_sequence_costs_what_was_measured_of_it() -> None:
    def measured(value: float, unit: str) -> Quantity:
        return Quantity(value=value, unit=unit, kind="measured", source="a run", date="2026-11-25")

    def decode_s(more: float) -> float:
        reached = {"gemm.float32": measured(1e12, "FLOP/s"), "launch": measured(1e-6, "s"), "launch_sequence": measured(more, "s")}
        tier = Memory(name="RAM", capacity=measured(2e12, "B"), bandwidth=measured(1e12, "B/s"))
        device = Description(
            name="cores", vendor="mine", kind="cpu", memory=(tier,), peak={"float32": measured(1e12, "FLOP/s")}, reached=reached
        )
        fp32 = scheme("fp32", mixture=False)
        return Deployment(read_shape("llama-3.1-405b"), device, Layout(), fp32, "float32", frozen().parameters, UNIFORM).decode_s(8, 64)

    assert decode_s(1e-2) - decode_s(1e-9) == pytest.approx(126 * 7 * 1e-2, rel=1e-3)
