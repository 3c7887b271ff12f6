"""Every operator of a graph in NumPy, in float64, in the plainest form. What they compute is what `OPERATORS` of graph.py says."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from seodang.backends.graph import Node

Arrays = Sequence[np.ndarray]
Weights = Mapping[str, np.ndarray]


@dataclass(slots=True)
class Step:
    """Which token is where: `positions` (T,), the tokens of each feed as (start, stop), and for each layer and feed what its sequence has
    in the cache (n, width). `grown` gets, by layer, what is in each cache after the step."""

    positions: np.ndarray
    spans: list[tuple[int, int]]
    past: Callable[[int], list[np.ndarray]]
    grown: dict[int, list[np.ndarray]] = field(default_factory=dict[int, list[np.ndarray]])

    def join(self, layer: int, new: np.ndarray) -> list[np.ndarray]:
        """Puts new rows (T, width) behind each sequence's cache, and gives the whole caches."""
        whole = [np.concatenate([old, new[start:stop]]) for old, (start, stop) in zip(self.past(layer), self.spans, strict=True)]
        self.grown[layer] = whole
        return whole


def embedding(node: Node, inputs: Arrays, weights: Weights, step: Step) -> np.ndarray:
    """See graph.OPERATORS, as for all below."""
    return weights["table"][inputs[0]]


def rms_norm(node: Node, inputs: Arrays, weights: Weights, step: Step) -> np.ndarray:
    (x,) = inputs
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + node.attributes["eps"]) * weights["scale"]


def linear(node: Node, inputs: Arrays, weights: Weights, step: Step) -> np.ndarray:
    out = inputs[0] @ weights["weight"].T
    return out + weights["bias"] if "bias" in weights else out


def split(node: Node, inputs: Arrays, weights: Weights, step: Step) -> np.ndarray:
    a = node.attributes
    parts = _heads(inputs[0], a["heads"])
    return _rows(parts[:, :, a["start"] : a["stop"]])


def rotary(node: Node, inputs: Arrays, weights: Weights, step: Step) -> np.ndarray:
    a = node.attributes
    x = _heads(inputs[0], a["heads"])
    half = x.shape[-1] // 2
    first, second = (x[..., 0::2], x[..., 1::2]) if a["interleaved"] else (x[..., :half], x[..., half:])
    angles = step.positions[:, None, None] * np.asarray(a["frequencies"])
    cos, sin = np.cos(angles) * a["magnitude"], np.sin(angles) * a["magnitude"]
    return _rows(np.concatenate([first * cos - second * sin, second * cos + first * sin], -1))


def attention(node: Node, inputs: Arrays, weights: Weights, step: Step) -> np.ndarray:
    a, (q, k, v) = node.attributes, inputs
    group = a["num_heads"] // a["num_kv_heads"]
    out = np.empty_like(q)
    for (start, stop), cache in zip(step.spans, step.join(a["layer"], np.concatenate([k, v], -1)), strict=True):
        keys, values = (np.repeat(_heads(part, a["num_kv_heads"]), group, 1) for part in np.split(cache, 2, axis=1))
        scores = np.einsum("tnd,snd->nts", _heads(q[start:stop], a["num_heads"]), keys) * a["scale"]
        out[start:stop] = _rows(np.einsum("nts,snd->tnd", causal_softmax(scores), values))
    return out


def latent_attention(node: Node, inputs: Arrays, weights: Weights, step: Step) -> np.ndarray:
    """Keys and values are made of the latents of all tokens, and then it is attention as any other: the form that is not absorbed."""
    a, (q_nope, q_rope, latent, k_rope) = node.attributes, inputs
    heads, nope, rank = a["num_heads"], a["nope"], a["rank"]
    out = np.empty((len(q_nope), heads * a["value"]), q_nope.dtype)
    for (start, stop), cache in zip(step.spans, step.join(a["layer"], np.concatenate([latent, k_rope], -1)), strict=True):
        made = _heads(cache[:, :rank] @ weights["kv_b"].T, heads)
        scores = np.einsum("tnk,snk->nts", _heads(q_nope[start:stop], heads), made[..., :nope])
        scores += np.einsum("tnk,sk->nts", _heads(q_rope[start:stop], heads), cache[:, rank:])
        out[start:stop] = _rows(np.einsum("nts,snv->tnv", causal_softmax(scores * a["scale"]), made[..., nope:]))
    return out


def swiglu(node: Node, inputs: Arrays, weights: Weights, step: Step) -> np.ndarray:
    gate, up = inputs
    return gate * _sigmoid(gate) * up


def router(node: Node, inputs: Arrays, weights: Weights, step: Step) -> np.ndarray:
    a = node.attributes
    logits = inputs[0] @ weights["weight"].T
    scores = _sigmoid(logits) if a["score"] == "sigmoid" else _softmax(logits)
    wanted = scores + weights["bias"] if "bias" in weights else scores.copy()
    groups = wanted.reshape(len(wanted), a["num_groups"], wanted.shape[1] // a["num_groups"])
    best_two = np.sort(groups, -1)[..., -2:].sum(-1)
    left_out = np.argsort(-best_two, -1, kind="stable")[:, a["topk_group"] :]
    np.put_along_axis(groups, left_out[..., None], -np.inf, 1)
    chosen = np.argsort(-groups.reshape(wanted.shape), -1, kind="stable")[:, : a["top_k"]]
    taken = np.take_along_axis(scores, chosen, -1)
    if a["normalised"]:
        taken = taken / (taken.sum(-1, keepdims=True) + 1e-20)
    mixing = np.zeros_like(scores)
    np.put_along_axis(mixing, chosen, taken * a["scaling"], -1)
    return mixing


def experts(node: Node, inputs: Arrays, weights: Weights, step: Step) -> np.ndarray:
    x, mixing = inputs
    out = np.zeros_like(x)
    for e in np.flatnonzero((mixing != 0).any(0)):
        rows = np.flatnonzero(mixing[:, e])
        gate, up = x[rows] @ weights[f"gate.{e}"].T, x[rows] @ weights[f"up.{e}"].T
        out[rows] += (gate * _sigmoid(gate) * up) @ weights[f"down.{e}"].T * mixing[rows, e, None]
    return out


def add(node: Node, inputs: Arrays, weights: Weights, step: Step) -> np.ndarray:
    return inputs[0] + inputs[1]


def last(node: Node, inputs: Arrays, weights: Weights, step: Step) -> np.ndarray:
    return inputs[0][[stop - 1 for _, stop in step.spans]]


def causal_softmax(scores: np.ndarray) -> np.ndarray:
    """(..., T, S): the last of T queries sees all S keys, the one before it all but the last, and so on."""
    queries, keys = scores.shape[-2:]
    hidden = np.arange(keys)[None, :] > np.arange(queries)[:, None] + keys - queries
    return _softmax(np.where(hidden, -np.inf, scores))


def _softmax(x: np.ndarray) -> np.ndarray:
    raised = np.exp(x - x.max(-1, keepdims=True, initial=-np.inf))
    return raised / raised.sum(-1, keepdims=True)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))


def _heads(x: np.ndarray, heads: int) -> np.ndarray:
    return x.reshape(len(x), heads, x.shape[-1] // heads)


def _rows(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), x.shape[1] * x.shape[2])


Operator = Callable[[Node, Arrays, Weights, Step], np.ndarray]
OPERATIONS: Mapping[str, Operator] = {
    function.__name__: function
    for function in (embedding, rms_norm, linear, split, rotary, attention, latent_attention, swiglu, router, experts, add, last)
}
