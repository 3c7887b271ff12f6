"""Faults of a model in use: caches, batches, positions."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from seodang.backends.contract import Feed, KVState, StepResult
from seodang.backends.graph import Node
from seodang.backends.reference import ReferenceSession
from seodang.backends.reference_operators import OPERATIONS, Arrays, Step, Weights
from seodang.testbed.certify.broken.fault import Broken


class _ModelFault(Broken):
    level = 3


def _late_positions(node: Node, inputs: Arrays, weights: Weights, step: Step) -> np.ndarray:
    later = Step(step.positions + (step.positions > 0) * (len(inputs[0]) == len(step.spans)), step.spans, step.past)
    return OPERATIONS["rotary"](node, inputs, weights, later)


class PositionOffByOne(_ModelFault):
    """Decoded tokens stand one position too late."""

    in_model = {"rotary": _late_positions}


def _from_zero(node: Node, inputs: Arrays, weights: Weights, step: Step) -> np.ndarray:
    counted = np.concatenate([np.arange(stop - start) for start, stop in step.spans])
    positions = counted if len(inputs[0]) > len(step.spans) else step.positions
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
            if self.kv.lengths[sequence]:
                self._freed.append(self.kv.states[sequence])
            free(sequence)

        def stale() -> int:
            handle = allocate()
            if self._freed:
                self.kv.states[handle] = [layer[:1] for layer in self._freed.pop()]
            return handle

        self.kv.free, self.kv.allocate = keep, stale  # type: ignore[method-assign]


class StaleCache(_ModelFault):
    """A new sequence finds a token of the freed one before its own."""

    session = _StaleCache


class _SharedCopy(ReferenceSession):
    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        copy = self.kv.copy

        def shared(sequence: int) -> int:
            handle = copy(sequence)
            self.kv.states[handle] = self.kv.states[sequence]
            return handle

        self.kv.copy = shared  # type: ignore[method-assign]

    def _step(self, feeds: Sequence[Feed], *, single: bool) -> StepResult:
        before = {feed.sequence: self.kv.states.get(feed.sequence) for feed in feeds}
        result = super()._step(feeds, single=single)
        for feed in feeds:
            for other, state in list(self.kv.states.items()):
                if state is before[feed.sequence] and other != feed.sequence:
                    new = len(feed.tokens)
                    for layer, grown in enumerate(self.kv.states[feed.sequence]):
                        state[layer] = np.concatenate([state[layer][:-new], grown[-new:]]) if len(state[layer]) > new else state[layer]
        return result


class CopiesShareTheirCache(_ModelFault):
    """What one copy appends is written into the other's last page."""

    session = _SharedCopy


class _ShortExport(ReferenceSession):
    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        export = self.kv.export

        def short(sequence: int) -> KVState:
            state = export(sequence)
            return replace(state, content=[np.concatenate([layer[:-1], layer[-1:] * 0.0]) for layer in state.content])

        self.kv.export = short  # type: ignore[method-assign]


class ExportLosesTheLastToken(_ModelFault):
    """A preempted sequence comes back without its last token's entries."""

    session = _ShortExport


def _leaks_between_rows(node: Node, inputs: Arrays, weights: Weights, step: Step) -> np.ndarray:
    out = OPERATIONS["swiglu"](node, inputs, weights, step)
    longest = max(stop - start for start, stop in step.spans)
    short = [stop - 1 for start, stop in step.spans if stop - start < longest]
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
        key = b"/".join(feed.tokens.astype(np.int64).tobytes() for feed in feeds)
        return replace(result, logits=self._answers.setdefault(key, result.logits))


class AnswersFromMemory(_ModelFault):
    """Equal tokens get equal logits, whatever came before them."""

    session = _Remembers


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
