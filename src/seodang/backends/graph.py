"""A causal language model as a list of operators, which a backend is asked about, compiles and runs.

A graph is in execution order: each node reads values that earlier nodes wrote, and tensors of the checkpoint by their Hugging Face names.
Values have one row for each token of a step, whatever sequence it belongs to: (T, width). What each operator computes stands in
`OPERATORS`; src/seodang/backends/reference.py is the same in NumPy, and the truth.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Shape = tuple[int, ...]

# T tokens of a step, B sequences, H hidden, V vocabulary, E routed experts, I intermediate, N heads, K key heads, D width of a head.
OPERATORS: Mapping[str, str] = {
    "embedding": "table[ids]: ids (T,) -> (T, H). Weight `table` (V, H).",
    "rms_norm": "x / sqrt(mean(x**2) + `eps`) * scale over the last axis. Weight `scale` (width,).",
    "linear": "x @ weight.T + bias. Weights `weight` (out, in), and `bias` (out,) where there is one.",
    "split": "Columns `start` to `stop` (not with it) of each of `heads` equal parts of a row.",
    "rotary": """
        Turns each of `heads` parts (D) of a row by its token's position (arXiv:2104.09864): pair i by position * `frequencies`[i], D/2 of
        them. Pairs are (0, 1), (2, 3)... where `interleaved`, else (0, D/2), (1, D/2 + 1)... The first ones of all pairs are written
        before the second ones of all pairs, and all are multiplied by `magnitude`.""",
    "attention": """
        q (T, N*D), k and v (T, K*D) -> (T, N*D). k and v join the cache of `layer`. Each token attends to its own sequence up to itself:
        softmax(`scale` * q k) v, head n with key head n // (N // K). Attributes `num_heads` N, `num_kv_heads` K, `head_width` D.""",
    "latent_attention": """
        Multi-head latent attention (arXiv:2405.04434). q_nope (T, N*nope), q_rope (T, N*rope), latent (T, rank), k_rope (T, rope) ->
        (T, N*value). Only latent and k_rope join the cache of `layer`. Weight `kv_b` (N*(nope + value), rank) has for each head `nope`
        rows that make its keys of the latent, then `value` rows that make its values. softmax(`scale` * (q_nope k + q_rope k_rope)) v.
        Attributes `num_heads` N, `nope`, `rope`, `value`, `rank`.""",
    "swiglu": "silu(gate) * up: two inputs (T, I) -> (T, I).",
    "router": """
        x (T, H) -> mixing weights (T, E), zero where an expert is not chosen. A score is `score` ("sigmoid" or "softmax") of x @ weight.T.
        Chosen by score + bias: the `topk_group` of `num_groups` equal groups with the largest sum of their two best, then the `top_k` best
        of these. Mixing weights are the scores without the bias, divided by their sum where `normalised`, times `scaling`. Equal ones:
        the lower index. Weights `weight` (E, H), `bias` (E,) where there is one.""",
    "experts": """
        x (T, H) and mixing (T, E) -> (T, H): the sum over chosen experts e of mixing[:, e] * down_e(silu(gate_e x) * up_e x). Weights
        `gate.e`, `up.e` (I, H) and `down.e` (H, I).""",
    "add": "a + b.",
    "last": "(T, H) -> (B, H): the row of each sequence's last token in the step, in the order in which the sequences were fed.",
}


@dataclass(frozen=True, slots=True)
class Node:
    """One operator. `inputs` are names of values; `ids` and those that nodes write. `weights` are tensors by role."""

    name: str
    op: str
    inputs: tuple[str, ...]
    output: str
    weights: Mapping[str, str] = field(default_factory=dict[str, str])
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Graph:
    """`tensors` are the shapes of everything that has to be loaded; `cached` the values that a token leaves in each layer's cache.

    The value `logits` (B, V) of the last node is what a step returns.
    """

    family: str
    nodes: tuple[Node, ...]
    tensors: Mapping[str, Shape]
    vocabulary: int
    max_context: int
    cached: tuple[int, ...]

    @property
    def num_layers(self) -> int:
        return len(self.cached)

    def row(self) -> dict[str, Any]:
        """For hashing and JSON."""
        nodes = [
            {
                "name": n.name,
                "op": n.op,
                "inputs": n.inputs,
                "output": n.output,
                "weights": dict(n.weights),
                "attributes": dict(n.attributes),
            }
            for n in self.nodes
        ]
        return {
            "family": self.family,
            "nodes": nodes,
            "tensors": {name: list(shape) for name, shape in self.tensors.items()},
            "vocabulary": self.vocabulary,
            "max_context": self.max_context,
            "cached": list(self.cached),
        }
