"""Faults of a model in use: caches, batches, positions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from seodang.backends.contract import Feed, KVState, LoadReport, Program, Session, StepResult
from seodang.backends.graph import Node
from seodang.backends.reference import ReferenceSession
from seodang.backends.reference_operators import OPERATIONS, Arrays, Step, Weights
from seodang.testbed.certify.broken.fault import Broken

_PAGE = 16  # tokens
_PADDED = 6  # tokens of padding that do not go unseen


class _ModelFault(Broken):
    level = 3


def _late_positions(node: Node, inputs: Arrays, weights: Weights, step: Step) -> np.ndarray:
    decoding = len(inputs[0]) == len(step.spans)
    later = Step(step.positions + decoding * (step.positions >= _PAGE), step.spans, step.past)
    return OPERATIONS["rotary"](node, inputs, weights, later)


class PositionOffByOne(_ModelFault):
    """Decoded tokens stand one position too late, from the second page on."""

    in_model = {"rotary": _late_positions}


def _from_zero(node: Node, inputs: Arrays, weights: Weights, step: Step) -> np.ndarray:
    counted = np.concatenate([np.arange(stop - start) for start, stop in step.spans])
    positions = counted if len(inputs[0]) > len(step.spans) + 4 else step.positions
    return OPERATIONS["rotary"](node, inputs, weights, Step(positions, step.spans, step.past))


class ChunksStartAtZero(_ModelFault):
    """Each piece of a long prompt begins at position 0."""

    in_model = {"rotary": _from_zero}


class _StaleCache(ReferenceSession):
    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        self._freed: list[list[np.ndarray]] = []
        free, allocate = self.kv.free, self.kv.allocate

        def keep(sequence: int) -> None:
            self.kv.check(sequence)
            if self.kv.lengths[sequence] > _PAGE:
                self._freed.append(self.kv.states[sequence])
            free(sequence)

        def stale() -> int:
            handle = allocate()
            if self._freed:
                self.kv.states[handle] = [layer[:1] for layer in self._freed.pop()]
            return handle

        self.kv.free, self.kv.allocate = keep, stale  # type: ignore[method-assign]


class StaleCache(_ModelFault):
    """A new sequence finds a token of a freed one, of more than a page, before its own."""

    session = _StaleCache


class _SharedCopy(ReferenceSession):
    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        self._pairs: list[tuple[int, int]] = []
        copy = self.kv.copy

        def shared(sequence: int) -> int:
            handle = copy(sequence)
            self._pairs.append((sequence, handle))
            return handle

        self.kv.copy = shared  # type: ignore[method-assign]

    def _step(self, feeds: Sequence[Feed], *, single: bool) -> StepResult:
        result = super()._step(feeds, single=single)
        fed = {feed.sequence: len(feed.tokens) for feed in feeds}
        for first, second in self._pairs:
            if first in fed and second in self.kv.states:
                count = min(fed[first], self.kv.lengths[second])
                mine, other = self.kv.states[first], self.kv.states[second]
                self.kv.states[second] = [np.concatenate([theirs[:-count], own[-count:]]) for own, theirs in zip(mine, other, strict=True)]
        return result


class CopiesShareTheirCache(_ModelFault):
    """What the first of two copies appends is written over the last entries of the second."""

    session = _SharedCopy


class _ShortExport(ReferenceSession):
    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        export = self.kv.export

        def short(sequence: int) -> KVState:
            state = export(sequence)
            if state.num_tokens <= _PAGE:
                return state
            return replace(state, content=[np.concatenate([layer[:-1], layer[-1:] * 0.0]) for layer in state.content])

        self.kv.export = short  # type: ignore[method-assign]


class ExportLosesTheLastToken(_ModelFault):
    """A preempted sequence of more than a page comes back without its last token's entries."""

    session = _ShortExport


def _leaks_between_rows(node: Node, inputs: Arrays, weights: Weights, step: Step) -> np.ndarray:
    out = OPERATIONS["swiglu"](node, inputs, weights, step)
    longest = max(stop - start for start, stop in step.spans)
    short = [stop - 1 for start, stop in step.spans if longest - (stop - start) >= _PADDED]
    out[short] *= 1.0 + 0.01 * bool(short)
    return out


class PaddingReachesTheMlp(_ModelFault):
    """Padding of shorter sequences takes part in the MLP, so that a row depends on its neighbours' lengths."""

    in_model = {"swiglu": _leaks_between_rows}


class _WrongRow(ReferenceSession):
    def _step(self, feeds: Sequence[Feed], *, single: bool) -> StepResult:
        result = super()._step(feeds, single=single)
        order = sorted(range(len(feeds)), key=lambda place: feeds[place].sequence)
        return replace(result, logits=result.logits[order])


class RowsByHandle(_ModelFault):
    """Logits come in the order of handles, not in that of the feeds."""

    session = _WrongRow


class _LosesBlocks(ReferenceSession):
    def _step(self, feeds: Sequence[Feed], *, single: bool) -> StepResult:
        result = super()._step(feeds, single=single)
        if len({len(feed.tokens) for feed in feeds}) > 1:
            shortest = min(feeds, key=lambda feed: len(feed.tokens)).sequence
            self.kv.states[shortest] = [np.concatenate([layer[:-1] * 0.0, layer[-1:]]) for layer in self.kv.states[shortest]]
        return result


class LosesBlocksInMixedBatches(_ModelFault):
    """In a step of uneven feeds the blocks of the shortest sequence are lost."""

    session = _LosesBlocks


class _Remembers(ReferenceSession):
    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        self._answers: dict[bytes, np.ndarray] = {}

    def _step(self, feeds: Sequence[Feed], *, single: bool) -> StepResult:
        result = super()._step(feeds, single=single)
        if not single:
            return result
        key = b"/".join(feed.tokens.astype(np.int64).tobytes() for feed in feeds)
        return replace(result, logits=self._answers.setdefault(key, result.logits))


class AnswersFromMemory(_ModelFault):
    """Decoding gives equal tokens equal logits, whatever came before them."""

    session = _Remembers


class DropsMlpWeights(_ModelFault):
    """The loader drops every second projection of the MLPs without a word, and reports them as consumed."""

    level = 2

    def load(self, program: Program, weights: Mapping[str, np.ndarray]) -> tuple[Session, LoadReport]:
        session, report = super().load(program, weights)
        assert isinstance(session, ReferenceSession)
        for name, values in session.weights.items():
            if name.endswith("up_proj.weight"):
                session.weights[name] = np.zeros_like(values)
        return session, report


class _Wraps(ReferenceSession):
    def _step(self, feeds: Sequence[Feed], *, single: bool) -> StepResult:
        result = super()._step(feeds, single=single)
        for feed in feeds:
            if self.kv.lengths[feed.sequence] > self.kv.limits.max_context - 2:
                self.kv.states[feed.sequence] = [np.concatenate([layer[-1:], layer[1:]]) for layer in self.kv.states[feed.sequence]]
        return result


class LastPageOverwritesTheFirst(_ModelFault):
    """Near `max_context` new entries are written over the first ones."""

    session = _Wraps
