"""Whether a graph is a Llama, node by node: for a runtime that has the whole model as one program of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from seodang.backends.build_graph import build_graph
from seodang.backends.graph import Graph

EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"


@dataclass(frozen=True, slots=True)
class LlamaLayout:
    """The sizes of a Llama, and the angle of each pair at position 1. `biases` are the projections that have one, of `q`, `k`, `v`
    and `o`."""

    vocabulary: int
    hidden: int
    inner: int
    layers: int
    heads: int
    kv_heads: int
    head_width: int
    context: int
    eps: float
    frequencies: tuple[float, ...]
    tied: bool
    biases: tuple[str, ...]


def read_layout(graph: Graph) -> tuple[LlamaLayout | None, dict[str, str]]:
    """The layout of a graph, and what is in its way by node. Where nothing is, the graph is the one that `build_graph` makes of a Llama of
    these sizes, to the last attribute but the rotary frequencies."""
    if graph.family != "llama":
        return None, {node.name: f"part of a graph of family `{graph.family}`; whole Llamas only are run here" for node in graph.nodes}
    try:
        layout = _guess(graph)
        expected = _expected(graph, layout)
    except (KeyError, StopIteration, IndexError, ZeroDivisionError):
        return None, {node.name: "not part of a whole Llama, which is what is run here" for node in graph.nodes}
    faults = _faults(graph, expected)
    if not faults and (len(expected.nodes) != len(graph.nodes) or dict(expected.tensors) != dict(graph.tensors)):
        faults[graph.nodes[-1].name] = "the graph has not all nodes and tensors of a whole Llama"
    return (None if faults else layout), faults


def _faults(graph: Graph, expected: Graph) -> dict[str, str]:
    """Every node that is not the next one of the expected graph, with the reason."""
    faults: dict[str, str] = {}
    places = {node.name: place for place, node in enumerate(expected.nodes)}
    at = 0
    for node in graph.nodes:
        place = places.get(node.name)
        if place is None:
            faults[node.name] = f"`{node.op}` does not stand here in a Llama, whose parts are run as one"
            continue
        twin = expected.nodes[place]
        if twin != node:
            changed = [key for key, value in twin.attributes.items() if node.attributes.get(key) != value] if twin.op == node.op else []
            faults[node.name] = (
                f"`{node.op}`: {', '.join(changed)} unlike a Llama's" if changed else f"`{node.op}` is not what a Llama has here"
            )
        elif place != at:
            faults[node.name] = f"`{node.op}` does not follow what it follows in a Llama"
        at = place + 1
    return faults


def _guess(graph: Graph) -> LlamaLayout:
    by_op: dict[str, Mapping[str, Any]] = {node.op: node.attributes for node in reversed(graph.nodes)}
    attention, tensors = by_op["attention"], graph.tensors
    vocabulary, hidden = tensors[EMBEDDING]
    block = "model.layers.0"
    return LlamaLayout(
        vocabulary=vocabulary,
        hidden=hidden,
        inner=tensors[f"{block}.mlp.gate_proj.weight"][0],
        layers=graph.num_layers,
        heads=attention["num_heads"],
        kv_heads=attention["num_kv_heads"],
        head_width=attention["head_width"],
        context=graph.max_context,
        eps=by_op["rms_norm"]["eps"],
        frequencies=tuple(by_op["rotary"]["frequencies"]),
        tied=HEAD not in tensors,
        biases=tuple(role for role in "qkvo" if f"{block}.self_attn.{role}_proj.bias" in tensors),
    )


def _expected(graph: Graph, layout: LlamaLayout) -> Graph:
    config = {
        "model_type": "qwen2" if layout.biases == ("q", "k", "v") else "llama",
        "attention_bias": bool(layout.biases),
        "vocab_size": layout.vocabulary,
        "hidden_size": layout.hidden,
        "intermediate_size": layout.inner,
        "num_hidden_layers": layout.layers,
        "num_attention_heads": layout.heads,
        "num_key_value_heads": layout.kv_heads,
        "head_dim": layout.head_width,
        "max_position_embeddings": layout.context,
        "rms_norm_eps": layout.eps,
        "tie_word_embeddings": layout.tied,
    }
    built = build_graph(config)
    nodes = (
        replace(node, attributes={**node.attributes, "frequencies": layout.frequencies}) if node.op == "rotary" else node
        for node in built.nodes
    )
    return replace(built, nodes=tuple(nodes))
