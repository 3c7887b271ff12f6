"""A graph counts as a Llama only where it is one to the last node; what is in the way is named."""

from dataclasses import replace
from typing import Any

import pytest

from seodang.backends.build_graph import build_graph
from seodang.backends.graph import Graph, Node
from seodang.backends.llama_layout import read_layout

CONFIG: dict[str, Any] = {
    "model_type": "llama",
    "vocab_size": 50,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "rms_norm_eps": 1e-5,
    "rope_theta": 500.0,
    "max_position_embeddings": 64,
}
GRAPH = build_graph(CONFIG)


def changed(name: str, **fields: Any) -> Graph:
    return replace(GRAPH, nodes=tuple(replace(node, **fields) if node.name == name else node for node in GRAPH.nodes))


def attributes(name: str, **changes: Any) -> Graph:
    node = next(node for node in GRAPH.nodes if node.name == name)
    return changed(name, attributes={**node.attributes, **changes})


def inserted(node: Node, place: int) -> Graph:
    return replace(GRAPH, nodes=(*GRAPH.nodes[:place], node, *GRAPH.nodes[place:]))


def test_the_sizes_are_read_off_the_graph() -> None:
    layout, faults = read_layout(GRAPH)
    assert not faults
    assert layout is not None
    assert (layout.vocabulary, layout.hidden, layout.inner, layout.layers) == (50, 32, 48, 2)
    assert (layout.heads, layout.kv_heads, layout.head_width, layout.context) == (4, 2, 16, 64)
    assert (layout.eps, layout.tied, layout.biases) == (1e-5, False, ())
    assert layout.frequencies == pytest.approx([500.0 ** (-pair / 8) for pair in range(8)])


@pytest.mark.parametrize(
    ("changes", "biases", "tied"),
    [
        ({"model_type": "qwen2", "tie_word_embeddings": True}, ("q", "k", "v"), True),
        ({"attention_bias": True}, ("q", "k", "v", "o"), False),
        ({"model_type": "mistral"}, (), False),
    ],
)
def test_biases_and_tied_heads_are_part_of_the_layout(changes: dict[str, Any], biases: tuple[str, ...], tied: bool) -> None:
    layout, faults = read_layout(build_graph(CONFIG | changes))
    assert not faults
    assert layout is not None
    assert (layout.biases, layout.tied) == (biases, tied)


@pytest.mark.parametrize(
    ("graph", "node", "told"),
    [
        (inserted(Node("strange", "no_such_operator", ("embed_tokens",), "strange"), 1), "strange", "no_such_operator"),
        (attributes("layers.1.mlp_norm", eps=1e-3), "layers.1.mlp_norm", "eps"),
        (attributes("layers.0.attention", scale=0.5), "layers.0.attention", "scale"),
        (attributes("layers.0.q_turned", interleaved=True), "layers.0.q_turned", "interleaved"),
        (attributes("layers.1.k_turned", magnitude=1.2), "layers.1.k_turned", "magnitude"),
        (attributes("layers.1.k_turned", frequencies=(0.5,) * 8), "layers.1.k_turned", "frequencies"),
        (changed("layers.0.out", inputs=("layers.0.attended", "embed_tokens")), "layers.0.out", "not what a Llama has"),
        (changed("layers.0.mlp.up", weights={"weight": "model.layers.0.mlp.gate_proj.weight"}), "layers.0.mlp.up", "not what"),
        (replace(GRAPH, nodes=GRAPH.nodes[:-2] + GRAPH.nodes[-1:]), "logits", "follow"),
        (replace(GRAPH, nodes=GRAPH.nodes[:-1]), "last", "not all nodes"),
    ],
)
def test_the_one_node_that_no_llama_has_is_named(graph: Graph, node: str, told: str) -> None:
    layout, faults = read_layout(graph)
    assert layout is None
    assert list(faults) == [node]
    assert told in faults[node]


def test_a_part_of_a_model_is_no_llama() -> None:
    part = replace(GRAPH, nodes=GRAPH.nodes[:2], tensors={}, cached=())
    layout, faults = read_layout(part)
    assert layout is None
    assert list(faults) == [node.name for node in part.nodes]


def test_a_tensor_that_is_no_part_of_it_is_told() -> None:
    layout, faults = read_layout(replace(GRAPH, tensors={**GRAPH.tensors, "spare": (3,)}))
    assert layout is None
    assert list(faults) == ["logits"]
