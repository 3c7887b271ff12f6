"""What a check is given: a backend, a model, and the truth about it."""

import tempfile
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np

from seodang.backends.build_graph import build_graph, read_config
from seodang.backends.contract import Backend, BackendError, DeviceAbsent, Feed, Limits, LoadReport, Program, Session, Unsupported
from seodang.backends.description import Description
from seodang.backends.graph import Graph
from seodang.backends.reference import ReferenceBackend
from seodang.backends.weights import FolderWeights
from seodang.testbed.certify.compare import kl_limit
from seodang.testbed.certify.finding import NotJudged
from seodang.testbed.certify.tiny import make_graph, random_weights, write_model

Family = Literal["llama", "latent"]
Shapes = Literal["real", "small"]
Answer = TypeVar("Answer")
Rows = Sequence[Sequence[int]]

# Sizes that every check of levels 0, 3 and 4 fits into. A longer context than 512 would only make the reference slow.
LIMITS = Limits(max_sequences=6, max_context=96, max_step_tokens=96, dtype="float32")


@dataclass(frozen=True)
class Model:
    """A model in a folder. `weights` are float32 by the checkpoint's names."""

    name: str
    folder: Path
    config: Mapping[str, Any]
    graph: Graph
    weights: Mapping[str, np.ndarray]
    synthetic: bool


@dataclass
class Subject:
    """A backend and one model of one family. `device` is the first that the backend's probe gives, empty where there is none; `dtype` is
    what it is asked to compute in; `work` is a folder for whatever a check writes."""

    backend: Backend
    family: Family
    model: Model
    dtype: str
    work: Path
    limits: Limits = LIMITS
    device: str = ""
    shapes: Shapes = "real"
    absent: str = ""  # why there is no device
    steady_s: float = 0.0  # how long the steady state of level 6 lasts; 0: not run
    kept: dict[str, Any] = field(default_factory=dict[str, Any])

    def once(self, name: str, make: Callable[[], Answer]) -> Answer:
        """What `make` gives, made by the first check that asks for it."""
        if name not in self.kept:
            self.kept[name] = make()
        return self.kept[name]

    @property
    def kl_limit(self) -> float:
        """How far a distribution may be from the truth's, in nats."""
        return kl_limit(self.dtype, self.family)

    def need_device(self) -> None:
        """NOT-RUN where the backend has no device here."""
        if not self.device:
            raise NotJudged("NOT-RUN", self.absent or "the backend has no device here")

    def new_folder(self) -> Path:
        """An empty folder."""
        return Path(tempfile.mkdtemp(dir=self.work))

    def describe(self) -> Description:
        self.need_device()
        return self.backend.describe(self.device)

    @property
    def deterministic(self) -> bool:
        """Whether the backend claims that equal inputs give equal bits."""
        execution = self.describe().execution
        return bool(execution and execution.deterministic)

    def compile(self, graph: Graph | None = None, limits: Limits | None = None) -> Program:
        """UNSUPPORTED where the backend says that it cannot run the graph, in these limits or in this type; NOT-RUN where it has to have
        a device for that."""
        graph = graph or self.model.graph
        lacking = [verdict for verdict in self.backend.supports(graph) if verdict.verdict == "unsupported"]
        if lacking:
            reason = f"`{lacking[0].node}`: {lacking[0].reason}"
            raise NotJudged("UNSUPPORTED", f"{len(lacking)} of {len(graph.nodes)} operators, the first is {reason}")
        try:
            return self.backend.compile(graph, limits or self.limits, self.new_folder())
        except Unsupported as error:
            raise NotJudged("UNSUPPORTED", f"compile: {error}") from error
        except DeviceAbsent as error:
            if self.device:
                raise
            raise NotJudged("NOT-RUN", f"compile: {error}") from error

    def open(
        self, graph: Graph | None = None, weights: Mapping[str, np.ndarray] | None = None, limits: Limits | None = None
    ) -> tuple[Session, LoadReport]:
        """A new session of the model, or of another graph and its weights. The caller closes it."""
        self.need_device()
        program = self.compile(graph, limits) if graph else self.once(f"program {limits}", lambda: self.compile(None, limits))
        return self.backend.load(program, self.model.weights if weights is None else weights)

    @contextmanager
    def session(
        self, graph: Graph | None = None, weights: Mapping[str, np.ndarray] | None = None, limits: Limits | None = None
    ) -> Generator[Session]:
        """`open`, closed at the end."""
        session, _ = self.open(graph, weights, limits)
        try:
            yield session
        finally:
            session.close()

    def truth(self, rows: Rows) -> np.ndarray:
        """Logits (B, V) after the last token of each row, as the reference has them."""
        key = f"truth {[list(row) for row in rows]}"
        return self.once(key, lambda: self.reference_logits(rows))

    def reference_logits(self, rows: Rows, *, graph: Graph | None = None, weights: Mapping[str, np.ndarray] | None = None) -> np.ndarray:
        """The same, of another graph or other weights."""
        backend = ReferenceBackend()
        graph, weights = graph or self.model.graph, self.model.weights if weights is None else weights
        longest, total = max(len(row) for row in rows), sum(len(row) for row in rows)
        limits = Limits(max_sequences=len(rows), max_context=longest, max_step_tokens=total)
        session, _ = backend.load(backend.compile(graph, limits, self.work), weights)
        try:
            return prefill(session, rows)[1]
        finally:
            session.close()

    def against_reference(self) -> "Subject":
        """The same model and limits on the reference."""
        return replace(self, backend=ReferenceBackend(), device="cpu", kept={})

    def tokens(self, count: int, seed: int) -> list[int]:
        """`count` token ids, the same ones for the same seed."""
        return np.random.default_rng([seed, count]).integers(3, self.model.graph.vocabulary, count).tolist()

    def variant(self, **changed: Any) -> "Subject":
        """The same backend with a tiny model whose configuration differs."""
        name = f"tiny-{self.family} " + ", ".join(f"{key}={value}" for key, value in changed.items())
        model = self.once(f"model {name}", lambda: make_model(self.family, self.new_folder(), name=name, **changed))
        return self.once(f"subject {name}", lambda: replace(self, model=model, kept={}))


