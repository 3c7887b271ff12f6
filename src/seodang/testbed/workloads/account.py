"""What one model asks of a machine at a batch and a context, each figure with its definition."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

from seodang.backends.description import Precision
from seodang.core.errors import InputError
from seodang.testbed.workloads.attention import Operator, Phase
from seodang.testbed.workloads.count import active_parameters, parameters
from seodang.testbed.workloads.dtypes import VALUE_BYTES
from seodang.testbed.workloads.layout import ONE_DEVICE, cache_values
from seodang.testbed.workloads.model_shape import ModelShape
from seodang.testbed.workloads.operators import operators
from seodang.testbed.workloads.routing import Routing, experts_hit

Unit = Literal["parameters", "bytes", "FLOP", "experts", "calls"]
_NOT_READ = ("router", "norms", "embedding", "sampling")  # small or no weights, which `bytes_read_per_decode_step` leaves out


@dataclass(frozen=True, slots=True)
class Asked:
    """`batch` sequences of `context` tokens each, in these types, with experts chosen by `routing`."""

    batch: int
    context: int
    weights: Precision
    kv: Precision
    activations: Precision
    routing: Routing

    def row(self) -> dict[str, Any]:
        """For JSON."""
        types = {"weights": self.weights, "kv": self.kv, "activations": self.activations}
        return {"batch": self.batch, "context": self.context, **types, "routing": routing_told(self.routing)}


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: its key, its value in `unit`, and how it is defined."""

    key: str
    value: float
    unit: Unit
    meaning: str

    @property
    def full_key(self) -> str:
        """Its place in the JSON."""
        return f"flops.{self.key}" if self.unit == "FLOP" else self.key


def account(shape: ModelShape, asked: Asked) -> dict[str, Any]:
    """Every figure by its key, the parts of some by class, definitions and sources: a value for JSON. Errors as of `figures`."""
    found = figures(shape, asked)
    flops = {f.key: round(f.value) for f in found if f.unit == "FLOP"}
    rest = {f.key: round(f.value) if f.unit in ("parameters", "calls") else f.value for f in found if f.unit != "FLOP"}
    steps = _steps(shape, asked, "decode")
    return {
        "model": shape.name,
        "asked": asked.row(),
        **rest,
        "parameters_by_class": parameters(shape).row(),
        "bytes_read_by_class": by_class(steps, "weight_bytes"),
        "flops": {**flops, "decode_step_by_class": by_class(steps, "flops")},
        "definitions": {f.full_key: f"{f.unit}: {f.meaning}" for f in found},
        "published": {"total": shape.published_total, "active": shape.published_active, "source": shape.published_source},
        "differences": list(shape.differences),
        "source": shape.source,
        "date": shape.date,
    }


def figures(shape: ModelShape, asked: Asked) -> tuple[Figure, ...]:
    """All figures in the order in which they are told. InputError for a batch or a context that the model cannot have."""
    if asked.batch < 1 or asked.context < 1:
        raise InputError(f"a batch of {asked.batch} with {asked.context} tokens", where=shape.name, hint="both are 1 or more")
    if asked.context > shape.max_context:
        what = f"a context of {asked.context:,} tokens is more than the {shape.max_context:,} that the model has"
        raise InputError(what, where=shape.name, hint=f"choose --context between 1 and {shape.max_context}")
    recorded = len(asked.routing.histogram)
    if shape.routed_experts and recorded > 1 and recorded != shape.num_moe_layers:
        what = f"a histogram of {recorded} layers for a model with experts in {shape.num_moe_layers}"
        raise InputError(what, where="routing", hint="one list of counts a layer with experts, or one for all of them")
    return (*_weights(shape, asked), *_cache(shape, asked), *_step(shape, asked), *_exchanged(shape, asked))


def by_class(steps: list[Operator], field: Literal["weight_bytes", "kv_bytes", "flops"]) -> dict[str, float]:
    """Sums over a step by class of weights."""
    sums: Counter[str] = Counter()
    for op in steps:
        sums[_class_of(op)] += op.count * getattr(op, field)
    return {name: total for name, total in sums.items() if total}


def routing_told(routing: Routing) -> str:
    """In words, short."""
    return f"zipf, exponent {routing.exponent:g}" if routing.kind == "zipf" else routing.kind


def _class_of(op: Operator) -> str:
    of_family = {"grouped_gemm": "routed_experts", "norm": "norms", "attention_index": "indexer"}
    if op.family in of_family or op.family in ("router", "embedding", "head", "sampling"):
        return of_family.get(op.family, op.family)
    named = {"gate_up": "dense_mlp", "down": "dense_mlp", "shared_gate_up": "shared_experts", "shared_down": "shared_experts"}
    return named.get(op.name) or ("indexer" if op.name.startswith("index_") else "attention")


