"""A model that is open in llama.cpp: steps, and sequences as parts of its cache."""

import ctypes
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seodang.backends.contract import BackendError, Feed, KVState, Limits, OutOfMemory, StepResult, Unsupported
from seodang.backends.graph import Graph
from seodang.backends.llama_cpp_library import Batch
from seodang.backends.sequences import Sequences, positions_of

_NO_ROOM = 1  # what llama_decode returns where the cache is full


class CachedSequences(Sequences[int]):
    """Sequences whose state is llama.cpp's number of them. Copies and exports go through its own bytes of a sequence."""

    def __init__(self, library: Any, context: int, limits: Limits) -> None:
        super().__init__(limits, self._take, int, lambda state: isinstance(state.content, np.ndarray))
        self._library, self._context = library, context
        self._spare = list(range(limits.max_sequences))[::-1]

    def free(self, sequence: int) -> None:
        self.check(sequence)
        number = self.states[sequence]
        super().free(sequence)
        self.truncate(number, 0)
        self._spare.append(number)

    def copy(self, sequence: int) -> int:
        return self.restore(self.export(sequence))

    def export(self, sequence: int) -> KVState:
        self.check(sequence)
        number, length = self.states[sequence], self.lengths[sequence]
        content = np.empty(self._library.llama_state_seq_get_size(self._context, number) if length else 0, np.uint8)
        if length and self._library.llama_state_seq_get_data(self._context, content.ctypes.data, len(content), number) == 0:
            raise BackendError("llama.cpp does not give the cache of a sequence", hint="load the program again")
        return KVState(length, content)

    def restore(self, state: KVState) -> int:
        self.check_state(state)
        return self._add(state.num_tokens, lambda: self._restored(state))

    def truncate(self, number: int, length: int) -> None:
        """Leaves the first `length` tokens in llama.cpp's sequence `number`."""
        self._library.llama_memory_seq_rm(self._library.llama_get_memory(self._context), number, length, -1)

    def _take(self) -> int:
        return self._spare.pop()

    def _restored(self, state: KVState) -> int:
        number = self._take()
        content = state.content
        if len(content) and self._library.llama_state_seq_set_data(self._context, content.ctypes.data, len(content), number) == 0:
            self._spare.append(number)
            raise Unsupported("a cache of another model, or of another type", hint="restore what this model's session exported")
        return number


class LlamaCppSession:
    """Logits are llama.cpp's own, of the whole vocabulary. `cell_bytes` is what a number in the cache takes."""

    def __init__(self, library: Any, model: int, context: int, graph: Graph, limits: Limits, cell_bytes: int) -> None:
        self.graph = graph
        self.kv = CachedSequences(library, context, limits)
        self._library, self._model, self._context = library, model, context
        self._row_bytes = cell_bytes * sum(graph.cached)

    def prefill(self, feeds: Sequence[Feed]) -> StepResult:
        return self._step(feeds, single=False)

    def decode(self, feeds: Sequence[Feed]) -> StepResult:
        return self._step(feeds, single=True)

    def _step(self, feeds: Sequence[Feed], *, single: bool) -> StepResult:
        self.kv.check_feeds(feeds, self.graph.vocabulary, single=single)
        begun = time.perf_counter()
        numbers = [self.kv.states[feed.sequence] for feed in feeds]
        lengths = [self.kv.lengths[feed.sequence] for feed in feeds]
        batch = _StepBatch(feeds, numbers, lengths)
        code = self._library.llama_decode(self._context, batch.value)
        self._library.llama_synchronize(self._context)
        if code != 0:
            for number, length in zip(numbers, lengths, strict=True):
                self.kv.truncate(number, length)
            if code == _NO_ROOM:
                raise OutOfMemory("llama.cpp finds no room in the cache", hint="free a sequence")
            raise BackendError(f"llama.cpp ended a step with code {code}", hint="load the program again")
        rows = [self._library.llama_get_logits_ith(self._context, place) for place in batch.last]
        logits = np.stack([np.ctypeslib.as_array(row, (self.graph.vocabulary,)) for row in rows])
        for feed in feeds:
            self.kv.grow(feed)
        return StepResult(logits, time.perf_counter() - begun)

    def memory(self) -> Mapping[str, int]:
        """`kv` is what live tokens take of the cache and `kv_spare` the rest of it, which is held from the start; what llama.cpp computes
        in is not told by its interface and not here."""
        self.kv.check_open()
        kv = self._row_bytes * sum(self.kv.lengths.values())
        whole = self._row_bytes * self._library.llama_n_ctx(self._context)
        return {"weights": self._library.llama_model_size(self._model), "kv": kv, "kv_spare": whole - kv}

    def synchronize(self) -> None:
        self.kv.check_open()
        self._library.llama_synchronize(self._context)

    def close(self) -> None:
        self.kv.close()
        if self._context:
            self._library.llama_free(self._context)
            self._library.llama_model_free(self._model)
            self._context = self._model = 0

    def __del__(self) -> None:
        self.close()


class _StepBatch:
    """A step's tokens as llama.cpp's batch, and the arrays that it points to. `last` are the places of each feed's last token."""

    def __init__(self, feeds: Sequence[Feed], numbers: Sequence[int], lengths: Sequence[int]) -> None:
        counts = [len(feed.tokens) for feed in feeds]
        total = sum(counts)
        self.last = (np.cumsum(counts) - 1).tolist()
        tokens = np.concatenate([feed.tokens for feed in feeds]).astype(np.int32)
        positions = positions_of(feeds, lengths).astype(np.int32)
        owners = np.repeat(np.array(numbers, np.int32), counts)
        wanted = np.zeros(total, np.int8)
        wanted[self.last] = 1
        one = np.ones(total, np.int32)
        pointers = (owners.ctypes.data + owners.itemsize * np.arange(total)).astype(np.uintp)
        self._kept = (tokens, positions, owners, wanted, one, pointers)

        def at(values: np.ndarray, kind: Any) -> Any:
            return ctypes.cast(values.ctypes.data, ctypes.POINTER(kind))

        int32 = ctypes.c_int32
        self.value = Batch(
            total,
            at(tokens, int32),
            None,
            at(positions, int32),
            at(one, int32),
            at(pointers, ctypes.POINTER(int32)),
            at(wanted, ctypes.c_int8),
        )
