"""Precisions of weights, products and caches."""

import pytest

from seodang.backends.description import load_description
from seodang.testbed.predict.refused import PredictionRefused
from seodang.testbed.predict.schemes import cache_type, peak_flop_s, scheme


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
