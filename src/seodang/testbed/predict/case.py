"""A row made into something that can be computed: a model, a device, a layout, lengths, and every assumption that this took."""

import dataclasses
from dataclasses import dataclass
from functools import cache

from seodang.backends.description import Description, Precision, load_description
from seodang.core.errors import InputError, RecipeError, SeodangError
from seodang.testbed.predict.communication import Network
from seodang.testbed.predict.layouts import checked, group_size
from seodang.testbed.predict.lengths import DEEPSEEK_PRODUCTION_CONTEXT, MLPERF, PREFILL_TOKENS_PER_RANK, mean_length_factor
from seodang.testbed.predict.parameters import Parameters
from seodang.testbed.predict.refused import PredictionRefused
from seodang.testbed.predict.rows import Row
from seodang.testbed.predict.schemes import Scheme, cache_type, peak_flop_s, scheme
from seodang.testbed.predict.step import Deployment
from seodang.testbed.workloads.layout_name import layout_name
from seodang.testbed.workloads.model_shape import ModelShape
from seodang.testbed.workloads.operators import Layout
from seodang.testbed.workloads.routing import Routing
from seodang.testbed.workloads.shape import read_shape

_ALIASES = {
    "deepseek-r1": "deepseek-v3",
    "deepseek-v3.1": "deepseek-v3",
    "kimi-k2.5": "kimi-k2",
    "kimi-k2-thinking": "kimi-k2",
    "qwen3-235b": "qwen3-moe",
    "qwen3-235b-a22b": "qwen3-moe",
    "a.x-k1": "ax-k1",
    "a.x-k2": "ax-k2",
}
FULL_STAGES = "the stages of a pipeline always have work: no bubbles are counted"
_UNIFORM = "every expert is as likely as another (uniform routing): an upper bound of speed under expert parallelism"


@dataclass(frozen=True, slots=True)
class Case:
    """A row, resolved. Lengths are means in tokens; `replicas` groups of `layout` share the load."""

    row: Row
    shape: ModelShape
    device: Description
    layout: Layout
    replicas: int
    scheme: Scheme
    kv: Precision
    input_tokens: float
    output_tokens: float
    overlap: bool
    assumptions: tuple[str, ...]
    lengths_assumed: bool

    def deployment(
        self, parameters: Parameters, *, net: Network | None = None, bandwidth_factor: float = 1.0, compute_factor: float = 1.0
    ) -> Deployment:
        """The times of its steps under some parameters, or of a device that is changed a little."""
        return Deployment(
            self.shape,
            self.device,
            self.layout,
            self.scheme,
            self.kv,
            parameters,
            Routing(),
            self.overlap,
            net,
            bandwidth_factor,
            compute_factor,
        )

    @property
    def clients_per_rank(self) -> float:
        """Clients of one rank of one group. PredictionRefused where the row has no concurrency."""
        if self.row.concurrency is None:
            raise PredictionRefused("missing input", "no concurrency", hint="say how many clients there are at once")
        return self.row.concurrency / self.replicas / self.layout.dp


@cache
def shape_of(model: str) -> ModelShape:
    """A bundled model or a config.json. PredictionRefused where there is none."""
    try:
        return read_shape(_ALIASES.get(model.lower(), model))
    except SeodangError as error:
        raise PredictionRefused("unknown", error.what, where=error.where, hint=error.hint) from error


@cache
def device_of(name: str) -> Description:
    """A bundled description or a file. PredictionRefused where there is none or it is wrong."""
    try:
        return load_description(name)
    except (InputError, RecipeError) as error:
        raise PredictionRefused("unknown", error.what, where=error.where, hint=error.hint) from error