def _steps(shape: ModelShape, asked: Asked, phase: Phase) -> list[Operator]:
    """One step of decoding of all sequences, or the prefill of one."""
    batch, new = (asked.batch, 1) if phase == "decode" else (1, asked.context)
    return operators(
        shape,
        phase=phase,
        batch=batch,
        context=asked.context,
        new_tokens=new,
        weights=asked.weights,
        kv=asked.kv,
        activations=asked.activations,
        layout=ONE_DEVICE,
        routing=asked.routing,
    )


def _weights(shape: ModelShape, asked: Asked) -> list[Figure]:
    total, used = parameters(shape).total, active_parameters(shape)
    with_table = active_parameters(shape, input_embedding=True)
    return [
        Figure("parameters", total, "parameters", "all weights of the checkpoint but those for multi-token prediction"),
        Figure("active_parameters", used, "parameters", "those that one token uses, without the input embedding"),
        Figure("active_parameters_with_embedding", with_table, "parameters", "the same with the input embedding"),
        Figure("weight_bytes", total * VALUE_BYTES[asked.weights], "bytes", f"all of them in {asked.weights}, without scales of blocks"),
    ]


def _cache(shape: ModelShape, asked: Asked) -> list[Figure]:
    each = VALUE_BYTES[asked.kv]
    whole_heads = shape.num_layers * shape.heads * (shape.query_width + (shape.value or shape.head_width)) * each
    sequence = cache_values(shape, asked.context) * each
    return [
        Figure("kv_bytes_per_token", cache_values(shape, 1) * each, "bytes", f"what a token leaves in all layers, in {asked.kv}"),
        Figure("kv_bytes_per_token_full_attention", whole_heads, "bytes", "the same if each head kept keys and values of its own"),
        Figure("kv_bytes_per_sequence", sequence, "bytes", f"one sequence of {asked.context:,} tokens; a window keeps its latest"),
    ]


def _step(shape: ModelShape, asked: Asked) -> list[Figure]:
    steps, used = _steps(shape, asked, "decode"), active_parameters(shape)
    weights = by_class(steps, "weight_bytes")
    counted = sum(value for name, value in weights.items() if name not in _NOT_READ)
    read = f"weights read to decode {asked.batch:,} tokens: attention, MLPs, head, experts hit; without router, norms, embedding"
    attention = sum(op.count * op.flops for op in steps if op.family.startswith("attention"))
    prompt = sum(op.count * op.flops for op in _steps(shape, asked, "prefill") if op.family.startswith("attention"))
    cached = sum(by_class(steps, "kv_bytes").values())
    return [
        Figure("bytes_read_per_decode_step", counted, "bytes", read),
        Figure("bytes_read_with_router", counted + weights.get("router", 0.0), "bytes", "the same with the router"),
        Figure("kv_bytes_read_per_decode_step", cached, "bytes", f"caches of {asked.batch:,} sequences of {asked.context:,} tokens"),
        Figure("decode_step", 2 * used * asked.batch + attention, "FLOP", "2 a parameter in use and sequence, and attention"),
        Figure("decode_step_attention", attention, "FLOP", "the part of attention in it"),
        Figure("prefill_per_token", 2 * used, "FLOP", "2 a parameter in use; attention is apart"),
        Figure("prefill_attention_per_token", prompt / asked.context, "FLOP", f"the mean over a prompt of {asked.context:,} tokens"),
    ]


def _exchanged(shape: ModelShape, asked: Asked) -> list[Figure]:
    value = VALUE_BYTES[asked.activations]
    vector = asked.batch * shape.hidden * value
    told = [
        Figure("all_reduces_per_decode_step", 2 * shape.num_layers, "calls", "of tensor parallelism: one after attention, one after MLP"),
        Figure("all_reduce_bytes", vector, "bytes", f"one of them: {shape.hidden:,} values a sequence in {asked.activations}"),
    ]
    if not shape.routed_experts:
        return told
    hit = experts_hit(asked.routing, shape.routed_experts, shape.top_k, float(asked.batch))
    sent = shape.top_k * shape.hidden * (VALUE_BYTES["float8"] + value)
    hit_told = f"distinct ones of {shape.routed_experts} in a layer, expected; routing {routing_told(asked.routing)}"
    sent_told = f"of expert parallelism, a layer: to {shape.top_k} experts in float8 and back in {asked.activations}"
    return [
        Figure("experts_hit_per_layer", hit, "experts", hit_told),
        *told,
        Figure("all_to_all_bytes_per_token_per_layer", sent, "bytes", sent_told),
        Figure("all_to_all_bytes_per_token", sent * shape.num_moe_layers, "bytes", f"the same in {shape.num_moe_layers} layers"),
    ]
