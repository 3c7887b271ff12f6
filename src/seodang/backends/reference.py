"""The backend `reference`: NumPy in float64, slow and plain. What it says is the truth that others are held to."""

import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from seodang.backends.contract import (
    API_VERSION,
    Collectives,
    DeviceAbsent,
    Feed,
    KVState,
    Limits,
    LoadReport,
    MemoryPlan,
    Probe,
    Program,
    Session,
    StepResult,
    Unsupported,
    Verdict,
)
from seodang.backends.description import Description
from seodang.backends.graph import Graph, Node
from seodang.backends.host import describe_host
from seodang.backends.program import check_program, make_program
from seodang.backends.reference_operators import OPERATIONS, Operator, Step
from seodang.backends.sequences import Sequences, positions_of
from seodang.backends.weights import check_weights, take_weight

_BYTES = 8
_TYPES = ("auto", "float64", "float32", "float16", "bfloat16")  # float64 holds every number of the others


class ReferenceBackend:
    """Every operator of every graph, on this machine's processor, in float64, whichever type that
    it holds is asked for.

    `operations` are what `run` computes and `session_type` is what `load` makes: a deliberately broken backend puts others in their place.
    """

    api_version = API_VERSION
    name = "reference"
    vendor = "seodang"
    operations: Mapping[str, Operator] = OPERATIONS

    @property
    def session_type(self) -> "type[ReferenceSession]":
        return ReferenceSession

    def probe(self) -> Probe:
        return Probe(("cpu",), f"NumPy {np.__version__} is here")

    def describe(self, device: str) -> Description:
        if device != "cpu":
            raise DeviceAbsent(f"no device `{device}`", hint="there is: cpu")
        return describe_host()

    def supports(self, graph: Graph) -> list[Verdict]:
        return [
            Verdict(node.name, "native", "NumPy, float64")
            if node.op in self.operations
            else Verdict(node.name, "unsupported", f"no operator `{node.op}`")
            for node in graph.nodes
        ]

    def plan_memory(self, graph: Graph, limits: Limits) -> MemoryPlan:
        _check_type(limits.dtype)
        weights = sum(int(np.prod(shape)) for shape in graph.tensors.values())
        kv = sum(graph.cached) * limits.max_sequences * limits.max_context
        widest = max(shape[0] for shape in graph.tensors.values())
        return MemoryPlan(weights * _BYTES, kv * _BYTES, len(graph.nodes) * limits.max_step_tokens * widest * _BYTES, 0, 0)

    def compile(self, graph: Graph, limits: Limits, folder: Path) -> Program:
        _check_type(limits.dtype)
        return make_program(self, graph, limits, target="cpu", toolchain=f"numpy {np.__version__}")

    def load(self, program: Program, weights: Mapping[str, np.ndarray]) -> tuple[Session, LoadReport]:
        check_program(self, program, toolchain=f"numpy {np.__version__}")
        unused = check_weights(program.graph.tensors, weights)
        held = {name: take_weight(program.graph.tensors, weights, name).astype(np.float64) for name in program.graph.tensors}
        report = LoadReport(tuple(held), unused, sum(values.nbytes for values in held.values()))
        return self.session_type(program.graph, program.limits, held), report

    def run(self, node: Node, inputs: Sequence[np.ndarray], weights: Mapping[str, np.ndarray], dtype: str) -> np.ndarray:
        """One operator on one sequence from position 0, in float64, given back in float64."""
        _check_type(dtype)
        if node.op not in self.operations:
            raise Unsupported(f"no operator `{node.op}`", hint=f"there are: {', '.join(self.operations)}")
        count = len(inputs[0])
        wide = [values if values.dtype.kind in "iu" else values.astype(np.float64) for values in inputs]
        step = Step(np.arange(count), [(0, count)], partial(_nothing, node, wide))
        return self.operations[node.op](node, wide, {role: values.astype(np.float64) for role, values in weights.items()}, step)

    @contextmanager
    def join(self, rank: int, size: int, meeting: Path) -> Generator[Collectives]:
        """Processes of one machine that talk over sockets in a folder."""
        from seodang.backends.socket_group import SocketGroup

        with SocketGroup(rank, size, meeting) as group:
            yield group


def _check_type(dtype: str) -> None:
    if dtype not in _TYPES:
        raise Unsupported(f"values of type {dtype}", where="reference", hint=f"there are: {', '.join(_TYPES)}")


def _nothing(node: Node, inputs: Sequence[np.ndarray], layer: int) -> list[np.ndarray]:
    """The empty cache of a sequence that begins: as wide as what the operator will put into it."""
    width = sum(part.shape[-1] for part in (inputs[1:] if node.op == "attention" else inputs[2:]))
    return [np.zeros((0, width))]


Cache = list[np.ndarray]  # of each layer (n, width)


class ReferenceSession:
    """A graph that is interpreted node by node. Every node's output is kept in `values` after a step, for whoever looks for a fault."""

    operations: Mapping[str, Operator] = OPERATIONS

    def __init__(self, graph: Graph, limits: Limits, weights: Mapping[str, np.ndarray]) -> None:
        self.graph = graph
        self.weights = dict(weights)
        self.values: dict[str, np.ndarray] = {}
        self.kv: Sequences[Cache] = Sequences(limits, lambda: [np.zeros((0, width)) for width in graph.cached], list, self._fits)

    def prefill(self, feeds: Sequence[Feed]) -> StepResult:
        return self._step(feeds, single=False)

    def decode(self, feeds: Sequence[Feed]) -> StepResult:
        return self._step(feeds, single=True)

    def _step(self, feeds: Sequence[Feed], *, single: bool) -> StepResult:
        self.kv.check_feeds(feeds, self.graph.vocabulary, single=single)
        begun = time.perf_counter()
        ends = np.cumsum([len(feed.tokens) for feed in feeds]).tolist()
        spans = list(zip([0, *ends[:-1]], ends, strict=True))
        caches = [self.kv.states[feed.sequence] for feed in feeds]
        positions = positions_of(feeds, [self.kv.lengths[feed.sequence] for feed in feeds])
        step = Step(positions, spans, lambda layer: [cache[layer] for cache in caches])
        self.values = {"ids": np.concatenate([feed.tokens for feed in feeds])}
        for node in self.graph.nodes:
            weights = {role: self.weights[tensor] for role, tensor in node.weights.items()}
            self.values[node.output] = self.operations[node.op](node, [self.values[name] for name in node.inputs], weights, step)
        for place, feed in enumerate(feeds):
            self.kv.states[feed.sequence] = [step.grown[layer][place] for layer in range(self.graph.num_layers)]
            self.kv.grow(feed)
        return StepResult(self.values["logits"].astype(np.float32), time.perf_counter() - begun)

    def _fits(self, state: KVState) -> bool:
        wanted = [(state.num_tokens, width) for width in self.graph.cached]
        return isinstance(state.content, list) and [np.shape(layer) for layer in state.content] == wanted

    def memory(self) -> Mapping[str, int]:
        self.kv.check_open()
        kv = sum(layer.nbytes for cache in self.kv.states.values() for layer in cache)
        return {"weights": sum(values.nbytes for values in self.weights.values()), "kv": kv}

    def synchronize(self) -> None:
        self.kv.check_open()

    def close(self) -> None:
        self.weights.clear()
        self.values.clear()
        self.kv.close()
