"""Work and traffic of a step: the same in sum however it is laid out, and what torch and transformers count."""

from pathlib import Path
from typing import Any, Literal, cast

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForCausalLM, DynamicCache

from seodang.core.errors import InputError
from seodang.testbed.workloads.attention import attended
from seodang.testbed.workloads.count import parameters
from seodang.testbed.workloads.layout import Layout, cache_held, cache_values, check_layout, weights_held
from seodang.testbed.workloads.operators import Operator, operators, traffic
from seodang.testbed.workloads.routing import Routing
from seodang.testbed.workloads.shape import read_shape

MODELS = ["ax-k1", "ax-k2", "deepseek-v3", "qwen3-moe", "gpt-oss-120b", "llama-3.1-405b", "mixtral-8x7b"]
Phase = Literal["prefill", "decode"]


def step(model: str, layout: Layout, *, batch: float = 4, context: float = 512, new_tokens: float = 1, **more: Any) -> list[Operator]:
    phase = "decode" if new_tokens == 1 else "prefill"
    asked: dict[str, Any] = {"phase": phase, "batch": batch, "context": context, "new_tokens": new_tokens}
    asked |= {"weights": "int8", "kv": "bfloat16", "activations": "bfloat16"}
    return operators(read_shape(model), layout=layout, **(asked | more))


def sums(found: list[Operator], layout: Layout) -> dict[str, float]:
    """Over all devices, what is held or done several times counted once."""
    devices = layout.devices
    return {
        "flops": sum(op.count * op.flops / op.work_copies for op in found) * devices,
        "weights": sum(op.count * op.weight_bytes / op.weight_copies for op in found) * devices,
        "cache": sum(op.count * op.kv_bytes / op.kv_copies for op in found) * devices,
    }


@settings(max_examples=150, deadline=None)
@given(
    model=st.sampled_from(MODELS),
    tp=st.sampled_from([1, 2, 4, 8, 16]),
    dp=st.sampled_from([1, 2, 4]),
    ep=st.sampled_from([1, 2, 4, 8]),
    pp=st.sampled_from([1, 2, 3]),
    batch=st.sampled_from([1, 3, 64]),
    new_tokens=st.sampled_from([1, 40]),
    skewed=st.booleans(),
)
def test_devices_together_do_what_one_device_does(
    model: str, tp: int, dp: int, ep: int, pp: int, batch: int, new_tokens: int, skewed: bool
) -> None:
    layout = Layout(tp, dp, ep, pp)
    routing = Routing("zipf", 0.7) if skewed else Routing()
    try:
        check_layout(read_shape(model), layout)
    except InputError:
        return
    spread = step(model, layout, batch=batch, new_tokens=new_tokens, routing=routing)
    alone = step(model, Layout(), batch=batch * dp, new_tokens=new_tokens, routing=routing)
    assert sums(spread, layout) == pytest.approx(sums(alone, Layout()), rel=1e-9)


def test_tensor_parallelism_does_not_divide_the_latent_cache_and_divides_key_heads() -> None:
    def read(model: str, tp: int) -> float:
        return sum(op.count * op.kv_bytes for op in step(model, Layout(tp)))

    assert read("ax-k1", 8) == read("ax-k1", 1)
    assert read("qwen3-moe", 4) == read("qwen3-moe", 1) / 4 == read("qwen3-moe", 16)  # 4 key heads: more devices read the same ones


def test_cache_read_by_one_sequence_is_what_it_holds() -> None:
    for model in MODELS:
        shape = read_shape(model)
        for layout in (Layout(), Layout(tp=4), Layout(tp=4, pp=2)):
            read = sum(op.count * op.kv_bytes for op in step(model, layout, batch=1, context=1000))
            assert read == pytest.approx(cache_held(shape, layout, "bfloat16", 1000)), model
            assert cache_values(shape, 1000) <= 1000 * shape.num_layers * shape.cached_width


