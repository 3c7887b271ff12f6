"""A seodang backend in one file: the Llama family in NumPy, float32, on the processor. Start here to write one for your chip.

Nothing of seodang is used but the contract. Shapes: T tokens of a step, n of them of one sequence, L tokens that this sequence then has,
K key heads, G heads of one key head, D width of a head, C numbers that a token leaves in the cache of one layer.
"""

import hashlib
import json
import math
import os
import time
import timeit
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

import seodang.backends.contract as api
from seodang.backends.description import Description, Memory
from seodang.backends.graph import Graph, Node
from seodang.backends.quantity import Quantity

DEVICE = "cpu"
DTYPES = ("auto", "float32")
PAGE_TOKENS = 16  # tokens in a page of the cache
TOOLCHAIN = f"numpy_example 1.0.0, numpy {np.__version__}"
# The operators that run here, with their attributes. A node with another attribute asks for something that is not done.
ATTRIBUTES: dict[str, set[str]] = {op: set() for op in ("embedding", "linear", "swiglu", "add", "last")}
ATTRIBUTES["rms_norm"] = {"eps"}
ATTRIBUTES["rotary"] = {"heads", "frequencies", "interleaved", "magnitude"}
ATTRIBUTES["attention"] = {"scale", "layer", "num_heads", "num_kv_heads", "head_width"}


@dataclass(frozen=True, slots=True)
class Part:
    """One sequence's share of a step: which rows of the values are its own, and their positions (n,) in the sequence."""

    sequence: int
    rows: slice
    positions: np.ndarray


def attention(node: Node, inputs: Sequence[np.ndarray], parts: Sequence[Part], kv: "PagedKV | None") -> np.ndarray:
    """Sequence by sequence, so that none feels another. A row of the cache is k, then v; without one all begin at position 0."""
    attributes, found = node.attributes, list[np.ndarray]()
    q_TC, rows_TC, K, D = inputs[0], np.concatenate(inputs[1:], axis=1), attributes["num_kv_heads"], attributes["head_width"]
    for part in parts:
        rows_LC = kv.extend(attributes["layer"], part, rows_TC[part.rows]) if kv else rows_TC[part.rows]
        n, L, G = len(part.positions), len(rows_LC), attributes["num_heads"] // K
        keys, values = rows_LC.reshape(L, 2, K, D).transpose(1, 2, 0, 3)
        queries = q_TC[part.rows].reshape(n, K, G, D).transpose(1, 2, 0, 3).reshape(K, G * n, D)
        scores = (queries @ keys.transpose(0, 2, 1) * np.float32(attributes["scale"])).reshape(K, G, n, L)
        scores[..., np.arange(L) > part.positions[:, None]] = -np.inf
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True, initial=-np.inf))
        scores /= scores.sum(axis=-1, keepdims=True)
        found.append((scores.reshape(K, G * n, L) @ values).reshape(K, G, n, D).transpose(2, 0, 1, 3).reshape(n, K * G * D))
    return np.concatenate(found)


def compute(node: Node, inputs: list[np.ndarray], weights: Mapping[str, np.ndarray], parts: list[Part], kv: "PagedKV | None") -> np.ndarray:
    """The output of a node, float32. `weights` are by role."""
    x, attributes = inputs[0], node.attributes
    match node.op:
        case "embedding":
            return weights["table"][x]
        case "rms_norm":  # the squares are summed in float64
            square = np.square(x, dtype=np.float64).mean(axis=-1, keepdims=True)
            return x * (1 / np.sqrt(square + attributes["eps"])).astype(np.float32) * weights["scale"]
        case "linear":
            return x @ weights["weight"].T + weights.get("bias", np.float32(0))
        case "rotary":  # float64, as an angle in float32 has too few digits at a long context
            angles = np.concatenate([part.positions for part in parts])[:, None, None] * np.float64(attributes["frequencies"])
            cosine, sine = ((attributes["magnitude"] * turn(angles)).astype(np.float32) for turn in (np.cos, np.sin))
            half = angles.shape[-1]
            heads = x.reshape(len(x), attributes["heads"], 2 * half)
            a, b = (heads[..., ::2], heads[..., 1::2]) if attributes["interleaved"] else (heads[..., :half], heads[..., half:])
            return np.concatenate([a * cosine - b * sine, b * cosine + a * sine], axis=-1).reshape(x.shape)
        case "attention":
            return attention(node, inputs, parts, kv)
        case "swiglu":  # silu by exp of what is never positive
            small = np.exp(-np.abs(x))
            return x * np.where(x >= 0, 1, small) / (1 + small) * inputs[1]
        case "add":
            return x + inputs[1]
        case "last":
            return x[[part.rows.stop - 1 for part in parts]]
        case _:
            raise api.Unsupported(f"no operator `{node.op}`", where=node.name)


