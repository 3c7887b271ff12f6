"""The contract between seodang and a device: what a backend is asked, and what it promises. Version 1.

A backend is an object with the methods of `Backend`, found by the entry point group `seodang.backends` (registry.py). Arrays that cross
the border are NumPy's. Everything optional is a protocol of its own that a caller tests with isinstance: `RunsOperators`, `Communicates`,
`MetersPower`, `StandsForMany`.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np

from seodang.backends.description import Description
from seodang.backends.graph import Graph, Node
from seodang.core.errors import SeodangError

API_VERSION = 1


class BackendError(SeodangError):
    """A device, or its backend, that cannot do what is asked of it."""

    exit_code = 10


class DeviceAbsent(BackendError):
    """The device, its driver or its software is not here."""


class Unsupported(BackendError):
    """An operator, shape, type or operation that the backend does not have. It is refused, never done otherwise in silence."""


class OutOfMemory(BackendError):
    """What is asked for does not fit. The session can still be used."""


class InvalidHandle(BackendError):
    """A sequence that was freed or never allocated, or a session that is closed."""


class WeightsRefused(BackendError):
    """Tensors that are missing or of another shape than the graph says."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Whether a backend can run here, with the reason both ways. `devices` are names such as "cpu" or "cuda:0"; none where it cannot."""

    devices: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a backend says of one node: "native"; "fallback" where it runs, but elsewhere than on the device; "unsupported". Always with
    the reason."""

    node: str
    verdict: Literal["native", "fallback", "unsupported"]
    reason: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What a program is made for: at most so many sequences of so many tokens each, and so many tokens in one prefill. `dtype` is what
    weights and values are stored in; "auto" lets the backend choose."""

    max_sequences: int = 8
    max_context: int = 512
    max_step_tokens: int = 512
    dtype: str = "auto"


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Bytes by class. `reserve` is what the runtime holds besides."""

    weights: int
    kv: int
    activations: int
    workspace: int
    reserve: int

    @property
    def total(self) -> int:
        return self.weights + self.kv + self.activations + self.workspace + self.reserve


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled graph. `fingerprint` is equal for equal graph, limits, options and toolchain; `folder` holds what was compiled, if it is
    files."""

    backend: str
    fingerprint: str
    graph: Graph
    limits: Limits
    target: str
    toolchain: str
    seconds: float
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What became of every tensor: `consumed` are in the session, `unused` were given and belong to no node, `missing` are told only in
    the error."""

    consumed: tuple[str, ...]
    unused: tuple[str, ...]
    num_bytes: int  # on the device


@dataclass(frozen=True, slots=True)
class Feed:
    """Tokens that go on a sequence. `sequence` is a handle of the session's `kv`."""

    sequence: int
    tokens: np.ndarray  # (n,) integers


@dataclass(frozen=True, slots=True)
class StepResult:
    """`logits` (B, V) float32 after the last token of each feed, in their order. `device_s` is the device's own time of the step, after
    it has finished; `clock` says whose: "measured", or "virtual" for an emulated device. `counters` are optional: bytes, flops, routed
    experts."""

    logits: np.ndarray
    device_s: float
    clock: Literal["measured", "virtual"] = "measured"
    counters: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class KVState:
    """A sequence's cache outside of the device, opaque but to the backend that made it. `num_tokens` are in it."""

    num_tokens: int
    content: Any


class KV(Protocol):
    """Sequences in the cache. A handle is an integer that is never given twice by one session. InvalidHandle for one that is not live."""

    def allocate(self) -> int:
        """A new, empty sequence. OutOfMemory where `max_sequences` are live."""
        ...

    def free(self, sequence: int) -> None: ...

    def copy(self, sequence: int) -> int:
        """A second sequence with the same tokens, which goes its own way."""
        ...

    def length(self, sequence: int) -> int:
        """Tokens in it."""
        ...

    def export(self, sequence: int) -> KVState: ...

    def restore(self, state: KVState) -> int:
        """A new sequence with what was exported. Unsupported, with nothing taken, for a cache that cannot be this model's."""
        ...


