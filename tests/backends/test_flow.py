"""Sizes of values are those that the reference computes, and no value is let go of before its last reader."""

from pathlib import Path

import pytest

from oracles.backend_models import feed, graph_of, open_session, random_row
from seodang.backends.flow import last_uses, most_live, value_sizes
from seodang.backends.graph import Graph
from seodang.backends.reference import ReferenceBackend, ReferenceSession


@pytest.fixture(params=["tiny_model_dir", "tiny_axk1_dir"])
def folder(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(request.param)


def test_sizes_are_those_of_a_step_of_the_reference(folder: Path) -> None:
    session, graph = open_session(ReferenceBackend(), folder), graph_of(folder)
    assert isinstance(session, ReferenceSession)
    handles = [session.kv.allocate() for _ in range(2)]
    session.prefill([feed(handle, random_row(1, 4)) for handle in handles])
    sizes = value_sizes(graph)
    assert {name: values.size for name, values in session.values.items()} == {name: size.count(8, 2) for name, size in sizes.items()}
    assert sizes["logits"].pooled
    assert not sizes["norm"].pooled


def test_values_are_let_go_of_once_after_their_last_reader(folder: Path) -> None:
    graph = graph_of(folder)
    live = {"ids"}
    for node, done in zip(graph.nodes, last_uses(graph), strict=True):
        assert live >= set(node.inputs)
        live.add(node.output)
        assert live >= set(done)
        live -= set(done)
    assert live == {"logits"}


def test_what_is_live_lies_between_one_value_and_all_of_them(folder: Path) -> None:
    graph = graph_of(folder)
    counts = [size.count(32, 2) for size in value_sizes(graph).values()]
    assert max(counts) < most_live(graph, 32, 2) < sum(counts)
    deeper = Graph(graph.family, graph.nodes[:-3], graph.tensors, graph.vocabulary, graph.max_context, graph.cached)
    assert most_live(deeper, 32, 2) <= most_live(graph, 32, 2)