def optional(work: Callable[[], Answer], name: str) -> Answer:
    """UNSUPPORTED where the backend refuses an operation that a backend need not have."""
    try:
        return work()
    except Unsupported as error:
        raise NotJudged("UNSUPPORTED", f"{name}: {error}") from error


def feed(sequence: int, tokens: Sequence[int]) -> Feed:
    """Tokens for a sequence, as the contract takes them."""
    return Feed(sequence, np.asarray(tokens, np.int64))


def prefill(session: Session, rows: Rows) -> tuple[list[int], np.ndarray]:
    """New sequences with these tokens, in one step: their handles, and logits (B, V)."""
    handles = [session.kv.allocate() for _ in rows]
    logits = session.prefill([feed(handle, row) for handle, row in zip(handles, rows, strict=True)]).logits
    return handles, np.asarray(logits)


def make_model(family: Family, folder: Path, *, seed: int = 1, name: str = "", **changed: Any) -> Model:
    """A tiny model with random weights, written to `folder`."""
    config, graph = make_graph(family, **changed)
    weights = random_weights(graph, seed)
    write_model(folder, config, weights)
    return Model(name or f"tiny-{family}", folder, config, graph, weights, synthetic=True)


def open_model(folder: Path) -> tuple[Family, Model]:
    """A user's model. BackendError where its family has no graph or its files cannot be read."""
    config, weights = read_config(folder), FolderWeights(folder)
    graph = build_graph(config, set(weights))
    missing = set(graph.tensors) - set(weights)
    if missing:
        raise BackendError(f"{len(missing)} tensors are missing", where=str(folder), hint="give a whole Hugging Face folder")
    return ("latent" if graph.family == "latent" else "llama"), Model(folder.name, folder, config, graph, weights, synthetic=False)
