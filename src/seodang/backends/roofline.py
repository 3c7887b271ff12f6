"""What each operator of a step must compute and move, and how long a described device takes for it at best.

The roofline (Williams et al. 2009): an operator takes the longer of its operations over the peak and its bytes over the bandwidth. Nothing
overlaps and nothing is lost between operators.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from seodang.backends.contract import Unsupported
from seodang.backends.description import Description, Precision
from seodang.backends.flow import Value, value_sizes
from seodang.backends.graph import Graph, Node
from seodang.backends.latent import absorbs, latent_products

BYTES: Mapping[str, int] = {"float32": 4, "bfloat16": 2, "float16": 2}


@dataclass(frozen=True, slots=True)
class Fed:
    """One sequence of a step: `tokens` that are new, after `past` that it had."""

    tokens: int
    past: int

    @property
    def keys(self) -> int:
        return self.past + self.tokens

    @property
    def pairs(self) -> int:
        """Queries with the keys that they see."""
        return self.tokens * self.past + self.tokens * (self.tokens + 1) // 2


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one node in one step: operations (a multiplication and an addition are two), and bytes read or written by class."""

    node: str
    flops: float
    weight_bytes: float
    kv_bytes: float
    activation_bytes: float

    @property
    def num_bytes(self) -> float:
        return self.weight_bytes + self.kv_bytes + self.activation_bytes


def step_costs(graph: Graph, feeds: Sequence[Fed], dtype: str, hit: Mapping[str, int] | None = None) -> list[Cost]:
    """One for each node, in order. `hit` are the distinct experts that were used, by node; where it does not say, the number expected of
    routing without preference. Weights are read once in a step, a table only where its rows are used."""
    sizes, nodes, each = value_sizes(graph), {node.output: node for node in graph.nodes}, BYTES[dtype]
    tokens = sum(fed.tokens for fed in feeds)
    costs: list[Cost] = []
    for node in graph.nodes:
        inputs = [sizes[name] for name in node.inputs]
        rows = len(feeds) if sizes[node.output].pooled else tokens
        weights = float(sum(np.prod(graph.tensors[name]) for name in node.weights.values()))
        kv, flops = 0.0, float(rows * sizes[node.output].width * _EACH.get(node.op, 0))
        moved = float(sum(value.count(tokens, len(feeds)) for value in (*inputs, sizes[node.output])))
        if node.op == "embedding":
            weights = moved = float(tokens * sizes[node.output].width)
        elif node.op in ("linear", "router"):
            flops += 2.0 * rows * float(np.prod(graph.tensors[node.weights["weight"]]))
        elif node.op == "experts":
            share = _expert_share(node, nodes, graph, tokens, hit or {})
            flops = 2.0 * tokens * nodes[node.inputs[1]].attributes["top_k"] * weights / inputs[1].width
            weights *= share
        elif node.op in _ATTENDS:
            flops = _ATTENDS[node.op](node, feeds)
            kv = float(sum(fed.keys + fed.tokens for fed in feeds) * _cached_width(node, inputs))
        costs.append(Cost(node.name, flops, weights * (4 if node.op == "router" else each), kv * each, moved * each))
    return costs


def seconds(cost: Cost, device: Description, dtype: str) -> float:
    """At best, on one device. Unsupported where no peak is described for the type."""
    peak = device.peak.get(cast("Precision", dtype))
    if peak is None:
        raise Unsupported(f"no peak of {device.name} is described for {dtype}", hint=f"there are: {', '.join(device.peak)}")
    return max(cost.flops / peak.value, cost.num_bytes / device.memory[0].bandwidth.value)


def _grouped(node: Node, feeds: Sequence[Fed]) -> float:
    """Two products of each query with each key that it sees, by head."""
    return 4.0 * node.attributes["num_heads"] * node.attributes["head_width"] * sum(fed.pairs for fed in feeds)


def _latent(node: Node, feeds: Sequence[Fed]) -> float:
    lengths, keys = [fed.tokens for fed in feeds], [fed.keys for fed in feeds]
    absorbed = absorbs(node.attributes, lengths, keys)
    return 2.0 * latent_products(node.attributes, lengths, sum(fed.pairs for fed in feeds), keys, absorbed=absorbed)


def _cached_width(node: Node, inputs: Sequence[Value]) -> int:
    return sum(value.width for value in inputs[1 if node.op == "attention" else 2 :])


def _expert_share(node: Node, nodes: Mapping[str, Node], graph: Graph, tokens: int, hit: Mapping[str, int]) -> float:
    """Of the experts, those that at least one token is sent to."""
    router = nodes[node.inputs[1]]
    count = graph.tensors[router.weights["weight"]][0]
    if node.name in hit:
        return hit[node.name] / count
    return 1 - (1 - router.attributes["top_k"] / count) ** tokens


_ATTENDS: Mapping[str, Callable[[Node, Sequence[Fed]], float]] = {"attention": _grouped, "latent_attention": _latent}
# Operations for each element that is written; an exponential or a root counts as one.
_EACH: Mapping[str, int] = {"rms_norm": 4, "rotary": 3, "swiglu": 5, "router": 4, "add": 1}
