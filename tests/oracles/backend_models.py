"""Models of a backend beside transformers' own code on the same weights."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seodang.backends.build_graph import build_graph, read_config
from seodang.backends.contract import Backend, Feed, Limits, Session
from seodang.backends.graph import Graph
from seodang.backends.weights import FolderWeights

LIMITS = Limits(max_sequences=4, max_context=160, max_step_tokens=320, dtype="float32")
Rows = Sequence[Sequence[int]]


def graph_of(folder: Path) -> Graph:
    """The graph of a model's folder."""
    return build_graph(read_config(folder), set(FolderWeights(folder)))


def open_session(backend: Backend, folder: Path, limits: Limits = LIMITS) -> Session:
    """A new session of the model in a folder."""
    return backend.load(backend.compile(graph_of(folder), limits, folder), FolderWeights(folder))[0]


def transformers_logits(folder: Path) -> Callable[[Sequence[int]], np.ndarray]:
    """Float32 logits (n, V) after each token of a row, by transformers."""
    import torch
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

    def logits(row: Sequence[int]) -> np.ndarray:
        with torch.no_grad():
            return model(torch.tensor([list(row)])).logits[0].numpy()

    return logits


def feed(sequence: int, tokens: Sequence[int]) -> Feed:
    """Tokens for a sequence."""
    return Feed(sequence, np.asarray(tokens, np.int64))


def random_row(seed: int, count: int) -> list[int]:
    """Token ids of the tiny models."""
    return np.random.default_rng(seed).integers(3, 250, count).tolist()


def divergence(truth: np.ndarray, found: np.ndarray) -> float:
    """The largest KL(truth || found) of rows of logits, in nat."""
    p, q = (log_softmax(np.asarray(values, np.float64)) for values in (truth, found))
    return float((np.exp(p) * (p - q)).sum(-1).max())


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Over the last axis."""
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
