"""Bookkeeping that sessions share: handles of sequences, and what may be fed to them."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import numpy as np

from seodang.backends.contract import Feed, InvalidHandle, KVState, Limits, OutOfMemory, Unsupported

State = TypeVar("State")


class Sequences(Generic[State]):
    """Live sequences and their caches, of whatever kind a backend keeps. Implements the contract's `KV`.

    `empty` makes the cache of a new sequence and `copied` an equal one that shares nothing that is changed later. `fits` says whether what
    was exported has the form of this model's cache.
    """

    def __init__(
        self, limits: Limits, empty: Callable[[], State], copied: Callable[[State], State], fits: Callable[[KVState], bool]
    ) -> None:
        self.limits = limits
        self.states: dict[int, State] = {}
        self.lengths: dict[int, int] = {}
        self._empty, self._copied, self._fits = empty, copied, fits
        self._next = 0
        self._closed = False

    def allocate(self) -> int:
        return self._add(0, self._empty)

    def free(self, sequence: int) -> None:
        self.check(sequence)
        del self.states[sequence], self.lengths[sequence]

    def copy(self, sequence: int) -> int:
        self.check(sequence)
        return self._add(self.lengths[sequence], lambda: self._copied(self.states[sequence]))

    def length(self, sequence: int) -> int:
        self.check(sequence)
        return self.lengths[sequence]

    def export(self, sequence: int) -> KVState:
        self.check(sequence)
        return KVState(self.lengths[sequence], self._copied(self.states[sequence]))

    def restore(self, state: KVState) -> int:
        self.check_state(state)
        return self._add(state.num_tokens, lambda: self._copied(state.content))

    def check(self, sequence: int) -> None:
        """InvalidHandle where the sequence is not live."""
        self.check_open()
        if sequence not in self.states:
            raise InvalidHandle(f"no live sequence {sequence}", hint="a handle lives from `allocate` to `free`, in one session")

    def check_state(self, state: KVState) -> None:
        """Unsupported where what was exported is of another model or backend; InvalidHandle after `close`."""
        self.check_open()
        if not self._fits(state):
            raise Unsupported("a cache of another model or backend", hint="restore what a session of this program exported")

    def check_open(self) -> None:
        """InvalidHandle after `close`."""
        if self._closed:
            raise InvalidHandle("the session is closed", hint="load the program again")

    def check_feeds(self, feeds: Sequence[Feed], vocabulary: int, *, single: bool) -> None:
        """What the contract says of a step; raises before anything has changed."""
        self.check_open()
        if not feeds:
            raise Unsupported("a step without a feed", hint="feed one sequence or more")
        for feed in feeds:
            self.check(feed.sequence)
            if feed.tokens.ndim != 1 or not len(feed.tokens) or (single and len(feed.tokens) != 1):
                wanted = "exactly one token" if single else "one token or more"
                raise Unsupported(f"tokens of shape {feed.tokens.shape} for sequence {feed.sequence}", hint=f"feed {wanted} in one row")
            if feed.tokens.dtype.kind not in "iu":
                raise Unsupported(f"tokens of type {feed.tokens.dtype} for sequence {feed.sequence}", hint="feed integers")
            if feed.tokens.min() < 0 or feed.tokens.max() >= vocabulary:
                raise Unsupported(f"token ids outside of 0 to {vocabulary - 1}", hint="encode with the tokenizer of this model")
            if self.lengths[feed.sequence] + len(feed.tokens) > self.limits.max_context:
                raise OutOfMemory(
                    f"sequence {feed.sequence} would be longer than max_context {self.limits.max_context}",
                    hint="compile for a longer context",
                )
        if len({feed.sequence for feed in feeds}) != len(feeds):
            raise Unsupported("one sequence is fed twice in a step", hint="join its tokens")
        count = sum(len(feed.tokens) for feed in feeds)
        if count > self.limits.max_step_tokens:
            raise OutOfMemory(f"{count} tokens in one step, max_step_tokens is {self.limits.max_step_tokens}", hint="prefill in chunks")

    def grow(self, feed: Feed) -> None:
        """Counts a feed's tokens, once its step has succeeded."""
        self.lengths[feed.sequence] += len(feed.tokens)

    def close(self) -> None:
        self.states.clear()
        self.lengths.clear()
        self._closed = True

    def _add(self, length: int, make: Callable[[], State]) -> int:
        self.check_open()
        if len(self.states) >= self.limits.max_sequences:
            raise OutOfMemory(f"{len(self.states)} sequences are live, max_sequences is {self.limits.max_sequences}", hint="free one")
        if length > self.limits.max_context:
            raise OutOfMemory(f"{length} tokens, max_context is {self.limits.max_context}", hint="compile for a longer context")
        handle, self._next = self._next, self._next + 1
        self.states[handle], self.lengths[handle] = make(), length
        return handle


def positions_of(feeds: Sequence[Feed], lengths: Sequence[int]) -> np.ndarray:
    """The position of each token of a step (T,), where its sequence had so many tokens before."""
    return np.concatenate([np.arange(length, length + len(feed.tokens)) for feed, length in zip(feeds, lengths, strict=True)])