def test_an_absorbed_step_and_one_that_is_not_differ_as_their_shapes_say() -> None:
    """One token of 64 heads over 1,000: absorbed, over latents of 512 + 64; else over keys of 192 and values of 128."""
    found = {phase: step("ax-k1", Layout(), batch=1, context=1000, phase=phase) for phase in ("decode", "prefill")}
    pick = {phase: {op.name: op for op in ops} for phase, ops in found.items()}
    absorbed, expanded = pick["decode"]["attention"], pick["prefill"]["attention"]
    assert absorbed.flops == 2 * 1000 * 64 * (576 + 512)
    assert expanded.flops == 2 * 1000 * 64 * (192 + 128)
    assert (absorbed.family, expanded.family) == ("attention_decode_mla", "attention_prefill")
    assert pick["prefill"]["kv_b"].flops == 1000 * pick["decode"]["kv_b"].flops  # keys and values of the context, made again
    assert pick["prefill"]["kv_b"].weight_bytes == pick["decode"]["kv_b"].weight_bytes


def test_both_paths_of_latent_attention_as_torch_counts_them() -> None:
    """Written out as products of matrices and counted by torch."""
    heads, nope, rope, value, rank, tokens = 64, 128, 64, 128, 512, 96
    with torch.device("meta"):
        latent, k_rope = torch.empty(tokens, rank), torch.empty(tokens, rope)
        q_nope, q_rope = torch.empty(heads, 1, nope), torch.empty(heads, 1, rope)
        key_up, value_up = torch.empty(heads, rank, nope), torch.empty(heads, rank, value)
    with FlopCounterMode(display=False) as absorbed:
        q = torch.cat((q_nope @ key_up.transpose(1, 2), q_rope), -1)
        scores = q.view(heads, -1) @ torch.cat((latent, k_rope), -1).T
        _ = (scores @ latent).view(heads, 1, rank) @ value_up
    with FlopCounterMode(display=False) as expanded:
        keys = torch.cat((latent @ key_up, k_rope.expand(heads, -1, -1)), -1)
        _ = torch.cat((q_nope, q_rope), -1) @ keys.transpose(1, 2) @ (latent @ value_up)
    phases: tuple[tuple[Phase, FlopCounterMode], ...] = (("decode", absorbed), ("prefill", expanded))
    for phase, counter in phases:
        ops = {op.name: op.flops for op in step("ax-k1", Layout(), batch=1, context=tokens, phase=phase)}
        assert ops["kv_b"] + ops["attention"] == counter.get_total_flops()


def test_prefill_as_torch_counts_transformers_code(tiny_model_dir: Path) -> None:
    """Its eager attention multiplies the whole square of tokens, ours the triangle that is attended to."""
    shape, tokens, batch = read_shape(tiny_model_dir), 12, 3
    model = AutoModelForCausalLM.from_pretrained(tiny_model_dir, attn_implementation="eager")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.ones(batch, tokens, dtype=torch.long), logits_to_keep=1)
    asked: dict[str, Any] = {"weights": "float32", "kv": "float32", "activations": "float32", "layout": Layout()}
    found = operators(shape, phase="prefill", batch=batch, context=tokens, new_tokens=tokens, **asked)
    triangle = sum(op.count * op.flops for op in found if op.family == "attention_prefill")
    products = sum(op.count * op.flops for op in found if op.family in ("gemm", "head"))
    square = triangle * tokens * tokens / attended(tokens, tokens)
    assert counter.get_total_flops() == pytest.approx(products + square, rel=1e-12)


def test_cache_as_transformers_keeps_it(tiny_model_dir: Path, tiny_axk1_dir: Path) -> None:
    """Keys and values of a Llama, latents and common keys of A.X K1."""
    for folder in (tiny_model_dir, tiny_axk1_dir):
        model = AutoModelForCausalLM.from_pretrained(folder)
        cache = DynamicCache(config=model.config)
        with torch.no_grad():
            model(torch.ones(1, 7, dtype=torch.long), past_key_values=cache)
        kept = [cast("Any", layer) for layer in cache.layers]
        assert sum(layer.keys.numel() + layer.values.numel() for layer in kept) == cache_values(read_shape(folder), 7)


@pytest.mark.parametrize(("old", "new", "limit"), [(0, 9, None), (5, 1, None), (5, 4, None), (0, 9, 4), (3, 5, 4), (10, 5, 4), (0, 3, 4)])
def test_attended_pairs_as_a_mask_counts_them(old: int, new: int, limit: int | None) -> None:
    seen = sum(1 for i in range(old, old + new) for j in range(i + 1) if limit is None or i - j < limit)
    assert attended(old + new, new, limit) == seen


