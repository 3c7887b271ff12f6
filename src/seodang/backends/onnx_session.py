"""A model that is open in ONNX Runtime: steps over padded caches, and what a step is given."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seodang.backends.contract import BackendError, Feed, KVState, Limits, OutOfMemory, StepResult, Unsupported
from seodang.backends.graph import Graph, Shape
from seodang.backends.host import give_back_memory
from seodang.backends.sequences import Sequences, positions_of
from seodang.core.processors import num_threads

Cache = list[np.ndarray]  # of each layer (max_context, width); rows beyond the sequence's length hold nothing


class Opened:
    """An ONNX model with weights (float32), which ONNX Runtime copies. One program runs any number of tokens of any number of sequences."""

    def __init__(self, content: bytes, weights: Mapping[str, np.ndarray]) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = num_threads(), 1
        options.enable_cpu_mem_arena = False  # memory of a step is given back
        options.log_severity_level = 4
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_external_initializers(list(weights), [onnxruntime.OrtValue.ortvalue_from_numpy(values) for values in weights.values()])
        try:
            self._session: Any = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise Unsupported(f"ONNX Runtime {onnxruntime.__version__} does not open the program: {_first_line(error)}") from error
        self._inputs = [given.name for given in self._session.get_inputs()]
        self._outputs = [given.name for given in self._session.get_outputs()]
        self.properties: Mapping[str, str] = self._session.get_modelmeta().custom_metadata_map

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """All outputs by name. OutOfMemory where a step does not fit."""
        try:
            found = self._session.run(self._outputs, {name: inputs[name] for name in self._inputs})
        except Exception as error:
            kind = OutOfMemory if isinstance(error, MemoryError) or "allocat" in str(error) else BackendError
            raise kind(f"ONNX Runtime ended a step: {_first_line(error)}", where="onnx_cpu", hint="prefill in smaller chunks") from error
        return dict(zip(self._outputs, found, strict=True))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def step_inputs(lengths: Sequence[int], counts: Sequence[int]) -> dict[str, np.ndarray]:
    """What a step is given besides tokens, of B sequences that had `lengths` tokens and get `counts` more: see onnx_operators.py."""
    past, new = max(lengths), max(counts)
    ends = np.cumsum(counts)
    starts, slots = ends - counts, np.arange(new)
    within = slots[None, :] < np.array(counts)[:, None]  # (B, S)
    absent = np.arange(past)[None, None, :] >= np.array(lengths)[:, None, None]
    later = slots[None, None, :] > slots[None, :, None]
    size = (len(counts), new, past)
    return {
        "step.rows": np.where(within, starts[:, None] + slots, 0).astype(np.int64),
        "step.places": np.flatnonzero(within),
        "step.hidden": np.concatenate([np.broadcast_to(absent, size), np.broadcast_to(later, (len(counts), new, new))], 2),
        "step.last": (ends - 1).astype(np.int64),
    }


def weight_bytes(graph: Graph) -> int:
    """Of all tensors. ONNX Runtime packs matrices for its products and lets go of what it packed."""
    return sum(_bytes(shape) for shape in graph.tensors.values())


def packed_bytes(graph: Graph) -> int:
    """Of tied heads, which are kept as the table that rows are taken from, too."""
    tables = {node.weights["table"] for node in graph.nodes if node.op == "embedding"}
    return sum(_bytes(graph.tensors[name]) for name in tables & {node.weights["weight"] for node in graph.nodes if node.op == "linear"})


def _bytes(shape: Shape) -> int:
    return 4 * int(np.prod(shape))


class OnnxSession:
    """Each sequence has its own cache; a step lays those of its feeds side by side."""

    def __init__(self, opened: Opened, graph: Graph, limits: Limits) -> None:
        self.graph = graph
        self._opened: Opened | None = opened
        shapes = [(limits.max_context, width) for width in graph.cached]

        def copied(cache: Cache) -> Cache:
            return [layer.copy() for layer in cache]

        def fits(state: KVState) -> bool:
            return isinstance(state.content, list) and [np.shape(layer) for layer in state.content] == shapes

        self.kv: Sequences[Cache] = Sequences(limits, lambda: [np.zeros(shape, np.float32) for shape in shapes], copied, fits)

    def prefill(self, feeds: Sequence[Feed]) -> StepResult:
        return self._step(feeds, single=False)

    def decode(self, feeds: Sequence[Feed]) -> StepResult:
        return self._step(feeds, single=True)

    def _step(self, feeds: Sequence[Feed], *, single: bool) -> StepResult:
        self.kv.check_feeds(feeds, self.graph.vocabulary, single=single)
        assert self._opened is not None
        begun = time.perf_counter()
        lengths = [self.kv.lengths[feed.sequence] for feed in feeds]
        caches = [self.kv.states[feed.sequence] for feed in feeds]
        inputs = step_inputs(lengths, [len(feed.tokens) for feed in feeds])
        inputs["ids"] = np.concatenate([feed.tokens for feed in feeds]).astype(np.int64)
        inputs["step.positions"] = positions_of(feeds, lengths).astype(np.int64)
        inputs |= {f"past.{layer}": _beside([cache[layer] for cache in caches], lengths) for layer in range(self.graph.num_layers)}
        found = self._opened.run(inputs)
        begin = 0
        for feed, cache, length in zip(feeds, caches, lengths, strict=True):
            count = len(feed.tokens)
            for layer, rows in enumerate(cache):
                rows[length : length + count] = found[f"new.{layer}"][begin : begin + count]
            self.kv.grow(feed)
            begin += count
        return StepResult(found["logits"], time.perf_counter() - begun)

    def memory(self) -> Mapping[str, int]:
        """`kv` is what live sequences hold: a cache of `max_context` tokens each. `packed` is a second form of tensors that are both looked
        up and multiplied by."""
        self.kv.check_open()
        kv = sum(layer.nbytes for cache in self.kv.states.values() for layer in cache)
        return {"weights": weight_bytes(self.graph), "kv": kv, "packed": packed_bytes(self.graph)}

    def synchronize(self) -> None:
        self.kv.check_open()

    def close(self) -> None:
        self.kv.close()
        self._opened = None
        give_back_memory()


def _beside(caches: Sequence[np.ndarray], lengths: Sequence[int]) -> np.ndarray:
    """One layer's caches (B, P, width), up to the longest; one alone is not copied."""
    longest = max(lengths)
    if len(caches) == 1:
        return caches[0][None, :longest]
    out = np.zeros((len(caches), longest, caches[0].shape[1]), np.float32)
    for row, cache, length in zip(out, caches, lengths, strict=True):
        row[:length] = cache[:length]
    return out
