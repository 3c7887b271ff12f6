"""A graph that is interpreted in PyTorch: its weights and the caches of its sequences live on one device."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from seodang.backends.contract import Feed, KVState, Limits, OutOfMemory, StepResult
from seodang.backends.flow import last_uses
from seodang.backends.graph import Graph, Node
from seodang.backends.sequences import Sequences, positions_of
from seodang.backends.torch_operators import OPERATIONS, Operator, Step
from seodang.backends.weights import take_weight

_LEAST_ROOM = 64  # tokens
Answer = TypeVar("Answer")


def on_device(values: np.ndarray, device: str, dtype: torch.dtype) -> Tensor:
    """A copy that nobody else holds."""
    return torch.from_numpy(np.array(values, np.float32)).to(device=device, dtype=dtype)


def take_tensors(graph: Graph, weights: Mapping[str, np.ndarray], device: str, dtype_of: Callable[[str], torch.dtype]) -> dict[str, Tensor]:
    """Every tensor of a graph on the device, each in its own type, read one by one."""
    return memory_told(
        lambda: {name: on_device(take_weight(graph.tensors, weights, name), device, dtype_of(name)) for name in graph.tensors}
    )


def memory_told(work: Callable[[], Answer]) -> Answer:
    """What `work` gives. OutOfMemory where PyTorch finds no room for it."""
    try:
        return work()
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error):
            raise OutOfMemory(str(error).splitlines()[0], hint="ask for fewer or shorter sequences, or a smaller type") from error
        raise


class Cache:
    """What one sequence has in each layer, (capacity, width). Room is doubled when it is used up."""

    def __init__(self, layers: list[Tensor]) -> None:
        self.layers = layers

    @property
    def num_bytes(self) -> int:
        return sum(layer.nbytes for layer in self.layers)

    def resized(self, kept: int, room: int, device: str | None = None) -> "Cache":
        """Another cache with the first `kept` tokens of this one, and room for `room`."""
        found: list[Tensor] = []
        for layer in self.layers:
            larger = torch.empty(room, layer.shape[1], dtype=layer.dtype, device=device or layer.device)
            larger[:kept] = layer[:kept]
            found.append(larger)
        return Cache(found)


class CachedSequences(Sequences[Cache]):
    """Sequences whose exported state is in the host's memory."""

    def __init__(self, limits: Limits, widths: Sequence[int], device: str, dtype: torch.dtype) -> None:
        def empty() -> Cache:
            return Cache([torch.empty(0, width, dtype=dtype, device=device) for width in widths])

        super().__init__(limits, empty, self._cloned, self._fit)
        self._widths, self._device, self._dtype = widths, device, dtype

    def export(self, sequence: int) -> KVState:
        self.check(sequence)
        length = self.lengths[sequence]
        return KVState(length, self.states[sequence].resized(length, length, "cpu"))

    def restore(self, state: KVState) -> int:
        self.check_state(state)
        kept: Cache = state.content
        return self._add(
            state.num_tokens, lambda: memory_told(lambda: kept.resized(state.num_tokens, self._room(state.num_tokens), self._device))
        )

    def reserve(self, sequence: int, wanted: int) -> None:
        """Room for `wanted` tokens in all."""
        cache = self.states[sequence]
        if cache.layers and len(cache.layers[0]) < wanted:
            self.states[sequence] = cache.resized(self.lengths[sequence], self._room(wanted))

    def _room(self, wanted: int) -> int:
        room = _LEAST_ROOM
        while room < wanted:
            room *= 2
        return min(room, self.limits.max_context)

    def _fit(self, state: KVState) -> bool:
        wanted = [(state.num_tokens, width, self._dtype) for width in self._widths]
        return isinstance(state.content, Cache) and [(*layer.shape, layer.dtype) for layer in state.content.layers] == wanted

    def _cloned(self, cache: Cache) -> Cache:
        return memory_told(lambda: Cache([layer.clone() for layer in cache.layers]))


