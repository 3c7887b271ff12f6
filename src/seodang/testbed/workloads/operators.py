"""The operators and collectives of one step of decoding or prefill, on one device of a layout."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from seodang.backends.description import Precision
from seodang.testbed.workloads.attention import Family, Operator, Phase, Step, attention_operators, matrix_operator
from seodang.testbed.workloads.dtypes import VALUE_BYTES
from seodang.testbed.workloads.layout import Layout, check_layout, cut_over
from seodang.testbed.workloads.matrices import Matrix, Norm, attention_norms, layer_norms, mlp_matrices
from seodang.testbed.workloads.model_shape import AttentionKind, MlpKind, ModelShape
from seodang.testbed.workloads.routing import UNIFORM, Routing, experts_hit, fullest_rank

CollectiveKind = Literal["all_reduce", "all_gather", "reduce_scatter", "all_to_all_dispatch", "all_to_all_combine", "send"]
Rank = Literal["mean", "fullest"]
_LOGIT_BYTES = 4.0  # sampling reads float32


@dataclass(frozen=True, slots=True)
class Collective:
    """`count` calls a step in which `participants` devices take part, as a mean over stages.

    `num_bytes` of one device: for all_reduce, all_gather and reduce_scatter the whole vector, for an all-to-all what the device sends
    to all, itself included, for send the message.
    """

    name: str
    kind: CollectiveKind
    count: float
    num_bytes: float
    participants: int


def operators(
    shape: ModelShape,
    *,
    phase: Phase,
    batch: float,
    context: float,
    new_tokens: float,
    weights: Precision,
    kv: Precision,
    activations: Precision,
    layout: Layout,
    routing: Routing = UNIFORM,
    rank: Rank = "mean",
) -> list[Operator]:
    """Every operator of a step on one device. InputError where the model cannot be laid out so.

    `batch` sequences a group of `tp` devices (dp x batch in all), each with `new_tokens` tokens that attend to `context` tokens, themselves
    included. Counts are a mean over stages: times `pp` they are those of the whole model. `rank` says for experts whether the mean device
    is meant or the one with the most rows. Activation functions, rotations and residual sums are taken as part of their neighbours.
    """
    check_layout(shape, layout)
    step = Step(shape, phase, batch, context, new_tokens, VALUE_BYTES[weights], VALUE_BYTES[kv], VALUE_BYTES[activations], layout)
    found = [_embedding(step)]
    attention, mlps = _kinds(shape)
    for (kind, window), count in attention:
        found += attention_operators(step, kind, window, count / layout.pp)
        found += (_norm(step, norm, count / layout.pp, passes=2) for norm in attention_norms(shape))
    for mlp, count in mlps:
        times = count / layout.pp
        found += (_norm(step, norm, times, passes=4) for norm in layer_norms(shape, mlp))
        for matrix in mlp_matrices(shape, mlp):
            routed = matrix.kind == "routed_experts"
            found.append(_experts(step, matrix, times, routing, rank) if routed else _mlp(step, matrix, times))
    return [*found, *_last(step)]


def traffic(
    shape: ModelShape,
    *,
    phase: Phase,
    batch: float,
    context: float,
    new_tokens: float,
    activations: Precision,
    layout: Layout,
    dispatch: Precision = "float8",
) -> list[Collective]:
    """Every collective of a step in which one device takes part; arguments as in `operators`. Traffic does not depend on `context`.

    All-reduces follow attention and MLP. Tokens go to their experts at the type `dispatch` and come back at `activations`, once for each
    of the `top_k` experts and each device over which an expert is divided. Without expert parallelism groups with sequences of their own
    gather all tokens and scatter the sums. The embedding is divided by columns and gathered, logits are gathered; stages send what is
    between their layers.
    """
    check_layout(shape, layout)
    tp, dp, pp = layout.tp, layout.dp, layout.pp
    value = VALUE_BYTES[activations]
    rows = batch * new_tokens
    tokens = rows * shape.hidden * value
    dense, moe = (shape.num_layers - shape.num_moe_layers) / pp, shape.num_moe_layers / pp
    sent = rows / tp * shape.top_k * layout.stage_devices / layout.ep * shape.hidden
    found = [Collective("embedding", "all_gather", 1 / pp, tokens, tp)]
    if layout.sends_tokens:
        found += [
            Collective("attention", "all_reduce", dense, tokens, tp),
            Collective("attention", "reduce_scatter", moe, tokens, tp),
            Collective("dense_mlp", "all_reduce", dense, tokens, tp),
            Collective("experts", "all_to_all_dispatch", moe, sent * VALUE_BYTES[dispatch], layout.stage_devices),
            Collective("experts", "all_to_all_combine", moe, sent * value, layout.stage_devices),
            Collective("moe", "all_gather", moe, tokens, tp),
        ]
    else:
        found += [
            Collective("attention", "all_reduce", dense + moe, tokens, tp),
            Collective("experts", "all_gather", moe, dp * tokens, dp),
            Collective("experts", "reduce_scatter", moe, dp * tokens, dp),
            Collective("mlp", "all_reduce", dense + moe, tokens, tp),
        ]
    found.append(Collective("logits", "all_gather", 1 / pp, batch * shape.vocabulary * value, tp))
    found.append(Collective("stage", "send", (pp - 1) / pp, tokens, min(pp, 2)))
    return [one for one in found if one.participants > 1 and one.count > 0 and one.num_bytes > 0]


@cache
def _kinds(shape: ModelShape) -> tuple[Sequence[tuple[tuple[AttentionKind, int | None], int]], Sequence[tuple[MlpKind, int]]]:
    """Kinds of attention with their windows, and kinds of MLP, each with its number of layers."""
    attention: Counter[tuple[AttentionKind, int | None]] = Counter()
    mlps: Counter[MlpKind] = Counter()
    for run in shape.layers:
        attention[run.attention, run.window] += run.count
        mlps[run.mlp] += run.count
    return tuple(attention.items()), tuple(mlps.items())


def _embedding(step: Step) -> Operator:
    """Rows of the table that are looked up: they are activations, and no weight is read."""
    moved = 2 * step.rows * step.shape.hidden * step.activation / step.layout.tp
    return Operator("embedding", "embedding", 1 / step.layout.pp, 0.0, 0.0, 0.0, moved, step.rows, weight_copies=step.layout.dp)


def _norm(step: Step, norm: Norm, times: float, *, passes: int) -> Operator:
    """4 products and sums a value, and the two products of a gate. In 4 `passes` over its values it reads and writes the residual too."""
    layout = step.layout
    parts = cut_over(step.shape, norm.cut, layout)
    width = norm.width / parts
    flops = step.rows * (4 * width + 2 * norm.gate)
    moved, copies = passes * step.rows * width * step.activation, layout.tp // parts
    weight = norm.values * step.weight
    return Operator(norm.name, "norm", times, flops, weight, 0.0, moved, step.rows, layout.stage_devices, copies)


def _mlp(step: Step, matrix: Matrix, times: float) -> Operator:
    """A matrix of a dense MLP, of shared experts or of the router. Where tokens are sent, the `tp` devices have divided them before."""
    layout = step.layout
    scattered = layout.sends_tokens and matrix.kind in ("router", "shared_experts")
    rows = step.rows / layout.tp if scattered else step.rows
    family: Family = "router" if matrix.kind == "router" else "gemm"
    return matrix_operator(step, matrix, times, rows, family, work_copies=1 if scattered else None)


def _experts(step: Step, matrix: Matrix, times: float, routing: Routing, rank: Rank) -> Operator:
    """The routed experts of a device: those that are hit are read, and each token is computed for each of its experts."""
    shape, layout = step.shape, step.layout
    tokens = step.rows * layout.dp
    here = shape.routed_experts / layout.ep
    hit = experts_hit(routing, shape.routed_experts, shape.top_k, tokens) / layout.ep
    rows = tokens * shape.top_k / layout.ep
    if rank == "fullest":
        rows *= fullest_rank(routing, shape.routed_experts, shape.top_k, tokens, layout.ep)
        hit = max(hit, here * (1 - (1 - 1 / here) ** rows) if here > 1 else min(1.0, rows))
    slices = layout.stage_devices // layout.ep
    one = (matrix.inputs * matrix.outputs + (matrix.outputs if matrix.bias else 0)) / slices
    cut_in, cut_out = (slices, 1) if matrix.name == "experts_down" else (1, slices)
    moved = rows * (matrix.inputs / cut_in + matrix.outputs / cut_out) * step.activation
    flops = 2 * rows * matrix.inputs * matrix.outputs / slices
    return Operator(matrix.name, "grouped_gemm", times, flops, hit * one * step.weight, 0.0, moved, rows / max(hit, 1e-9))


def _last(step: Step) -> Iterator[Operator]:
    """The last norm, the head on the last token of each sequence, and the choice of a token."""
    shape, layout, batch = step.shape, step.layout, step.batch
    tp, pp, width = layout.tp, layout.pp, shape.hidden
    norm = {"weight_copies": layout.stage_devices, "work_copies": tp}
    moved = 4 * step.rows * width * step.activation
    yield Operator("last_norm", "norm", 1 / pp, 4.0 * step.rows * width, width * step.weight, 0.0, moved, step.rows, **norm)
    table = shape.vocabulary * width / tp
    moved = batch * (width + shape.vocabulary / tp) * step.activation
    yield Operator("head", "head", 1 / pp, 2 * batch * table, table * step.weight, 0.0, moved, batch, weight_copies=layout.dp)
    yield Operator("sampling", "sampling", 1 / pp, 0.0, 0.0, 0.0, batch * shape.vocabulary * _LOGIT_BYTES, batch, work_copies=tp)