class Session(Protocol):
    """A loaded model. One thread at a time may use it. Steps are atomic: one that raises has changed no sequence."""

    @property
    def kv(self) -> KV: ...

    def prefill(self, feeds: Sequence[Feed]) -> StepResult:
        """Appends any number of tokens to each sequence. Unsupported for an empty feed or token ids outside of the vocabulary,
        OutOfMemory where a sequence would be longer than `max_context` or the step has more than `max_step_tokens`."""
        ...

    def decode(self, feeds: Sequence[Feed]) -> StepResult:
        """The same for one token of each sequence."""
        ...

    def memory(self) -> Mapping[str, int]:
        """Live bytes by class: `weights`, `kv`, and others that the backend has."""
        ...

    def synchronize(self) -> None:
        """Returns when the device has finished all that was asked."""
        ...

    def close(self) -> None:
        """Frees everything; a second time does nothing. Any other use of a closed session is an InvalidHandle."""
        ...


class Backend(Protocol):
    """A family of devices. Its construction takes no arguments and does no work; `probe` never raises."""

    api_version: int
    name: str
    vendor: str

    def probe(self) -> Probe: ...

    def describe(self, device: str) -> Description:
        """The device in numbers. DeviceAbsent for a name that `probe` does not give, unless the chip is described only."""
        ...

    def supports(self, graph: Graph) -> list[Verdict]:
        """One verdict a node, in order."""
        ...

    def plan_memory(self, graph: Graph, limits: Limits) -> MemoryPlan: ...

    def compile(self, graph: Graph, limits: Limits, folder: Path) -> Program:
        """May write to `folder`, and may run where the device is not. Unsupported, naming the first node, where `supports` says so."""
        ...

    def load(self, program: Program, weights: Mapping[str, np.ndarray]) -> tuple[Session, LoadReport]:
        """`weights` are read one by one, in any order, float32. WeightsRefused where one is missing or has another shape, Unsupported for
        a program of another backend, version or toolchain, DeviceAbsent where the device is not here."""
        ...


@runtime_checkable
class RunsOperators(Protocol):
    """Optional: single operators, for conformance."""

    def run(self, node: Node, inputs: Sequence[np.ndarray], weights: Mapping[str, np.ndarray], dtype: str) -> np.ndarray:
        """The node's output, in float32 or wider, of one sequence that begins at position 0. `weights` are by role; `dtype` is what is
        computed in."""
        ...


class Collectives(Protocol):
    """One rank's end of a group. Arrays are float32; every rank calls the same operation in the same order."""

    rank: int
    size: int

    def all_reduce(self, values: np.ndarray) -> np.ndarray: ...

    def all_gather(self, values: np.ndarray) -> list[np.ndarray]: ...

    def reduce_scatter(self, parts: Sequence[np.ndarray]) -> np.ndarray:
        """`parts` has one array for each rank; the sum of those for this one is returned."""
        ...

    def all_to_all(self, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
        """`parts[r]` (n, ...) goes to rank r; parts may be of any length, and empty."""
        ...

    def send(self, values: np.ndarray, to: int) -> None: ...

    def receive(self, source: int) -> np.ndarray: ...

    def barrier(self) -> None: ...


@runtime_checkable
class Communicates(Protocol):
    """Optional: groups of processes."""

    def join(self, rank: int, size: int, meeting: Path) -> AbstractContextManager[Collectives]:
        """This process becomes a rank of a group that meets in an empty folder."""
        ...


@runtime_checkable
class MetersPower(Protocol):
    """Optional: a meter of the device."""

    def joules(self) -> float:
        """Energy since a fixed time, by the device's own meter."""
        ...


@runtime_checkable
class StandsForMany(Protocol):
    """Optional: one backend that stands for many devices, such as an emulator."""

    def choose(self, choice: str) -> Backend:
        """The backend of one of them; its name is `name:choice`. A SeodangError where there is none of that name."""
        ...
