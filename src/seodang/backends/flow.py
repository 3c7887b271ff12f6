"""How values flow through a graph: how wide they are, how many rows they have, and until when they are needed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from seodang.backends.contract import Unsupported
from seodang.backends.graph import Graph, Node


@dataclass(frozen=True, slots=True)
class Value:
    """`width` columns, and a row for each token of a step or, where `pooled`, for each sequence."""

    width: int
    pooled: bool = False

    def count(self, tokens: int, sequences: int) -> int:
        """Elements in a step."""
        return self.width * (sequences if self.pooled else tokens)


def value_sizes(graph: Graph) -> dict[str, Value]:
    """Every value by name. Unsupported for an operator that is not in `graph.OPERATORS`."""
    sizes = {"ids": Value(1)}
    for node in graph.nodes:
        if node.op not in _WIDTHS:
            raise Unsupported(f"no operator `{node.op}`", where=node.name, hint=f"there are: {', '.join(_WIDTHS)}")
        given = [sizes[name] for name in node.inputs]
        pooled = node.op == "last" or any(value.pooled for value in given)
        sizes[node.output] = Value(_WIDTHS[node.op](node, [value.width for value in given], graph.tensors), pooled)
    return sizes


def last_uses(graph: Graph) -> list[tuple[str, ...]]:
    """For each node the values that nothing after it reads. The last node's output is never among them."""
    last: dict[str, int] = {}
    for place, node in enumerate(graph.nodes):
        last |= dict.fromkeys((*node.inputs, node.output), place)
    last.pop(graph.nodes[-1].output)
    done: list[list[str]] = [[] for _ in graph.nodes]
    for name, place in last.items():
        done[place].append(name)
    return [tuple(names) for names in done]


def most_live(graph: Graph, tokens: int, sequences: int) -> int:
    """Elements of the values that are needed at the same time, at the node where they are most."""
    sizes = {name: value.count(tokens, sequences) for name, value in value_sizes(graph).items()}
    live, most = sizes["ids"], 0
    for node, done in zip(graph.nodes, last_uses(graph), strict=True):
        live += sizes[node.output]
        most = max(most, live)
        live -= sum(sizes[name] for name in done)
    return most


_Tensors = Mapping[str, tuple[int, ...]]
_WIDTHS: Mapping[str, Callable[[Node, list[int], _Tensors], int]] = {
    "embedding": lambda node, given, tensors: tensors[node.weights["table"]][1],
    "rms_norm": lambda node, given, tensors: given[0],
    "linear": lambda node, given, tensors: tensors[node.weights["weight"]][0],
    "split": lambda node, given, tensors: node.attributes["heads"] * (node.attributes["stop"] - node.attributes["start"]),
    "rotary": lambda node, given, tensors: given[0],
    "attention": lambda node, given, tensors: given[0],
    "latent_attention": lambda node, given, tensors: node.attributes["num_heads"] * node.attributes["value"],
    "swiglu": lambda node, given, tensors: given[0],
    "router": lambda node, given, tensors: tensors[node.weights["weight"]][0],
    "experts": lambda node, given, tensors: given[0],
    "add": lambda node, given, tensors: given[0],
    "last": lambda node, given, tensors: given[0],
}
