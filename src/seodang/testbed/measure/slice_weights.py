"""What one rank of a layout holds of a layer: the parts of its matrices, drawn for their shapes or taken from a real model."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch

from seodang.backends.contract import Unsupported
from seodang.testbed.measure.pool import ColdPool
from seodang.testbed.workloads.layout import Layout, check_layout, cut_over, divided
from seodang.testbed.workloads.matrices import Matrix, attention_matrices, attention_norms, layer_norms, mlp_matrices
from seodang.testbed.workloads.model_shape import MlpKind, ModelShape


@dataclass(frozen=True, slots=True)
class RankLayer:
    """Weights of one rank in one layer: matrices (outputs, inputs), for routed experts (experts held, outputs, inputs), and norms."""

    mlp: MlpKind
    matrices: Mapping[str, torch.Tensor]
    norms: Mapping[str, torch.Tensor]
    router_bias: torch.Tensor | None = field(default=None)

    @property
    def num_bytes(self) -> int:
        """Of everything that is held."""
        return sum(tensor.numel() * tensor.dtype.itemsize for tensor in (*self.matrices.values(), *self.norms.values()))


def check_slice(shape: ModelShape, layout: Layout) -> None:
    """Unsupported for a part of a model that slices do not compute; InputError for a layout that the model cannot have."""
    check_layout(shape, layout)
    faults = {
        "an indexer of sparse attention": shape.index_heads > 0,
        "a gate on attention": shape.attention_gate,
        "attention sinks": shape.attention_sinks,
        "gated norms": shape.gated_norm_rank > 0,
        "biases": shape.qkv_bias or shape.output_bias or shape.mlp_bias or shape.expert_bias,
        "a window": any(run.window for run in shape.layers),
    }
    lacking = next((name for name, there in faults.items() if there), None)
    if lacking is not None:
        raise Unsupported(f"{lacking}: slices do not compute it", where=shape.name, hint="ax-k1, deepseek-v3 and kimi-k2 can be sliced")


def rank_shapes(shape: ModelShape, mlp: MlpKind, layout: Layout) -> dict[str, tuple[int, ...]]:
    """The shape of each matrix's part, by name."""
    return {matrix.name: _part(shape, matrix, layout) for matrix in (*attention_matrices(shape), *mlp_matrices(shape, mlp))}


def layer_numbers(shape: ModelShape, mlp: MlpKind, layout: Layout) -> int:
    """How many numbers the matrices of one layer have on a rank."""
    return sum(math.prod(part) for part in rank_shapes(shape, mlp, layout).values())


def synthetic_layer(pool: ColdPool, shape: ModelShape, mlp: MlpKind, layout: Layout) -> RankLayer:
    """A layer whose matrices are windows of a pool, one after another, and whose norms are ones."""
    matrices = {name: pool.take(*part) for name, part in rank_shapes(shape, mlp, layout).items()}
    norms: dict[str, torch.Tensor] = {}
    for norm in (*attention_norms(shape), *layer_norms(shape, mlp)):
        norms[norm.name] = torch.ones(norm.scales, dtype=pool.buffer.dtype, device=pool.buffer.device)
    bias = torch.zeros(shape.routed_experts, device=pool.buffer.device) if mlp == "moe" and shape.groups > 1 else None
    return RankLayer(mlp, matrices, norms, bias)


def real_layer(read: Callable[[str], torch.Tensor], names: frozenset[str], shape: ModelShape, mlp: MlpKind, layer: int) -> RankLayer:
    """A whole layer of a checkpoint of DeepSeek-V3's kind, whose tensors `read` returns by name. Unsupported for another kind."""
    if not shape.kv_lora_rank:
        raise Unsupported("no latent attention", where=shape.name, hint="the control reads models of DeepSeek-V3's kind, such as A.X K1")
    here = f"model.layers.{layer}"
    renamed = {"q": "q_proj", "q_a": "q_a_proj", "q_b": "q_b_proj", "kv_a": "kv_a_proj_with_mqa", "kv_b": "kv_b_proj", "o": "o_proj"}
    matrices = {m.name: read(f"{here}.self_attn.{renamed[m.name]}.weight") for m in attention_matrices(shape)}
    norms = {"q_latent_norm": f"{here}.self_attn.q_a_layernorm.weight", "kv_latent_norm": f"{here}.self_attn.kv_a_layernorm.weight"}
    norms |= {"input_norm": f"{here}.input_layernorm.weight", "post_attention_norm": f"{here}.post_attention_layernorm.weight"}
    norms |= {"post_mlp_norm": f"{here}.post_mlp_layernorm.weight"}
    scales = {name: read(tensor) for name, tensor in norms.items() if tensor in names}
    if mlp == "dense":
        matrices["gate_up"] = _stacked(read, f"{here}.mlp")
        matrices["down"] = read(f"{here}.mlp.down_proj.weight")
        return RankLayer(mlp, matrices, scales)
    experts = range(shape.routed_experts)
    matrices["router"] = read(f"{here}.mlp.gate.weight")
    matrices["experts_gate_up"] = torch.stack([_stacked(read, f"{here}.mlp.experts.{e}") for e in experts])
    matrices["experts_down"] = torch.stack([read(f"{here}.mlp.experts.{e}.down_proj.weight") for e in experts])
    if shape.shared_experts:
        matrices["shared_gate_up"] = _stacked(read, f"{here}.mlp.shared_experts")
        matrices["shared_down"] = read(f"{here}.mlp.shared_experts.down_proj.weight")
    bias = f"{here}.mlp.gate.e_score_correction_bias"
    return RankLayer(mlp, matrices, scales, read(bias).float() if bias in names else None)


def _stacked(read: Callable[[str], torch.Tensor], tensor: str) -> torch.Tensor:
    return torch.cat([read(f"{tensor}.gate_proj.weight"), read(f"{tensor}.up_proj.weight")])


def _part(shape: ModelShape, matrix: Matrix, layout: Layout) -> tuple[int, ...]:
    """(outputs, inputs) on a rank, with the experts held before them where there are any."""
    if matrix.cut == "experts":
        slices = layout.stage_devices // layout.ep
        inputs, outputs = matrix.inputs, matrix.outputs
        if matrix.name == "experts_down":
            inputs = _whole(shape, inputs, slices)
        else:
            outputs = _whole(shape, outputs, slices)
        return matrix.copies // layout.ep, outputs, inputs
    parts = divided(shape, matrix, layout)
    if matrix.cut == "rows":
        return matrix.outputs, _whole(shape, matrix.inputs, parts)
    return _whole(shape, matrix.outputs, parts), matrix.inputs


def _whole(shape: ModelShape, count: int, parts: int) -> int:
    if count % parts:
        raise Unsupported(f"{count} columns or rows are not divided by {parts}", where=shape.name, hint="choose another layout")
    return count // parts


def key_heads_held(shape: ModelShape, layout: Layout) -> int:
    """Key-value heads of a rank."""
    return shape.kv_heads // cut_over(shape, "key_heads", layout)