def resolve(row: Row, *, layout: Layout | None = None, kv: Precision | None = None) -> Case:
    """What a row asks. `layout` overrides the row's. PredictionRefused for what is not known, missing or does not fit together."""
    if row.fault:
        raise PredictionRefused("missing input", row.fault)
    if not row.model or not row.device:
        raise PredictionRefused("missing input", "a row needs a device and a model", hint="fill the columns device and model_id")
    shape, device = shape_of(row.model), device_of(row.device)
    assumptions: list[str] = []
    if shape.routed_experts:
        assumptions.append(_UNIFORM)
    if not row.weights:
        raise PredictionRefused("missing input", "no precision of the weights", hint="fill the column weights: bf16, fp8, fp4 or int4")
    stored = scheme(row.weights, mixture=bool(shape.routed_experts))
    kv_type, why = _cache(row, device, stored, kv)
    kinds: set[Precision] = {stored.expert_type, stored.linear_type, kv_type}
    for note in (why, *(peak_flop_s(device, kind)[1] for kind in sorted(kinds))):
        if note and note not in assumptions:
            assumptions.append(note)
    if layout is None:
        layout = _layout(row, assumptions)
    count = row.count or group_size(layout)
    if layout.pp > 1:
        assumptions.append(FULL_STAGES)
    shape, held_twice = _with_copies(shape, layout.ep)
    assumptions += held_twice
    if count % group_size(layout):
        raise PredictionRefused(
            "does not fit", f"{count} devices are not a multiple of {layout_name(layout)}", hint="choose another layout"
        )
    input_tokens, output_tokens, assumed = _lengths(row, assumptions)
    if input_tokens + output_tokens > shape.max_context:
        assumptions.append(f"sequences are longer than the {shape.max_context:,} tokens that the model is made for")
    overlap = layout.ep > 1 and (row.phase == "prefill" or row.framework.startswith("deepseek-production"))
    if overlap:
        assumptions.append("communication hides behind computation: two batches take turns, as DeepSeek and LMSYS publish")
    if row.acceptance is not None:
        assumptions.append(f"one token is drafted a step and kept with a chance of {row.acceptance:g}; the time of drafting is left out")
    return Case(
        row=row,
        shape=shape,
        device=device,
        layout=layout,
        replicas=count // group_size(layout),
        scheme=stored,
        kv=kv_type,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        overlap=overlap,
        assumptions=tuple(assumptions),
        lengths_assumed=assumed,
    )


def with_layout(case: Case, layout: Layout) -> Case:
    """The same case laid out otherwise over the same devices."""
    count = case.row.count or group_size(layout)
    return dataclasses.replace(case, layout=layout, replicas=count // group_size(layout))


def _with_copies(shape: ModelShape, ep: int) -> tuple[ModelShape, list[str]]:
    """The model with so many more experts that `ep` ranks hold equally many: copies of popular ones, as DeepSeek keeps them."""
    more = -shape.routed_experts % ep if shape.routed_experts else 0
    if not more:
        return shape, []
    grown = dataclasses.replace(shape, routed_experts=shape.routed_experts + more)
    twice = more <= shape.routed_experts
    held = f"{more} of {shape.routed_experts} experts are held twice" if twice else f"experts have {more} more copies"
    return grown, [f"{held}, so that {ep} ranks hold equally many"]


def _cache(row: Row, device: Description, stored: Scheme, kv: Precision | None) -> tuple[Precision, str]:
    """The type of keys and values, and the assumption where neither the caller nor the row says it."""
    said = kv or row.kv
    if said is not None:
        return said, ""
    if stored.linear_type == "float32":
        return "float32", "keys and values in float32, as the weights"
    return cache_type(row.framework, device)


def _layout(row: Row, assumptions: list[str]) -> Layout:
    tp, dp, ep, pp = row.tp or 1, row.dp or 1, row.ep or 1, row.pp or 1
    if not row.has_layout:
        raise PredictionRefused("missing input", "no layout", hint="fill one of the columns tp, dp, ep and pp, or give --layout")
    if row.attention_parallel_over_data and row.dp is None:
        tp, dp = 1, tp
    elif row.count is not None and tp * dp * pp > row.count and dp > 1 and tp % dp == 0:
        tp = tp // dp
        assumptions.append(f"the {dp} groups of attention that is parallel over data are part of the {row.tp} ranks of tensor parallelism")
    elif row.tp is None and row.dp is None and ep > 1:
        dp = ep
        assumptions.append(f"attention is parallel over data: every one of {ep} ranks has its own sequences")
    return checked(Layout(tp=tp, dp=dp, ep=ep, pp=pp))


def _lengths(row: Row, assumptions: list[str]) -> tuple[float, float, bool]:
    if row.input_tokens is not None and (row.output_tokens is not None or row.phase == "prefill"):
        factor, why = mean_length_factor(row.source, row.framework, row.metric)
        if why:
            assumptions.append(why)
        return row.input_tokens * factor, (row.output_tokens or 1.0) * factor, False
    known = MLPERF.get(_ALIASES.get(row.model, row.model)) if row.framework.startswith("mlperf") else None
    if known is not None:
        assumptions.append(known.source)
        return known.input_tokens, known.output_tokens, True
    if row.framework.startswith("deepseek-production"):
        assumptions.append(f"{DEEPSEEK_PRODUCTION_CONTEXT:.0f} tokens of context on average (deepseek-ai/open-infra-index, day 6)")
        if row.phase == "prefill":
            assumptions.append(f"prompts as long as that, {PREFILL_TOKENS_PER_RANK:.0f} tokens a rank at once")
        return DEEPSEEK_PRODUCTION_CONTEXT, 1.0, True
    raise PredictionRefused("missing input", "no lengths of inputs and outputs", hint="fill the columns isl and osl")
