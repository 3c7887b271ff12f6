"""Faults of the contract."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from seodang.backends.contract import Feed, Limits, LoadReport, MemoryPlan, Probe, Program, Session, StepResult, Verdict
from seodang.backends.graph import Graph
from seodang.backends.program import fingerprint
from seodang.backends.reference import ReferenceSession
from seodang.testbed.certify.broken.fault import Broken


class ProbeRaises(Broken):
    """`probe` raises where the device is absent, and takes the whole program with it."""

    def probe(self) -> Probe:
        raise RuntimeError("no such device")


class ForgetsAVerdict(Broken):
    """`supports` says nothing of the last node."""

    def supports(self, graph: Graph) -> list[Verdict]:
        return super().supports(graph)[:-1]


class ClaimsUnknownOperators(Broken):
    """`supports` says native for an operator that does not exist."""

    def supports(self, graph: Graph) -> list[Verdict]:
        return [replace(verdict, verdict="native", reason="everything runs") for verdict in super().supports(graph)]


class NewFingerprintEachTime(Broken):
    """A time is part of the fingerprint, so that nothing compiled is ever found again."""

    _count = itertools.count()

    def compile(self, graph: Graph, limits: Limits, folder: Path) -> Program:
        program = super().compile(graph, limits, folder)
        return replace(program, fingerprint=f"{next(self._count):064x}")

    def load(self, program: Program, weights: Mapping[str, np.ndarray]) -> tuple[Session, LoadReport]:
        return super().load(super().compile(program.graph, program.limits, Path()), weights)


class LoadsForeignPrograms(Broken):
    """A program of any backend is loaded, whatever its artifact holds."""

    def load(self, program: Program, weights: Mapping[str, np.ndarray]) -> tuple[Session, LoadReport]:
        return super().load(super().compile(program.graph, program.limits, Path()), weights)


class _UntypedErrors(ReferenceSession):
    def prefill(self, feeds: Sequence[Feed]) -> StepResult:
        for feed in feeds:
            self.kv.states[feed.sequence]
        return super().prefill(feeds)


class UntypedErrors(Broken):
    """A freed handle is a KeyError, which a server cannot tell from its own fault."""

    session = _UntypedErrors


class _FreedAreLive(ReferenceSession):
    def prefill(self, feeds: Sequence[Feed]) -> StepResult:
        for feed in feeds:
            if feed.sequence not in self.kv.states:
                self.kv.states[feed.sequence] = [np.zeros((0, width)) for width in self.graph.cached]
                self.kv.lengths[feed.sequence] = 0
        return super().prefill(feeds)


class FreedHandlesAreLive(Broken):
    """A freed handle is taken for a new sequence."""

    session = _FreedAreLive


class _TornStep(ReferenceSession):
    def prefill(self, feeds: Sequence[Feed]) -> StepResult:
        if len(feeds) < 2:
            return super().prefill(feeds)
        rows = [super(_TornStep, self).prefill([feed]) for feed in feeds]
        return replace(rows[-1], logits=np.concatenate([row.logits for row in rows]), device_s=sum(row.device_s for row in rows))


class TornStep(Broken):
    """A step goes feed by feed: one that raises at its second feed has changed its first."""

    session = _TornStep


class _NoLimits(ReferenceSession):
    def prefill(self, feeds: Sequence[Feed]) -> StepResult:
        limits, self.kv.limits = self.kv.limits, Limits(max_context=1 << 30, max_step_tokens=1 << 30)
        try:
            return super().prefill(feeds)
        finally:
            self.kv.limits = limits


class NoLimits(Broken):
    """A sequence grows past `max_context` without a word."""

    session = _NoLimits


class _AnyCache(ReferenceSession):
    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        self.kv.check_state = lambda state: None  # type: ignore[method-assign]


class RestoresForeignCaches(Broken):
    """What another model exported is restored as if it were this one's."""

    session = _AnyCache


class TakesAnyType(Broken):
    """A type that it does not have is float64 in silence."""

    def plan_memory(self, graph: Graph, limits: Limits) -> MemoryPlan:
        return super().plan_memory(graph, replace(limits, dtype="float64"))

    def compile(self, graph: Graph, limits: Limits, folder: Path) -> Program:
        program = super().compile(graph, replace(limits, dtype="float64"), folder)
        return replace(program, limits=limits, fingerprint=fingerprint(self, graph, limits, program.toolchain))


class _OpenAfterClose(ReferenceSession):
    def close(self) -> None:
        return


class OpenAfterClose(Broken):
    """`close` frees nothing, and the session goes on answering."""

    session = _OpenAfterClose


_kept: list[object] = []


class LeaksWeights(Broken):
    """Every load is kept for ever."""

    def load(self, program: Program, weights: Mapping[str, np.ndarray]) -> tuple[Session, LoadReport]:
        session, report = super().load(program, weights)
        assert isinstance(session, ReferenceSession)
        _kept.append(list(session.weights.values()))
        return session, report
