"""A session for software that keeps its cache to itself, or has none: the tokens of each sequence are held here and handed over whole."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from seodang.backends.contract import Feed, KVState, Limits, Program, StepResult
from seodang.backends.sequences import Sequences

Rows = Sequence[Sequence[int]]


class TokenSequences(Sequences[list[int]]):
    """Sequences whose state is their token ids. What is exported is those and whose program they were fed to."""

    def __init__(self, limits: Limits, program: str) -> None:
        super().__init__(limits, list, list, self._fit)
        self._program = program

    def export(self, sequence: int) -> KVState:
        told = super().export(sequence)
        return replace(told, content=(self._program, told.content))

    def restore(self, state: KVState) -> int:
        self.check_state(state)
        return super()._add(state.num_tokens, lambda: list(state.content[1]))

    def _fit(self, state: KVState) -> bool:
        return isinstance(state.content, tuple) and state.content[:1] == (self._program,)


class RecomputingSession:
    """`logits_of` gives logits (B, V) after the last token of each row of token ids, and has returned when the device has finished; it
    is let go of when the session is closed. Times are those that pass here."""

    def __init__(self, program: Program, weight_bytes: int, logits_of: Callable[[Rows], np.ndarray]) -> None:
        self.kv = TokenSequences(program.limits, program.fingerprint)
        self._vocabulary, self._weight_bytes, self._logits_of = program.graph.vocabulary, weight_bytes, [logits_of]

    def prefill(self, feeds: Sequence[Feed]) -> StepResult:
        return self._step(feeds, single=False)

    def decode(self, feeds: Sequence[Feed]) -> StepResult:
        return self._step(feeds, single=True)

    def memory(self) -> Mapping[str, int]:
        """The bytes of the weights as they were handed over; what the software holds beside them is not known here."""
        self.kv.check_open()
        return {"weights": self._weight_bytes, "kv": 0}

    def synchronize(self) -> None:
        self.kv.check_open()

    def close(self) -> None:
        self.kv.close()
        self._logits_of.clear()

    def _step(self, feeds: Sequence[Feed], *, single: bool) -> StepResult:
        self.kv.check_feeds(feeds, self._vocabulary, single=single)
        rows = [[*self.kv.states[feed.sequence], *feed.tokens.tolist()] for feed in feeds]
        begun = time.perf_counter()
        logits = self._logits_of[0](rows)
        passed = time.perf_counter() - begun
        for feed, row in zip(feeds, rows, strict=True):
            self.kv.states[feed.sequence] = row
            self.kv.grow(feed)
        return StepResult(np.asarray(logits, np.float32), passed)