class TorchSession:
    """See the contract's `Session`. Times are of the device: by CUDA's events there, else by the clock until the step is done."""

    def __init__(self, graph: Graph, limits: Limits, weights: Mapping[str, Tensor], device: str, dtype: torch.dtype) -> None:
        self.graph, self.device, self.dtype = graph, device, dtype
        self.weights = dict(weights)
        self.kv = CachedSequences(limits, graph.cached, device, dtype)
        self._plan: list[tuple[Operator, Node, dict[str, Tensor], tuple[str, ...]]] = [
            (OPERATIONS[node.op], node, {role: self.weights[tensor] for role, tensor in node.weights.items()}, done)
            for node, done in zip(graph.nodes, last_uses(graph), strict=True)
        ]

    def prefill(self, feeds: Sequence[Feed]) -> StepResult:
        return self._step(feeds, single=False)

    def decode(self, feeds: Sequence[Feed]) -> StepResult:
        return self._step(feeds, single=True)

    def memory(self) -> Mapping[str, int]:
        self.kv.check_open()
        kv = sum(cache.num_bytes for cache in self.kv.states.values())
        return {"weights": sum(values.nbytes for values in self.weights.values()), "kv": kv}

    def synchronize(self) -> None:
        self.kv.check_open()
        if self.device != "cpu":
            torch.cuda.synchronize(self.device)

    def close(self) -> None:
        self.weights.clear()
        self._plan.clear()
        self.kv.close()
        if self.device != "cpu":
            torch.cuda.empty_cache()

    def _step(self, feeds: Sequence[Feed], *, single: bool) -> StepResult:
        self.kv.check_feeds(feeds, self.graph.vocabulary, single=single)
        with torch.inference_mode():
            logits, seconds, hit = memory_told(lambda: self._timed(feeds))
        for feed in feeds:
            self.kv.grow(feed)
        return StepResult(logits, seconds, counters={"experts_hit": hit} if hit else {})

    def _timed(self, feeds: Sequence[Feed]) -> tuple[np.ndarray, float, dict[str, int]]:
        """Logits, the device's seconds, and the experts that were used. Of the sequences only room that they do not use yet is changed."""
        if self.device == "cpu":
            begun = time.perf_counter()
            logits, hit = self._run(feeds)
            return logits.float().numpy(), time.perf_counter() - begun, hit
        with torch.cuda.device(self.device):
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            logits, hit = self._run(feeds)
            end.record()
            end.synchronize()
            return logits.float().cpu().numpy(), start.elapsed_time(end) / 1e3, hit

    def _run(self, feeds: Sequence[Feed]) -> tuple[Tensor, dict[str, int]]:
        past = [self.kv.lengths[feed.sequence] for feed in feeds]
        for feed, length in zip(feeds, past, strict=True):
            self.kv.reserve(feed.sequence, length + len(feed.tokens))
        ends = np.cumsum([len(feed.tokens) for feed in feeds]).tolist()
        positions = torch.from_numpy(positions_of(feeds, past).astype(np.float64)).to(self.device)
        caches = [self.kv.states[feed.sequence].layers for feed in feeds]
        spans = list(zip([0, *ends[:-1]], ends, strict=True))
        step = Step(positions, spans, past, lambda layer: [layers[layer] for layers in caches])
        tokens = np.concatenate([feed.tokens for feed in feeds]).astype(np.int64)
        values = {"ids": torch.from_numpy(tokens).to(self.device)}
        for operator, node, weights, done in self._plan:
            values[node.output] = operator(node, [values[name] for name in node.inputs], weights, step)
            for name in done:
                del values[name]
        return values["logits"], step.hit


def run_node(
    node: Node, inputs: Sequence[np.ndarray], weights: Mapping[str, np.ndarray], device: str, dtype: torch.dtype, wide: frozenset[str]
) -> np.ndarray:
    """One operator on one sequence from position 0, in float32. Weights of the roles `wide` stay in float32."""

    def work() -> np.ndarray:
        given = [
            torch.from_numpy(values.astype(np.int64)).to(device)
            if values.dtype.kind in "iu"
            else on_device(values, device, torch.float32 if node.op == "experts" and place else dtype)
            for place, values in enumerate(inputs)
        ]
        held = {role: on_device(values, device, torch.float32 if role in wide else dtype) for role, values in weights.items()}
        count = len(given[0])
        width = sum(part.shape[-1] for part in given[1 if node.op == "attention" else 2 :])
        cache = torch.empty(count, width, dtype=dtype, device=device)
        step = Step(torch.arange(count, dtype=torch.float64, device=device), [(0, count)], [0], lambda _: [cache])
        return OPERATIONS[node.op](node, given, held, step).float().cpu().numpy()

    with torch.inference_mode():
        return memory_told(work)
