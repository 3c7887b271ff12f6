"""The backend `emulated`: computes on this processor and has the clock of a chip that is only described.

Logits are real. Times are not: `device_s` is the roofline of the description (roofline.py) and says clock "virtual"; collectives add what
the described link would take to a clock of their own. Nothing that comes from here is a measurement.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from seodang.backends.contract import (
    API_VERSION,
    KV,
    Collectives,
    DeviceAbsent,
    Feed,
    Limits,
    LoadReport,
    MemoryPlan,
    OutOfMemory,
    Probe,
    Program,
    Session,
    StepResult,
    Unsupported,
    Verdict,
)
from seodang.backends.description import Description, bundled, load_description
from seodang.backends.emulated_group import EmulatedGroup
from seodang.backends.graph import Graph, Node
from seodang.backends.program import check_program, make_program
from seodang.backends.roofline import Cost, Fed, seconds, step_costs
from seodang.backends.torch_backend import BYTES, TorchCpuBackend
from seodang.core.hashing import digest

_PREFERRED = ("rebel100", "h200_sxm")


class EmulatedBackend:
    """One described chip: by the name of a bundled description, or by its file."""

    api_version = API_VERSION
    vendor = "seodang"

    def __init__(self, given: str | None = None) -> None:
        self.name = f"emulated:{given}" if given else "emulated"
        self.device = given or next(name for name in _PREFERRED if name in bundled())
        self._host = TorchCpuBackend()

    @cached_property
    def description(self) -> Description:
        return load_description(self.device)

    def choose(self, choice: str) -> "EmulatedBackend":
        """Another chip. InputError or RecipeError where it is not described, or wrongly."""
        chosen = EmulatedBackend(choice)
        _ = chosen.description
        return chosen

    def probe(self) -> Probe:
        host = self._host.probe()
        if not host.devices:
            return host
        return Probe((self.device,), f"emulated on this processor: {host.reason}; its times are virtual")

    def describe(self, device: str) -> Description:
        """The description as it is written: an emulation makes none of its numbers measured."""
        if device != self.device:
            raise DeviceAbsent(f"no device `{device}`", where=self.name, hint=f"there is: {self.device}")
        return self.description

    def supports(self, graph: Graph) -> list[Verdict]:
        """What runs, runs on this processor and not on the chip."""
        return [
            replace(verdict, verdict="fallback", reason="computed on this processor; its time is that of the description")
            if verdict.verdict == "native"
            else verdict
            for verdict in self._host.supports(graph)
        ]

    def plan_memory(self, graph: Graph, limits: Limits) -> MemoryPlan:
        return self._host.plan_memory(graph, self._limits(limits))

    def compile(self, graph: Graph, limits: Limits, folder: Path) -> Program:
        """Unsupported for a type that no peak is described for, or for more sequences than the chip's largest batch."""
        largest = max(self._buckets, default=limits.max_sequences)
        if limits.max_sequences > largest:
            raise Unsupported(
                f"{limits.max_sequences} sequences, the largest batch is {largest}", where=self.name, hint="compile for fewer"
            )
        self._limits(limits)
        return make_program(self, graph, limits, target=self.device, toolchain=self._toolchain)

    def load(self, program: Program, weights: Mapping[str, np.ndarray]) -> tuple[Session, LoadReport]:
        """OutOfMemory where the plan does not fit into the described memory, or what is loaded not into this machine's."""
        check_program(self, program, toolchain=self._toolchain)
        needed, room = self.plan_memory(program.graph, program.limits).total, self.description.memory[0].capacity.value
        if needed > room:
            raise OutOfMemory(f"{needed} B are planned, {self.device} has {room:.0f} B", where=self.name, hint="shrink the limits")
        limits = self._limits(program.limits)
        session, report = self._host.load(self._host.compile(program.graph, limits, Path()), weights)
        return EmulatedSession(session, program.graph, self.description, limits.dtype, self._buckets), report

    def run(self, node: Node, inputs: Sequence[np.ndarray], weights: Mapping[str, np.ndarray], dtype: str) -> np.ndarray:
        return self._host.run(node, inputs, weights, dtype)

    @contextmanager
    def join(self, rank: int, size: int, meeting: Path) -> Generator[Collectives]:
        """Sockets of this machine, with a virtual clock of the described link. Unsupported where its bandwidth is not described."""
        with EmulatedGroup(rank, size, meeting, self.description) as group:
            yield group

    @property
    def _buckets(self) -> tuple[int, ...]:
        return self.description.execution.batch_buckets if self.description.execution else ()

    @property
    def _toolchain(self) -> str:
        return f"description {digest(self.description.model_dump(mode='json'))}"

    def _limits(self, limits: Limits) -> Limits:
        """With the type that is computed in: "auto" is bfloat16 where the chip has it, else float32."""
        has = [dtype for dtype in ("bfloat16", "float32") if dtype in BYTES and dtype in self.description.peak]
        dtype = limits.dtype if limits.dtype != "auto" else next(iter(has), "auto")
        if dtype not in has:
            hint = f"of those that this processor computes, it has: {', '.join(has) or 'none'}"
            raise Unsupported(f"no peak of {self.device} is described for {limits.dtype}", where=self.name, hint=hint)
        return replace(limits, dtype=dtype)


class EmulatedSession:
    """Steps of the session on this processor, with the time that the described chip takes at best."""

    def __init__(self, host: Session, graph: Graph, device: Description, dtype: str, buckets: Sequence[int]) -> None:
        self._host, self._graph, self._device, self._dtype, self._buckets = host, graph, device, dtype, sorted(buckets)

    @property
    def kv(self) -> KV:
        return self._host.kv

    def prefill(self, feeds: Sequence[Feed]) -> StepResult:
        return self._timed(feeds, self._host.prefill(feeds))

    def decode(self, feeds: Sequence[Feed]) -> StepResult:
        return self._timed(feeds, self._host.decode(feeds))

    def memory(self) -> Mapping[str, int]:
        return self._host.memory()

    def synchronize(self) -> None:
        self._host.synchronize()

    def close(self) -> None:
        self._host.close()

    def _timed(self, feeds: Sequence[Feed], step: StepResult) -> StepResult:
        """The batch is padded to the next bucket with copies of its longest sequence; they count as the others."""
        fed = [Fed(len(feed.tokens), self.kv.length(feed.sequence) - len(feed.tokens)) for feed in feeds]
        batch = next((bucket for bucket in self._buckets if bucket >= len(fed)), len(fed))
        padding = [max(fed, key=lambda one: (one.keys, one.tokens))] * (batch - len(fed))
        costs = step_costs(self._graph, fed + padding, self._dtype, step.counters.get("experts_hit"))
        counters = {**step.counters, **_sums(costs), "padded_sequences": len(padding)}
        return StepResult(step.logits, sum(seconds(cost, self._device, self._dtype) for cost in costs), "virtual", counters)


def _sums(costs: Sequence[Cost]) -> dict[str, float]:
    names = ("flops", "weight_bytes", "kv_bytes", "activation_bytes")
    return {name: sum(getattr(cost, name) for cost in costs) for name in names}
