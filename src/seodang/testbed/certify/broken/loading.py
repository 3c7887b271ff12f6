"""Faults of loading and of memory."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from seodang.backends.contract import Limits, LoadReport, MemoryPlan, Program, Session
from seodang.backends.graph import Graph
from seodang.backends.reference import ReferenceSession
from seodang.testbed.certify.broken.fault import Broken

Loaded = tuple[Session, LoadReport]


class _LoadFault(Broken):
    level = 4


class HidesUnused(_LoadFault):
    """Tensors that belong to no node are not told."""

    def load(self, program: Program, weights: Mapping[str, np.ndarray]) -> Loaded:
        session, report = super().load(program, weights)
        return session, replace(report, unused=())


class ZerosForMissing(_LoadFault):
    """A missing tensor is zeros."""

    def load(self, program: Program, weights: Mapping[str, np.ndarray]) -> Loaded:
        tensors = program.graph.tensors
        return super().load(program, {**{name: np.zeros(tensors[name], np.float32) for name in tensors if name not in weights}, **weights})


class TakesAnyShape(_LoadFault):
    """A tensor of another shape is reshaped where its count fits."""

    def load(self, program: Program, weights: Mapping[str, np.ndarray]) -> Loaded:
        tensors = program.graph.tensors
        return super().load(
            program,
            {name: v.reshape(tensors[name]) if name in tensors and v.size == np.prod(tensors[name]) else v for name, v in weights.items()},
        )


_loaded: dict[tuple[str, bytes], np.ndarray] = {}


def _known(name: str, values: np.ndarray) -> np.ndarray:
    if values.ndim < 2:
        return values
    return _loaded.setdefault((name, np.packbits(values > 0).tobytes()), values.copy())


class LoadsFromItsCache(_LoadFault):
    """A matrix is known again by its name and a checksum that looks at signs alone: another checkpoint is not loaded where these agree.

    Level 2, whose blocks are loaded with other weights of equal signs, is the first to see it.
    """

    level = 2

    def load(self, program: Program, weights: Mapping[str, np.ndarray]) -> Loaded:
        return super().load(program, {name: _known(name, values) for name, values in weights.items()})


class CallersMemory(_LoadFault):
    """The caller's own array is used, so that the model changes when the caller goes on with it."""

    def load(self, program: Program, weights: Mapping[str, np.ndarray]) -> Loaded:
        session, report = super().load(program, weights)
        assert isinstance(session, ReferenceSession)
        session.weights.update({name: weights[name] for name in program.graph.tensors})
        return session, report


class PlansTooLittle(_LoadFault):
    """The plan leaves half of the cache out."""

    def plan_memory(self, graph: Graph, limits: Limits) -> MemoryPlan:
        plan = super().plan_memory(graph, limits)
        return replace(plan, kv=plan.kv // 2)


class _TellsTooLittle(ReferenceSession):
    def memory(self) -> Mapping[str, int]:
        return {**super().memory(), "kv": 0}


class TellsTooLittle(_LoadFault):
    """Live memory is told without the cache."""

    session = _TellsTooLittle


class _NeverFrees(ReferenceSession):
    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        self._most = 0

    def memory(self) -> Mapping[str, int]:
        told = dict(super().memory())
        self._most = max(self._most, told["kv"])
        return {**told, "kv": self._most}


class NeverFrees(_LoadFault):
    """What a sequence took is not given back when it is freed."""

    session = _NeverFrees
