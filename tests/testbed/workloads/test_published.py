"""A.X K1's figures to their published or derived digits, and every bundled model against what is published of it."""

from typing import Any

import pytest

from seodang.testbed.workloads.account import Asked, account
from seodang.testbed.workloads.count import active_parameters, parameters
from seodang.testbed.workloads.dtypes import parse_dtype
from seodang.testbed.workloads.matrices import attention_matrices, attention_norms, mlp_matrices
from seodang.testbed.workloads.routing import UNIFORM
from seodang.testbed.workloads.shape import bundled_models, read_shape

K1 = read_shape("ax-k1")


def told(batch: int = 1, dtype: str = "fp8", context: int = 131_072) -> dict[str, Any]:
    kind = parse_dtype(dtype)
    return account(K1, Asked(batch, context, kind, kind, "bfloat16", UNIFORM))


def test_ax_k1_has_the_parameters_of_its_safetensors() -> None:
    """huggingface.co/skt/A.X-K1: 518,983,059,456. It closes with 61 norms after the MLP and without the router's correction bias."""
    assert parameters(K1).total == 518_983_059_456


def test_ax_k1_by_part() -> None:
    """Derived from AXK1Config of transformers."""
    sizes = {m.name: m.values for m in (*attention_matrices(K1), *mlp_matrices(K1, "moe"), *mlp_matrices(K1, "dense"))}
    millions = {name: f"{sizes[name] / 1e6:.2f}" for name in ("q_a", "q_b", "kv_a", "kv_b", "o")}
    assert millions == {"q_a": "11.01", "q_b": "18.87", "kv_a": "4.13", "kv_b": "8.39", "o": "58.72"}
    inside = sum(norm.values for norm in attention_norms(K1))
    assert inside == 2_048
    assert sum(m.values for m in attention_matrices(K1)) + inside == 101_124_096
    assert (sizes["experts_gate_up"] + sizes["experts_down"]) // 192 == 44_040_192
    assert sum(m.values for m in mlp_matrices(K1, "moe")) == 8_501_133_312
    assert sum(m.values for m in mlp_matrices(K1, "dense")) == 396_361_728
    counts = parameters(K1)
    assert counts.embedding + counts.head == 2_348_810_240
    assert counts.norms == 1_318_912 == (3 * 61 + 1) * 7168
    assert counts.attention == 61 * 101_124_096


def test_ax_k1_active_parameters() -> None:
    """The model card says 33B; the config gives 31.60B and, with the input embedding, 32.78B."""
    assert f"{active_parameters(K1) / 1e9:.2f}" == "31.60"
    assert f"{active_parameters(K1, input_embedding=True) / 1e9:.2f}" == "32.78"


@pytest.mark.parametrize(
    ("batch", "hit", "read", "with_router"),
    [
        (1, "8.0", "31.5", "31.60"),
        (4, "30.1", "89.8", "89.88"),
        (16, "94.8", "261", None),
        (64, "179.4", "484", "484.51"),
        (256, "192.0", "518", None),
    ],
)
def test_ax_k1_experts_hit_and_bytes_read(batch: int, hit: str, read: str, with_router: str | None) -> None:
    """Derived: E (1 - (1 - k/E)^b) distinct experts a layer; weights in float8 read by a decoding step."""
    figures = told(batch)
    assert f"{figures['experts_hit_per_layer']:.1f}" == hit
    assert f"{figures['bytes_read_per_decode_step'] / 1e9:.{len(read.partition('.')[2])}f}" == read
    assert with_router in (None, f"{figures['bytes_read_with_router'] / 1e9:.2f}")


def test_ax_k1_bytes_flops_and_traffic() -> None:
    """Derived from the config: 61 layers with a latent of 512 and a common key of 64."""
    fp8, bf16 = told(), told(dtype="bf16")
    assert (f"{bf16['weight_bytes'] / 1e9:,.0f}", f"{fp8['weight_bytes'] / 1e9:.0f}") == ("1,038", "519")
    assert (bf16["kv_bytes_per_token"], fp8["kv_bytes_per_token"]) == (70_272, 35_136)
    assert f"{bf16['kv_bytes_per_token_full_attention'] / 1e6:.2f}" == "2.50"
    assert f"{bf16['kv_bytes_per_token_full_attention'] / bf16['kv_bytes_per_token']:.1f}" == "35.6"
    assert f"{bf16['kv_bytes_per_sequence'] / 1e9:.2f}" == "9.21"
    assert fp8["all_reduces_per_decode_step"] == 122
    assert f"{fp8['all_to_all_bytes_per_token_per_layer'] / 1e3:.0f}" == "172"
    assert f"{fp8['all_to_all_bytes_per_token'] / 1e6:.1f}" == "10.3"
    assert f"{fp8['flops']['prefill_per_token'] / 1e9:.1f}" == "63.2"


@pytest.mark.parametrize(
    ("model", "total", "active", "with_embedding"),
    [
        ("deepseek-v3", "671", "37", "38"),  # arXiv:2412.19437
        ("gpt-oss-120b", "116.83", "5.13", None),  # arXiv:2508.10925, table 1
        ("gpt-oss-20b", "20.91", "3.61", None),  # arXiv:2508.10925, table 1
        ("qwen3-moe", "235", None, "22"),  # arXiv:2505.09388
        ("llama-3.1-405b", "405.85", None, "405.85"),  # arXiv:2407.21783; safetensors: 405,853,388,800
        ("mixtral-8x7b", "46.7", None, "12.9"),  # mistral.ai/news/mixtral-of-experts
    ],
)
def test_other_models_have_their_published_totals(model: str, total: str, active: str | None, with_embedding: str | None) -> None:
    shape = read_shape(model)
    for said, value in (
        (total, parameters(shape).total),
        (active, active_parameters(shape)),
        (with_embedding, active_parameters(shape, input_embedding=True)),
    ):
        assert said in (None, f"{value / 1e9:.{len(said.partition('.')[2]) if said else 0}f}")


def test_gpt_oss_by_class() -> None:
    """arXiv:2508.10925, table 1: MLP 114.71B, attention 0.96B, embedding and head 1.16B."""
    shape = read_shape("gpt-oss-120b")
    counts = parameters(shape)
    expert_biases = 36 * (128 * (3 * 2880) + 128)
    mlp = counts.routed_experts + counts.router + expert_biases
    assert f"{mlp / 1e9:.2f} {(counts.attention + counts.biases - expert_biases) / 1e9:.2f}" == "114.71 0.96"
    assert f"{(counts.embedding + counts.head) / 1e9:.2f}" == "1.16"


def test_every_bundled_model_says_where_it_comes_from_and_what_differs() -> None:
    for name in bundled_models():
        shape = read_shape(name)
        assert all((shape.source, shape.date, shape.published_total, shape.differences)), name
