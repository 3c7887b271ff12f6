"""Time of one decoding step and of one prefill of a deployment, operator by operator."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal

from seodang.backends.description import Description, Precision
from seodang.core.errors import InputError
from seodang.testbed.predict.communication import Network, collective_s, network
from seodang.testbed.predict.parameters import Parameters
from seodang.testbed.predict.reached import Curve, measured_curves, measured_rates, rate_of
from seodang.testbed.predict.refused import PredictionRefused
from seodang.testbed.predict.schemes import Scheme, peak_flop_s
from seodang.testbed.workloads.model_shape import ModelShape
from seodang.testbed.workloads.operators import Collective, Layout, Operator, Phase, operators, traffic
from seodang.testbed.workloads.routing import Routing

Bound = Literal["compute", "memory", "launch", "link"]

_ROWS = 16  # rows of the smallest product of a matrix unit (m16n8k32 of NVIDIA's PTX); fewer rows cost as much
_SMALL = 2e6  # weights: below, a matrix is measured by those of a small model
_QUERY_ROWS = 64  # rows of a tile of absorbed attention, heads times tokens (FlashMLA): fewer heads cost as much
KNOWN_FAMILIES = frozenset(
    (
        "gemm",
        "grouped_gemm",
        "attention_decode_mla",
        "attention_decode",
        "attention_prefill",
        "norm",
        "router",
        "embedding",
        "head",
        "sampling",
    )
)


@dataclass(frozen=True, slots=True)
class Timed:
    """An operator or collective of a step: seconds a step on one rank, and what binds it."""

    name: str
    family: str
    count: float
    seconds: float
    bound: Bound


@dataclass(frozen=True)
class Deployment:
    """A model on devices in one group that serves together: what the times of its steps follow from."""

    shape: ModelShape
    device: Description
    layout: Layout
    scheme: Scheme
    kv: Precision
    parameters: Parameters
    routing: Routing
    overlap: bool = False  # whether communication hides behind computation: two batches that take turns
    net: Network | None = None
    bandwidth_factor: float = 1.0
    compute_factor: float = 1.0

    @cached_property
    def over(self) -> Network:
        """The network between devices."""
        return self.net or network(self.device)

    @cached_property
    def measured(self) -> dict[str, float]:
        """What a device that was measured as a whole reaches, by family and type; empty for one that was not."""
        return measured_rates(self.device)

    @cached_property
    def curves(self) -> dict[str, Curve]:
        """By kind of product, where those of its type were measured with several numbers of rows."""
        found = measured_curves(self.device)
        types = {"grouped_gemm": self.scheme.expert_type}
        named = {kind: f"{kind}.{types.get(kind, self.scheme.linear_type)}" for kind in ("gemm", "gemm_small", "grouped_gemm")}
        return {kind: found[name] for kind, name in named.items() if name in found}

    def curve_of(self, op: Operator) -> Curve | None:
        """What was measured of products like this one: over experts, or of matrices of its size."""
        if op.rows <= 0 or op.family not in ("gemm", "head", "router", "grouped_gemm"):
            return None
        if op.family == "grouped_gemm":
            return self.curves.get("grouped_gemm")
        small = self.curves.get("gemm_small") if op.weight_bytes < _SMALL else None
        return small or self.curves.get("gemm")

    @cached_property
    def memory_bytes_s(self) -> float:
        """Bytes a second that reading weights reaches: as measured, else by the fit, but no more than the description says was reached."""
        if self.measured:
            return self.measured.get(f"gemv.{self.scheme.linear_type}", self.measured["stream"]) * self.bandwidth_factor
        reached = self.device.reached.get("stream")
        peak = self.device.memory[0].bandwidth.value * self.parameters.memory
        return min(peak, reached.value if reached is not None else peak) * self.bandwidth_factor

    @cached_property
    def cache_bytes_s(self) -> float:
        """The same for keys and values."""
        kind = "latent" if self.shape.kv_lora_rank else "grouped"
        if self.measured and (rate := self.measured.get(f"attention_decode_{kind}.{self.kv}")):
            return rate * self.bandwidth_factor
        return self.memory_bytes_s * self.parameters.cache / self.parameters.memory

    def flop_s(self, family: str) -> float:
        """Products a second that an operator of a family reaches."""
        p = self.parameters
        wanted: dict[str, tuple[Precision, float]] = {
            "grouped_gemm": (self.scheme.expert_type, p.grouped),
            "gemm": (self.scheme.linear_type, p.gemm),
            "attention_decode_mla": (self.kv, p.attention),
            "attention_decode": (self.kv, p.attention),
            "attention_prefill": ("float32" if self.scheme.linear_type == "float32" else "bfloat16", p.attention),
        }
        precision, share = wanted.get(family, (self.scheme.linear_type, p.gemm))
        if self.measured and (rate := self.measured.get(f"{family}.{precision}", self.measured.get(f"gemm.{precision}"))):
            return rate * self.compute_factor
        return peak_flop_s(self.device, precision)[0] * share * self.compute_factor

    def stored_bytes(self, family: str) -> float:
        """Bytes a parameter of a family."""
        return {"grouped_gemm": self.scheme.expert_bytes, "gemm": self.scheme.linear_bytes}.get(family, self.scheme.head_bytes)

    def padded(self, batch: float) -> float:
        """The batch that runs: the next one of a device that has compiled only some."""
        buckets = self.device.execution.batch_buckets if self.device.execution is not None else ()
        return next((float(size) for size in sorted(buckets) if size >= batch), batch)

    def decode(self, batch: float, context: float) -> tuple[Timed, ...]:
        """One step of `batch` sequences a rank group of `context` tokens each: every operator of one rank of each stage."""
        return self._timed("decode", self.padded(batch), context, 1)

    def decode_s(self, batch: float, context: float) -> float:
        """Seconds from one token to the next."""
        return self._seconds("decode", self.padded(batch), context, 1)

    def prefill(self, requests: float, tokens: float) -> tuple[Timed, ...]:
        """Reading `requests` prompts of `tokens` tokens a rank group at once."""
        return self._timed("prefill", requests, tokens, tokens)

    def prefill_s(self, fullest: float, tokens: float, mean: float) -> float:
        """Seconds to the first token, without waiting, turning to the prompt included: of `fullest` prompts on the fullest rank and `mean`
        on the mean one, whose experts share the work."""
        seconds = self._seconds("prefill", fullest, tokens, tokens)
        if mean < fullest:
            seconds += self._expert_s(mean, tokens) - self._expert_s(fullest, tokens)
        return seconds + (0.0 if self.device.kind == "cpu" else self.parameters.turn_s)  # only a device has recorded graphs to leave

    def _expert_s(self, requests: float, tokens: float) -> float:
        key = (requests, tokens)
        if key not in self._experts:
            ops = (op for op in self.counted("prefill", requests, tokens, tokens)[0] if op.family == "grouped_gemm")
            self._experts[key] = math.fsum(self._operator(op, self.layout.pp).seconds for op in ops)
        return self._experts[key]

    @cached_property
    def _experts(self) -> dict[tuple[float, float], float]:
        return {}

    @cached_property
    def _known(self) -> dict[tuple[Phase, float, float], float]:
        return {}

    @cached_property
    def _rates(self) -> dict[str, tuple[float, float]]:
        """Products a second and bytes a parameter, by family."""
        return {family: (self.flop_s(family), self.stored_bytes(family)) for family in KNOWN_FAMILIES}

    def _seconds(self, phase: Phase, batch: float, context: float, new_tokens: float) -> float:
        key = (phase, batch, context)
        if key not in self._known:
            timed = self._timed(phase, batch, context, new_tokens)
            talk = math.fsum(one.seconds for one in timed if one.bound == "link")
            work = math.fsum(one.seconds for one in timed if one.bound != "link")
            self._known[key] = max(work, talk) if self.overlap else work + talk
        return self._known[key]

    def counted(self, phase: Phase, batch: float, context: float, new_tokens: float) -> tuple[Sequence[Operator], Sequence[Collective]]:
        """Operators and collectives of one rank of one stage, with weights counted in parameters."""
        return _counted(self.shape, self.layout, self.kv, self.routing, phase, batch, context, new_tokens)

    def _timed(self, phase: Phase, batch: float, context: float, new_tokens: float) -> tuple[Timed, ...]:
        stages = self.layout.pp
        ops, moved = self.counted(phase, batch / stages if phase == "decode" and batch > stages else batch, context, new_tokens)
        passes = self._passes(phase, batch, new_tokens)
        return (*(self._operator(op, stages) for op in ops), *passes, *(self._collective(one, stages) for one in moved))

    def _passes(self, phase: Phase, batch: float, new_tokens: float) -> tuple[Timed, ...]:
        """Activation functions, rotations, residual sums and what is put into caches, where the device was measured to run them one by
        one."""
        rate = self.measured.get(f"elementwise.{self.scheme.linear_type}")
        if rate is None or self.layout.devices > 1:
            return ()
        shape, bytes_each = self.shape, 4 if self.scheme.linear_type == "float32" else 2
        rotated = (shape.heads + 1) * shape.rope if shape.kv_lora_rank else (shape.heads + shape.kv_heads) * shape.head_width
        experts = (shape.top_k + shape.shared_experts) * shape.moe_intermediate
        values = shape.num_layers * (2 * 3 * shape.hidden + 8 * rotated + 4 * shape.cached_width)
        values += 5 * ((shape.num_layers - shape.num_moe_layers) * shape.dense_intermediate + shape.num_moe_layers * experts)
        seconds = batch * new_tokens * values * bytes_each / (rate * self.bandwidth_factor)
        return (Timed("passes", "elementwise", shape.num_layers, seconds, "memory"),)

    def _operator(self, op: Operator, stages: int) -> Timed:
        found = self._rates.get(op.family)
        if found is None:
            raise PredictionRefused(
                "no evidence", f"no measurement of operators of the family `{op.family}`", hint="choose a model without them"
            )
        flop_s, stored = found
        compute = op.flops * self._padding(op) / flop_s
        memory = (op.weight_bytes * stored + op.activation_bytes) / self.memory_bytes_s + op.kv_bytes / self.cache_bytes_s
        work = math.hypot(compute, memory)  # neither hides the other wholly: see `products.py`
        curve = self.curve_of(op)
        if curve is not None:
            # A measured product has read its weights. What bandwidth and products would be worth is still told by the two parts.
            unscaled = math.hypot(compute * self.compute_factor, memory * self.bandwidth_factor)
            work *= op.flops / rate_of(curve, op.rows) / unscaled
        launch = self.measured.get("launch", self.parameters.launch_s)
        if op.family in ("attention_decode", "attention_decode_mla"):
            launch += (op.rows - 1) * self.measured.get("launch_sequence", 0.0)
        bound: Bound = "launch" if launch > work else "compute" if compute > memory else "memory"
        return Timed(op.name, op.family, stages * op.count, stages * op.count * (work + launch), bound)

    def _padding(self, op: Operator) -> float:
        """Rows that a matrix unit computes over rows that are asked: a tile of them at least, of each expert and of heads too. A processor
        and memory that computes have no such tiles."""
        if self.device.kind in ("cpu", "pim"):
            return 1.0
        if op.family == "attention_decode_mla":
            heads = self.shape.heads / self.layout.tp
            return max(1.0, _QUERY_ROWS / heads)
        if op.family == "grouped_gemm":
            return max(_ROWS / op.rows, 1 + _ROWS / 2 / op.rows)
        return max(1.0, _ROWS / op.rows) if op.family in ("gemm", "head", "router") else 1.0

    def _collective(self, one: Collective, stages: int) -> Timed:
        seconds = collective_s(one.kind, one.num_bytes, one.participants, self.over, self.parameters)
        return Timed(one.kind, "collective", stages * one.count, stages * one.count * seconds, "link")


@lru_cache(maxsize=65536)
def _counted(
    shape: ModelShape, layout: Layout, kv: Precision, routing: Routing, phase: Phase, batch: float, context: float, new_tokens: float
) -> tuple[Sequence[Operator], Sequence[Collective]]:
    asked: dict[str, Any] = {
        "phase": phase, "batch": batch, "context": context, "new_tokens": new_tokens, "layout": layout, "activations": "bfloat16",
    }  # fmt: skip
    try:
        return operators(shape, **asked, weights="int8", kv=kv, routing=routing, rank="fullest" if layout.ep > 1 else "mean"), traffic(
            shape, **asked
        )
    except InputError as error:
        raise PredictionRefused("does not fit", error.what, where=error.where, hint=error.hint) from error
