"""Every operator in PyTorch, on random shapes, is what the reference computes in float64."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis.strategies import booleans, integers, sampled_from

from seodang.backends import torch_operators
from seodang.backends.graph import OPERATORS, Node
from seodang.backends.latent import absorbs
from seodang.backends.reference import ReferenceBackend
from seodang.backends.reference_operators import OPERATIONS
from seodang.backends.torch_backend import TorchCpuBackend

few, heads_ = integers(1, 9), integers(1, 4)
seeds = integers(0, 2**16)
quick = settings(max_examples=25, deadline=None)
REFERENCE, TORCH = ReferenceBackend(), TorchCpuBackend()


def draw(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(np.float32)


def agree(op: str, inputs: Sequence[np.ndarray], weights: Mapping[str, np.ndarray] | None = None, **attributes: Any) -> np.ndarray:
    """The output, after it was compared in float32 and in bfloat16."""
    node = Node("node", op, tuple("xyzw"[: len(inputs)]), "out", {role: role for role in weights or {}}, attributes)
    truth = REFERENCE.run(node, inputs, weights or {}, "float64")
    found = TORCH.run(node, inputs, weights or {}, "float32")
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, truth, rtol=2e-4, atol=2e-5)
    return found


def test_there_is_one_function_for_each_operator_of_the_graph() -> None:
    assert set(torch_operators.OPERATIONS) == set(OPERATORS) == set(OPERATIONS)


@quick
@given(few, integers(1, 40), integers(1, 40), booleans(), seeds)
def test_linear_and_its_bias(tokens: int, width: int, out: int, bias: bool, seed: int) -> None:
    weights = {"weight": draw(seed, out, width)} | ({"bias": draw(seed, out)} if bias else {})
    agree("linear", [draw(seed, tokens, width)], weights)


@quick
@given(few, integers(1, 40), seeds)
def test_rows_by_themselves(tokens: int, width: int, seed: int) -> None:
    x, y = draw(seed, tokens, width), draw(seed + 1, tokens, width)
    agree("rms_norm", [x], {"scale": draw(seed, width)}, eps=1e-5)
    agree("swiglu", [x, y])
    agree("add", [x, y])
    agree("last", [x])
    agree("embedding", [np.random.default_rng(seed).integers(0, tokens, 5)], {"table": x})


@quick
@given(few, heads_, integers(1, 8), booleans(), sampled_from([1.0, 1.3]), seeds)
def test_rotary(tokens: int, heads: int, pairs: int, interleaved: bool, magnitude: float, seed: int) -> None:
    frequencies = tuple(10_000.0 ** -(np.arange(pairs) / pairs))
    x = draw(seed, tokens, heads * pairs * 2)
    agree("rotary", [x], heads=heads, frequencies=frequencies, interleaved=interleaved, magnitude=magnitude)


@quick
@given(few, heads_, integers(2, 9), integers(0, 4), seeds)
def test_split(tokens: int, heads: int, width: int, start: int, seed: int) -> None:
    start = min(start, width - 1)
    agree("split", [draw(seed, tokens, heads * width)], heads=heads, start=start, stop=width)


@quick
@given(few, heads_, heads_, integers(1, 9), seeds)
def test_attention_of_any_group(tokens: int, kv_heads: int, group: int, width: int, seed: int) -> None:
    heads = kv_heads * group
    inputs = [draw(seed, tokens, heads * width), *(draw(seed + i, tokens, kv_heads * width) for i in (1, 2))]
    agree("attention", inputs, num_heads=heads, num_kv_heads=kv_heads, head_width=width, scale=width**-0.5, layer=0)


@pytest.mark.parametrize("tile", [torch_operators.TILE, 7])
@quick
@given(integers(1, 24), heads_, integers(1, 6), integers(1, 3), integers(1, 6), integers(1, 40), seeds)
def test_latent_attention_in_both_forms(
    tile: int, tokens: int, heads: int, nope: int, pairs: int, value: int, rank: int, seed: int
) -> None:
    rope = 2 * pairs
    inputs = [draw(seed + i, tokens, width) for i, width in enumerate((heads * nope, heads * rope, rank, rope))]
    weights = {"kv_b": draw(seed, heads * (nope + value), rank)}
    sizes = {"num_heads": heads, "nope": nope, "rope": rope, "value": value, "rank": rank}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch_operators, "TILE", tile)
        for form in (True, False):
            patch.setattr(torch_operators, "absorbs", lambda *given, form=form: form)
            agree("latent_attention", inputs, weights, scale=(nope + rope) ** -0.5, layer=0, **sizes)


def test_decoding_absorbs_and_a_long_prefill_does_not() -> None:
    sizes = {"num_heads": 64, "nope": 128, "rope": 64, "value": 128, "rank": 512}  # A.X K1's
    assert absorbs(sizes, [1] * 8, [4096] * 8)
    assert not absorbs(sizes, [2048], [2048])


@quick
@given(
    few, integers(1, 4), integers(1, 5), integers(1, 4), integers(1, 6), booleans(), booleans(),
    sampled_from(["sigmoid", "softmax"]), booleans(), seeds,
)  # fmt: skip
def test_router(
    tokens: int, groups: int, each: int, topk_group: int, top_k: int, bias: bool, normalised: bool, score: str, ties: bool, seed: int
) -> None:
    topk_group = min(topk_group, groups)
    x = draw(seed, tokens, 8)
    weights = {"weight": draw(seed, groups * each, 8)} | ({"bias": draw(seed, groups * each)} if bias and not ties else {})
    if ties:
        x, weights["weight"] = np.sign(x), np.repeat(np.sign(draw(seed, 1, 8)), groups * each, 0)
    routing = {"num_groups": groups, "topk_group": topk_group, "top_k": min(top_k, topk_group * each), "scaling": 2.5}
    mixing = agree("router", [x], weights, score=score, normalised=normalised, **routing)
    assert ((mixing != 0).sum(-1) == routing["top_k"]).all()


@quick
@given(integers(1, 12), integers(1, 6), integers(1, 9), integers(1, 9), seeds)
def test_experts_with_any_number_of_tokens_each(tokens: int, count: int, hidden: int, width: int, seed: int) -> None:
    shapes = {"gate": (width, hidden), "up": (width, hidden), "down": (hidden, width)}
    weights = {f"{role}.{e}": draw(seed + e, *shape) for e in range(count) for role, shape in shapes.items()}
    chosen = np.random.default_rng(seed).random((tokens, count)) < 0.4
    agree("experts", [draw(seed, tokens, hidden), np.abs(draw(seed, tokens, count)) * chosen], weights)


def test_values_far_out_turn_by_exact_angles() -> None:
    """Angles are made in float64: at position 131,071 those of float32 would be off by a hundredth."""
    step = torch_operators.Step(torch.tensor([131_071.0], dtype=torch.float64), [(0, 1)], [0], lambda layer: [])
    node = Node("r", "rotary", ("x",), "r", {}, {"heads": 1, "frequencies": (0.7317,), "interleaved": False, "magnitude": 1.0})
    found = torch_operators.rotary(node, [torch.tensor([[1.0, 0.0]])], {}, step)
    np.testing.assert_allclose(found[0].numpy(), [np.cos(131_071 * 0.7317), np.sin(131_071 * 0.7317)], atol=1e-6)
