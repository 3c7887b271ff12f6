"""Every weight of a layer, as matrices: what both the count of parameters and the operators of a step are made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from seodang.testbed.workloads.model_shape import MlpKind, ModelShape

WeightClass = Literal[
    "attention", "indexer", "dense_mlp", "routed_experts", "shared_experts", "router", "embedding", "head", "norms", "biases"
]
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


@dataclass(frozen=True, slots=True)
class Norm:
    """A norm with `scales` parameters, applied to `width` values of a token, and a gate of `gate` parameters where it has one.

    Its parameters are on every device; `cut` is how the values are divided.
    """

    name: str
    scales: int
    width: int
    gate: int = 0
    cut: Cut = "whole"

    @property
    def values(self) -> int:
        """Parameters."""
        return self.scales + self.gate


@cache
def attention_matrices(shape: ModelShape) -> tuple[Matrix, ...]:
    """Those of one layer's attention and of its indexer, in the order in which a step uses them."""
    return tuple(_latent(shape) if shape.kv_lora_rank else _grouped(shape))


@cache
def mlp_matrices(shape: ModelShape, mlp: MlpKind) -> tuple[Matrix, ...]:
    """Those of one layer's MLP."""
    return tuple(_moe(shape) if mlp == "moe" else _dense(shape))


@cache
def layer_norms(shape: ModelShape, mlp: MlpKind) -> tuple[Norm, ...]:
    """The norms around attention and MLP of one layer."""
    hidden, gate = shape.hidden, 2 * shape.hidden * shape.gated_norm_rank
    named = [Norm("input_norm", hidden, hidden, gate), Norm("post_attention_norm", hidden, hidden, gate if mlp == "moe" else 0)]
    return (*named, Norm("post_mlp_norm", hidden, hidden)) if shape.post_mlp_norm else tuple(named)


@cache
def attention_norms(shape: ModelShape) -> tuple[Norm, ...]:
    """The norms inside of one layer's attention. That of the indexer's keys has a bias (arXiv:2512.02556)."""
    width = shape.head_width
    if not shape.kv_lora_rank:
        heads = Norm("q_norm", width, shape.heads * width, cut="columns"), Norm("k_norm", width, shape.kv_heads * width, cut="key_heads")
        return heads if shape.qk_norm else ()
    named = [Norm("q_latent_norm", shape.q_lora_rank, shape.q_lora_rank)] if shape.q_lora_rank else []
    named.append(Norm("kv_latent_norm", shape.kv_lora_rank, shape.kv_lora_rank))
    return (*named, Norm("index_norm", 2 * shape.index_width, shape.index_width)) if shape.index_heads else tuple(named)


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
