"""The operators of attention on one device: projections, indexer and attention itself, absorbed or not."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from seodang.testbed.workloads.layout import Layout, divided
from seodang.testbed.workloads.matrices import Matrix, attention_matrices
from seodang.testbed.workloads.model_shape import AttentionKind, ModelShape

Phase = Literal["prefill", "decode"]
Family = Literal[
    "gemm",
    "grouped_gemm",
    "attention_decode_mla",
    "attention_decode",
    "attention_prefill",
    "attention_index",
    "norm",
    "router",
    "embedding",
    "head",
    "sampling",
]


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator of a step: what one call does on one device, and `count` calls a step (a mean over stages, so maybe a fraction).

    `flops` are products and sums, 2 a weight and row. Bytes are read weights, read cache, and activations read and written. `rows` are the
    rows of the product (for experts: of one that is hit). `weight_copies`, `work_copies` and `kv_copies` devices of a stage have the same
    weights, do the same work or read the same cache: what a device has, over its copies, summed over devices, is what one device has.
    """

    name: str
    family: Family
    count: float
    flops: float
    weight_bytes: float
    kv_bytes: float
    activation_bytes: float
    rows: float
    weight_copies: int = 1
    work_copies: int = 1
    kv_copies: int = 1


@dataclass(frozen=True, slots=True)
class Step:
    """What is asked of a model in one step. `weight`, `kv` and `activation` are bytes of a value; the rest is as in `operators`."""

    shape: ModelShape
    phase: Phase
    batch: float
    context: float
    new_tokens: float
    weight: float
    kv: float
    activation: float
    layout: Layout

    @property
    def rows(self) -> float:
        """Tokens of the step in one group."""
        return self.batch * self.new_tokens


def attended(context: float, new_tokens: float, limit: int | None = None) -> float:
    """Pairs of a new token and a token that it attends to: the i-th of `context` tokens attends to i, or to the latest `limit`."""
    old = context - new_tokens
    if limit is None or context <= limit:
        return new_tokens * old + new_tokens * (new_tokens + 1) / 2
    if old >= limit:
        return new_tokens * limit
    rising = limit - old
    return rising * old + rising * (rising + 1) / 2 + (new_tokens - rising) * limit


def attention_operators(step: Step, kind: AttentionKind, window: int | None, times: float) -> Iterator[Operator]:
    """Of one layer, `times` a step.

    Latent attention is absorbed when decoding (arXiv:2405.04434): kv_b turns queries and outputs, and attention is over latents. In prefill
    kv_b makes keys and values of the whole context again. With an indexer both phases are absorbed, on the chosen tokens.
    """
    latent = bool(step.shape.kv_lora_rank)
    absorbed = latent and (step.phase == "decode" or kind == "mla_sparse")
    for matrix in attention_matrices(step.shape):
        expands = matrix.name == "kv_b" and not absorbed
        yield matrix_operator(step, matrix, times, step.batch * step.context if expands else step.rows, "gemm")
    if kind == "mla_sparse":
        yield _index(step, times)
        window = step.shape.index_top_k
    yield _latent(step, window, times, absorbed) if latent else _grouped(step, window, times)


def matrix_operator(step: Step, matrix: Matrix, times: float, rows: float, family: Family, *, work_copies: int | None = None) -> Operator:
    """The product of `rows` rows with a device's part of a matrix."""
    layout = step.layout
    parts = divided(step.shape, matrix, layout)
    inputs = matrix.inputs / parts if matrix.cut == "rows" else matrix.inputs
    outputs = matrix.outputs if matrix.cut == "rows" else matrix.outputs / parts
    weight = (inputs * outputs + (matrix.outputs / parts if matrix.bias else 0)) * step.weight
    return Operator(
        matrix.name,
        family,
        times,
        2 * rows * inputs * outputs,
        weight,
        0.0,
        rows * (inputs + outputs) * step.activation,
        rows,
        weight_copies=layout.stage_devices // parts,
        work_copies=layout.tp // parts if work_copies is None else work_copies,
    )


def _latent(step: Step, limit: int | None, times: float, absorbed: bool) -> Operator:
    """Every head reads the same latents, so every device of a group reads all of them."""
    shape = step.shape
    heads = shape.heads / step.layout.tp
    key, value = (shape.kv_lora_rank + shape.rope, shape.kv_lora_rank) if absorbed else (shape.query_width, shape.value)
    pairs = step.batch * attended(step.context, step.new_tokens, limit)
    read = step.batch * min(step.context, limit or step.context) * (shape.kv_lora_rank + shape.rope)
    expanded = 0.0 if absorbed else step.batch * step.context * heads * (key + value)
    moved = (step.rows * heads * (key + value) + expanded) * step.activation
    family: Family = "attention_decode_mla" if step.phase == "decode" else "attention_prefill"
    flops = 2 * pairs * heads * (key + value)
    return Operator("attention", family, times, flops, 0.0, read * step.kv, moved, step.rows, kv_copies=step.layout.tp)


def _grouped(step: Step, limit: int | None, times: float) -> Operator:
    """Heads are divided; with more devices than key heads, some read the same keys and values."""
    shape, tp = step.shape, step.layout.tp
    parts = min(tp, shape.kv_heads)
    heads, width = shape.heads / tp, shape.head_width
    pairs = step.batch * attended(step.context, step.new_tokens, limit)
    seen = min(step.context, (limit or step.context) + step.new_tokens - 1)
    read = step.batch * seen * 2 * shape.kv_heads / parts * width
    moved = 2 * step.rows * heads * width * step.activation
    family: Family = "attention_decode" if step.phase == "decode" else "attention_prefill"
    sinks = heads * step.weight if shape.attention_sinks else 0.0
    return Operator(
        "attention",
        family,
        times,
        4 * pairs * heads * width,
        sinks,
        read * step.kv,
        moved,
        step.rows,
        weight_copies=step.layout.dp,
        kv_copies=tp // parts,
    )


def _index(step: Step, times: float) -> Operator:
    """Scores of every new token with every earlier one: products of all index heads, and their weighted sum. On every device alike."""
    shape = step.shape
    pairs = step.batch * attended(step.context, step.new_tokens)
    flops = 2 * pairs * shape.index_heads * (shape.index_width + 1)
    read = step.batch * step.context * shape.index_width
    moved = step.rows * shape.index_heads * (shape.index_width + 1) * step.activation + pairs * 4
    tp = step.layout.tp
    return Operator("index", "attention_index", times, flops, 0.0, read * step.kv, moved, step.rows, work_copies=tp, kv_copies=tp)
