"""Every weight of a layer, as matrices: what both the count of parameters and the operators of a step are made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from seodang.testbed.workloads.model_shape import LayerRun, ModelShape

WeightClass = Literal["attention", "indexer", "dense_mlp", "routed_experts", "shared_experts", "router", "embedding", "head", "norms", "biases"]
Cut = Literal["columns", "rows", "key_heads", "whole", "experts"]


@dataclass(frozen=True, slots=True)
class Matrix:
    """A weight of `inputs` x `outputs` values, `copies` times in a layer, and a bias of `outputs` values where there is one.

    `cut` is how tensor parallelism divides it: its columns, its rows, its columns by key heads, not at all, or with the experts.
    """

    name: str
    kind: WeightClass
    inputs: int
    outputs: int
    cut: Cut
    copies: int = 1
    bias: bool = False

    @property
    def values(self) -> int:
        """Parameters, without bias."""
        return self.copies * self.inputs * self.outputs

    @property
    def bias_values(self) -> int:
        """Parameters of the bias."""
        return self.copies * self.outputs if self.bias else 0


@cache
def layer_matrices(shape: ModelShape, run: LayerRun) -> tuple[Matrix, ...]:
    """The matrices of one layer, in the order in which a step uses them."""
    attention = _latent(shape) if shape.kv_lora_rank else _grouped(shape)
    return (*attention, *(_moe(shape) if run.mlp == "moe" else _dense(shape)))


def layer_norms(shape: ModelShape, run: LayerRun) -> tuple[tuple[str, int], ...]:
    """The norms of one layer with their parameters: name and values. Gates on norms and sinks of attention stand with them."""
    hidden, gate = shape.hidden, 2 * shape.hidden * shape.gated_norm_rank
    named = [("input_norm", hidden + gate), ("post_attention_norm", hidden + (gate if run.mlp == "moe" else 0))]
    if shape.post_mlp_norm:
        named.append(("post_mlp_norm", hidden))
    if shape.attention_sinks:
        named.append(("sinks", shape.heads))
    return (*named, *attention_norms(shape))


def attention_norms(shape: ModelShape) -> tuple[tuple[str, int], ...]:
    """The norms inside of attention. That of the indexer's keys has a bias (arXiv:2512.02556)."""
    if shape.kv_lora_rank:
        named = [("q_latent_norm", shape.q_lora_rank)] if shape.q_lora_rank else []
        named.append(("kv_latent_norm", shape.kv_lora_rank))
        return (*named, ("index_norm", 2 * shape.index_width)) if shape.index_heads else tuple(named)
    return (("q_norm", shape.head_width), ("k_norm", shape.head_width)) if shape.qk_norm else ()


def _latent(shape: ModelShape) -> Iterator[Matrix]:
    hidden, heads, q_rank = shape.hidden, shape.heads, shape.q_lora_rank
    if q_rank:
        yield Matrix("q_a", "attention", hidden, q_rank, "whole", bias=shape.qkv_bias)
    inputs = q_rank or hidden
    if shape.attention_gate:
        yield Matrix("q_gate", "attention", 2 * inputs, heads * (shape.query_width + shape.value), "columns")
    else:
        yield Matrix("q_b" if q_rank else "q", "attention", inputs, heads * shape.query_width, "columns")
    yield Matrix("kv_a", "attention", hidden, shape.kv_lora_rank + shape.rope, "whole", bias=shape.qkv_bias)
    if shape.index_heads:
        yield Matrix("index_q", "indexer", inputs, shape.index_heads * shape.index_width, "whole")
        yield Matrix("index_k", "indexer", hidden, shape.index_width, "whole")
        yield Matrix("index_weights", "indexer", hidden, shape.index_heads, "whole")
    yield Matrix("kv_b", "attention", shape.kv_lora_rank, heads * (shape.nope + shape.value), "columns")
    yield Matrix("o", "attention", heads * shape.value, hidden, "rows", bias=shape.output_bias)


def _grouped(shape: ModelShape) -> Iterator[Matrix]:
    hidden, width = shape.hidden, shape.head_width
    yield Matrix("q", "attention", hidden, shape.heads * width, "columns", bias=shape.qkv_bias)
    yield Matrix("kv", "attention", hidden, 2 * shape.kv_heads * width, "key_heads", bias=shape.qkv_bias)
    yield Matrix("o", "attention", shape.heads * width, hidden, "rows", bias=shape.output_bias)


def _dense(shape: ModelShape) -> Iterator[Matrix]:
    yield Matrix("gate_up", "dense_mlp", shape.hidden, 2 * shape.dense_intermediate, "columns", bias=shape.mlp_bias)
    yield Matrix("down", "dense_mlp", shape.dense_intermediate, shape.hidden, "rows", bias=shape.mlp_bias)


def _moe(shape: ModelShape) -> Iterator[Matrix]:
    hidden, width, bias = shape.hidden, shape.moe_intermediate, shape.expert_bias
    yield Matrix("router", "router", hidden, shape.routed_experts, "whole", bias=bias)
    yield Matrix("experts_gate_up", "routed_experts", hidden, 2 * width, "experts", shape.routed_experts, bias)
    yield Matrix("experts_down", "routed_experts", width, hidden, "experts", shape.routed_experts, bias)
    if shape.shared_experts:
        yield Matrix("shared_gate_up", "shared_experts", hidden, 2 * width * shape.shared_experts, "columns")
        yield Matrix("shared_down", "shared_experts", width * shape.shared_experts, hidden, "rows")