def test_a_device_holds_its_share_and_all_hold_the_model() -> None:
    for model in MODELS:
        shape = read_shape(model)
        total = parameters(shape).total
        assert weights_held(shape, Layout(), "int8") == pytest.approx(total), model
        assert weights_held(shape, Layout(tp=8), "bfloat16") == 2 * weights_held(shape, Layout(tp=8), "int8")
        for layout in (Layout(tp=8), Layout(tp=4, pp=2), Layout(dp=8, ep=8 if shape.routed_experts else 1)):
            assert total / layout.devices <= weights_held(shape, layout, "int8") <= total


def traffic_of(model: str, layout: Layout, batch: float = 2) -> dict[str, tuple[float, float]]:
    found = traffic(read_shape(model), phase="decode", batch=batch, context=64, new_tokens=1, activations="bfloat16", layout=layout)
    kinds = {one.kind for one in found}
    return {
        kind: (sum(c.count for c in found if c.kind == kind), sum(c.count * c.num_bytes for c in found if c.kind == kind)) for kind in kinds
    }


def test_ax_k1_reduces_122_times_under_tensor_parallelism() -> None:
    calls, num_bytes = traffic_of("ax-k1", Layout(tp=8))["all_reduce"]
    assert (calls, num_bytes) == (122, 122 * 2 * 7168 * 2)


def test_ax_k1_sends_a_token_to_its_experts_and_back() -> None:
    """172,032 bytes a token and layer, whatever the degree: float8 there, bfloat16 back."""
    for layout in (Layout(dp=32, ep=32), Layout(tp=4, dp=8, ep=32)):
        found = traffic_of("ax-k1", layout)
        moved = sum(found[kind][1] for kind in ("all_to_all_dispatch", "all_to_all_combine"))
        assert moved * layout.tp == 2 * 60 * 172_032
        assert found.get("all_reduce", (0, 0))[0] == (2 if layout.tp > 1 else 0)  # the dense layer's


def test_stages_send_once_between_each_other_and_one_device_nothing() -> None:
    assert traffic_of("ax-k1", Layout()) == {}
    assert traffic_of("ax-k1", Layout(pp=4))["send"][0] * 4 == 3


def test_the_fullest_rank_has_more_rows_and_never_fewer_experts() -> None:
    for batch in (1, 16, 1024):
        both = (step("ax-k1", Layout(dp=32, ep=32), batch=batch, rank=rank) for rank in ("mean", "fullest"))
        mean, fullest = (next(op for op in ops if op.name == "experts_down") for ops in both)
        assert fullest.flops > mean.flops
        assert fullest.weight_bytes >= mean.weight_bytes


@pytest.mark.parametrize(
    ("model", "layout", "said"),
    [
        ("ax-k1", Layout(tp=3), "does not divide 64 heads"),
        ("ax-k1", Layout(ep=2), "does not divide the 1 devices"),
        ("ax-k1", Layout(dp=5, ep=5), "does not divide 192 experts"),
        ("llama-3.1-405b", Layout(tp=2, ep=2), "does not divide 0 experts"),
        ("gpt-oss-20b", Layout(pp=25), "more than 24 layers"),
        ("ax-k1", Layout(tp=0), "1 or more"),
    ],
)
def test_a_layout_that_cannot_be_is_refused(model: str, layout: Layout, said: str) -> None:
    with pytest.raises(InputError, match=said):
        check_layout(read_shape(model), layout)


def test_sparse_attention_reads_what_its_indexer_chose() -> None:
    """A.X K2: 2,048 latents of any context, and a key of the indexer for every token."""
    short, long = ({op.name: op for op in step("ax-k2", Layout(), batch=1, context=c)} for c in (4096, 65536))
    assert short["attention"].flops == long["attention"].flops
    assert short["attention"].kv_bytes == 2048 * 576 * 2
    assert long["index"].kv_bytes == 65536 * 128 * 2 == 16 * short["index"].kv_bytes