class PagedKV:
    """The cache: for each layer one array (pages, PAGE_TOKENS, C), reserved at once. A sequence's pages lie anywhere in it."""

    def __init__(self, graph: Graph, limits: api.Limits) -> None:
        self.limits, self.closed, self.lengths = limits, False, dict[int, int]()
        count = limits.max_sequences * num_pages(limits)
        self.pools = [np.zeros((count, PAGE_TOKENS, width), np.float32) for width in graph.cached]
        self._unused, self._pages, self._last = list(range(count)), dict[int, list[int]](), 0

    def check_open(self) -> None:
        if self.closed:
            raise api.InvalidHandle("the session is closed", hint="load the program again")

    def allocate(self) -> int:
        self.check_open()
        if len(self.lengths) == self.limits.max_sequences:
            raise api.OutOfMemory(f"{len(self.lengths)} sequences are live, the most there can be", hint="free one first")
        sequence = self._last = self._last + 1
        self.lengths[sequence], self._pages[sequence] = 0, [self._unused.pop() for _ in range(num_pages(self.limits))]
        return sequence

    def length(self, sequence: int) -> int:
        if sequence not in self.lengths:
            raise api.InvalidHandle(f"no live sequence {sequence}", hint="allocate one")
        return self.lengths[sequence]

    def free(self, sequence: int) -> None:
        self.length(sequence)
        self._unused += self._pages.pop(sequence)
        del self.lengths[sequence]

    def copy(self, sequence: int) -> int:
        return self.restore(self.export(sequence))

    def export(self, sequence: int) -> api.KVState:
        length = self.length(sequence)
        return api.KVState(length, [self._rows(layer, sequence, length) for layer in range(len(self.pools))])

    def restore(self, state: api.KVState) -> int:
        self.check_open()
        shapes = [(state.num_tokens, pool.shape[2]) for pool in self.pools]
        if not isinstance(state.content, list) or [np.shape(rows) for rows in state.content] != shapes:
            raise api.Unsupported("this state is of another backend or model", hint="restore it where it was exported")
        if state.num_tokens > self.limits.max_context:
            raise api.OutOfMemory(f"{state.num_tokens} tokens in a sequence of at most {self.limits.max_context}", hint="compile for more")
        part = Part(self.allocate(), slice(0, state.num_tokens), np.arange(state.num_tokens))
        for layer, rows in enumerate(state.content):
            self.extend(layer, part, rows)
        self.lengths[part.sequence] = state.num_tokens
        return part.sequence

    def extend(self, layer: int, part: Part, rows: np.ndarray) -> np.ndarray:
        """Writes rows (n, C) behind the sequence's end, which moves only when all of a step has succeeded. Gives all rows (L, C)."""
        pages, positions = np.asarray(self._pages[part.sequence]), part.positions
        self.pools[layer][pages[positions // PAGE_TOKENS], positions % PAGE_TOKENS] = rows
        return self._rows(layer, part.sequence, self.lengths[part.sequence] + len(rows))

    def _rows(self, layer: int, sequence: int, length: int) -> np.ndarray:
        pages = np.asarray(self._pages[sequence][: -(-length // PAGE_TOKENS)], np.int64)
        return self.pools[layer][pages].reshape(-1, self.pools[layer].shape[2])[:length]


class NumpySession:
    """A loaded model."""

    def __init__(self, graph: Graph, limits: api.Limits, weights: dict[str, np.ndarray]) -> None:
        self.kv, self._graph, self._weights = PagedKV(graph, limits), graph, weights
        self._last_use = {name: node.name for node in graph.nodes for name in node.inputs}

    def prefill(self, feeds: Sequence[api.Feed]) -> api.StepResult:
        begin = time.perf_counter()
        parts, ids = self._check(feeds)
        values: dict[str, np.ndarray] = {"ids": ids}
        for node in self._graph.nodes:
            weights = {role: self._weights[name] for role, name in node.weights.items()}
            values[node.output] = compute(node, [values[name] for name in node.inputs], weights, parts, self.kv)
            values = {name: value for name, value in values.items() if self._last_use.get(name) != node.name}
        for part in parts:
            self.kv.lengths[part.sequence] += len(part.positions)
        return api.StepResult(values["logits"], time.perf_counter() - begin)

    def decode(self, feeds: Sequence[api.Feed]) -> api.StepResult:
        if any(np.size(feed.tokens) != 1 for feed in feeds):
            raise api.Unsupported("decode takes one token of each sequence", hint="prefill takes any number")
        return self.prefill(feeds)

    def memory(self) -> Mapping[str, int]:
        self.kv.check_open()
        return {"weights": sum(weight.nbytes for weight in self._weights.values()), "kv": sum(pool.nbytes for pool in self.kv.pools)}

    def synchronize(self) -> None:
        self.kv.check_open()  # NumPy has always finished

    def close(self) -> None:
        self.kv.closed = True
        self.kv.lengths.clear()
        self.kv.pools.clear()
        self._weights.clear()

    def _check(self, feeds: Sequence[api.Feed]) -> tuple[list[Part], np.ndarray]:
        """The parts and token ids of a step. All that can be wrong with it is found here, before anything is changed."""
        self.kv.check_open()
        parts: list[Part] = []
        for feed in feeds:
            tokens, start, first = np.asarray(feed.tokens), parts[-1].rows.stop if parts else 0, self.kv.length(feed.sequence)
            whole = tokens.ndim == 1 and tokens.size and np.issubdtype(tokens.dtype, np.integer)
            if not whole or tokens.min() < 0 or tokens.max() >= self._graph.vocabulary:
                raise api.Unsupported(f"a feed is one or more token ids below {self._graph.vocabulary}", where=f"sequence {feed.sequence}")
            parts.append(Part(feed.sequence, slice(start, start + tokens.size), first + np.arange(tokens.size)))
        if not parts or len({part.sequence for part in parts}) < len(parts):
            raise api.Unsupported("a step feeds at least one sequence, and none twice", hint="put a sequence's tokens into one feed")
        most, step = self.kv.limits.max_context, self.kv.limits.max_step_tokens
        if parts[-1].rows.stop > step or any(part.positions[-1] >= most for part in parts):
            raise api.OutOfMemory(f"more than {most} tokens in a sequence or {step} in a step", hint="compile for more")
        return parts, np.concatenate([np.asarray(feed.tokens, np.int64) for feed in feeds])


class NumpyBackend:
    """The Llama family in NumPy, float32."""

    api_version = 1
    name = "numpy_example"
    vendor = "seodang's examples"

    def probe(self) -> api.Probe:
        return api.Probe((DEVICE,), f"NumPy {np.__version__} is here")

    def describe(self, device: str) -> Description:
        """Measures what NumPy gets out of the processor, in some tenths of a second."""
        if device != DEVICE:
            raise api.DeviceAbsent("no such device", where=device, hint=f"there is `{DEVICE}`")
        measured = partial(Quantity, kind="measured", date=time.strftime("%Y-%m-%d"))
        block, square = np.ones(1 << 24, np.float32), np.ones((1024, 1024), np.float32)
        read_s, product_s = (min(timeit.repeat(work, number=1, repeat=3)) for work in (block.max, lambda: square @ square))
        capacity = measured(value=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), unit="B", source="os.sysconf")
        bandwidth = measured(value=block.nbytes / read_s, unit="B/s", source="numpy.max of 64 MiB, fastest of 3")
        peak = measured(value=2 * 1024**3 / product_s, unit="FLOP/s", source="numpy.matmul of 1024 x 1024, fastest of 3")
        memory = Memory(name="main memory", capacity=capacity, bandwidth=bandwidth)
        return Description(name="this machine's processor", vendor="not known", kind="cpu", memory=(memory,), peak={"float32": peak})

    def supports(self, graph: Graph) -> list[api.Verdict]:
        return [verdict(node) for node in graph.nodes]

    def plan_memory(self, graph: Graph, limits: api.Limits) -> api.MemoryPlan:
        """At most five values live at once in this family, and an operator's own copy; none is wider than the widest weight reads."""
        refuse(graph.nodes, limits.dtype)
        widest, heads = max(shape[-1] for shape in graph.tensors.values()), max(n.attributes.get("num_heads", 0) for n in graph.nodes)
        numbers, rows = sum(map(math.prod, graph.tensors.values())), limits.max_sequences * num_pages(limits) * PAGE_TOKENS
        values = 6 * widest * limits.max_step_tokens + graph.vocabulary * limits.max_sequences
        scores = 2 * limits.max_context * (heads * limits.max_step_tokens + max(graph.cached, default=0))
        return api.MemoryPlan(4 * numbers, kv=4 * rows * sum(graph.cached), activations=4 * values, workspace=4 * scores, reserve=0)

    def compile(self, graph: Graph, limits: api.Limits, folder: Path) -> api.Program:
        """NumPy runs the graph as it is: nothing is written to the folder."""
        begin = time.perf_counter()
        refuse(graph.nodes, limits.dtype)
        return api.Program(self.name, fingerprint(graph, limits), graph, limits, DEVICE, TOOLCHAIN, seconds=time.perf_counter() - begin)

    def load(self, program: api.Program, weights: Mapping[str, np.ndarray]) -> tuple[NumpySession, api.LoadReport]:
        graph, limits = program.graph, program.limits
        if (program.backend, program.toolchain, program.fingerprint) != (self.name, TOOLCHAIN, fingerprint(graph, limits)):
            raise api.Unsupported(f"a program of {program.backend}, {program.toolchain}: not of {TOOLCHAIN}", hint="compile it again")
        if missing := [name for name in graph.tensors if name not in weights]:
            raise api.WeightsRefused(f"missing: {', '.join(missing)}", hint="give every tensor that the graph names")
        kept: dict[str, np.ndarray] = {}
        try:
            for name, shape in graph.tensors.items():
                kept[name] = np.array(weights[name], np.float32, order="C")
                if kept[name].shape != shape:
                    raise api.WeightsRefused(f"shape {kept[name].shape}, not {shape}", where=name, hint="give this model's tensors")
            session = NumpySession(graph, limits, kept)
        except MemoryError as error:
            raise api.OutOfMemory("weights and cache do not fit", hint="ask for fewer sequences or a shorter context") from error
        return session, api.LoadReport(tuple(kept), tuple(n for n in weights if n not in kept), session.memory()["weights"])

    def run(self, node: Node, inputs: Sequence[np.ndarray], weights: Mapping[str, np.ndarray], dtype: str) -> np.ndarray:
        refuse([node], dtype)
        values = [x if node.op == "embedding" else x.astype(np.float32) for x in inputs]
        floats = {role: weight.astype(np.float32) for role, weight in weights.items()}
        return compute(node, values, floats, [Part(0, slice(0, len(inputs[0])), np.arange(len(inputs[0])))], None)


def verdict(node: Node) -> api.Verdict:
    """Native or unsupported: there is nothing to fall back to."""
    if node.op in ATTRIBUTES and set(node.attributes) <= ATTRIBUTES[node.op]:
        return api.Verdict(node.name, "native", "NumPy, float32")
    return api.Verdict(node.name, "unsupported", f"no `{node.op}` with the attributes {sorted(node.attributes)}")


def refuse(nodes: Sequence[Node], dtype: str) -> None:
    """Unsupported where a node or the type cannot be done, naming the first."""
    for told in map(verdict, nodes):
        if told.verdict == "unsupported":
            raise api.Unsupported(told.reason, where=told.node, hint="`supports` says which nodes run")
    if dtype not in DTYPES:
        raise api.Unsupported(f"no type `{dtype}`", hint=f"there are: {', '.join(DTYPES)}")


def fingerprint(graph: Graph, limits: api.Limits) -> str:
    """SHA-256 of all that a program depends on."""
    told = [NumpyBackend.name, NumpyBackend.api_version, TOOLCHAIN, graph.row(), asdict(limits)]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def num_pages(limits: api.Limits) -> int:
    """Pages of one sequence."""
    return -(-limits.max_context // PAGE_TOKENS)
