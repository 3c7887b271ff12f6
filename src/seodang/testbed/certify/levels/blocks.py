"""Parts of a model as small graphs of their own: token ids are looked up, go through the part, and its last row becomes the logits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from seodang.backends.contract import RunsOperators, Session, Unsupported
from seodang.backends.graph import Graph, Node
from seodang.testbed.certify.compare import UNIT, nmse
from seodang.testbed.certify.finding import Case, NotJudged, holds, within
from seodang.testbed.certify.subject import Rows, Subject, feed, prefill
from seodang.testbed.certify.tiny import exact_in_bfloat16, make_graph, random_weights

Weights = Mapping[str, np.ndarray]

_TABLE, _HEAD = "model.embed_tokens.weight", "lm_head.weight"
_IDS = 48  # ids, and logits
_ROUNDINGS = 64  # that a value of a block goes through, sums of 64 terms among them
_PLAIN: Mapping[str, Any] = {"n_group": 1, "topk_group": 1, "norm_topk_prob": False, "routed_scaling_factor": 1.0}


@dataclass(frozen=True)
class Block:
    """A part, and faults of it that the check is made to tell: each with a graph or weights of its own."""

    graph: Graph
    weights: Weights
    twins: Mapping[str, tuple[Graph, Weights]]

    def twin(self, name: str, node: str, **attributes: Any) -> "Block":
        """The same block, and beside it one whose node has other attributes."""
        return self.with_twin(name, with_node(self.graph, node, **attributes), self.weights)

    def with_twin(self, name: str, graph: Graph, weights: Weights) -> "Block":
        return replace(self, twins={**self.twins, name: (graph, weights)})


def cut(family: str, begin: Sequence[str], end: str, width: int, *, seed: int = 3, **changed: Any) -> Block:
    """The nodes of a tiny model that make the value `end` (T, width) of the values `begin`, which are what token ids are looked up as."""
    config, whole = make_graph(family, **{"vocab_size": _IDS, **changed})
    needed, kept = {end}, list[Node]()
    for node in reversed(whole.nodes):
        if node.output in needed and node.output not in begin:
            kept.insert(0, replace(node, inputs=tuple("embed_tokens" if name in begin else name for name in node.inputs)))
            needed |= set(node.inputs)
    layers = {index: place for place, index in enumerate(sorted({n.attributes["layer"] for n in kept if "layer" in n.attributes}))}
    kept = [replace(n, attributes={**n.attributes, "layer": layers[n.attributes["layer"]]}) if "layer" in n.attributes else n for n in kept]
    nodes = (
        Node("embed_tokens", "embedding", ("ids",), "embed_tokens", {"table": _TABLE}),
        *kept,
        Node("last", "last", (end,), "last"),
        Node("logits", "linear", ("last",), "logits", {"weight": _HEAD}),
    )
    tensors = {name: whole.tensors[name] for node in kept for name in node.weights.values()}
    tensors = {_TABLE: (_IDS, int(config["hidden_size"])), **tensors, _HEAD: (_IDS, width)}
    graph = replace(whole, nodes=nodes, tensors=tensors, vocabulary=_IDS, cached=whole.cached[: len(layers)])
    return Block(graph, random_weights(graph, seed), {})


def with_node(graph: Graph, name: str, **attributes: Any) -> Graph:
    """The graph with other attributes of one node."""
    nodes = [replace(node, attributes={**node.attributes, **attributes}) if node.name == name else node for node in graph.nodes]
    return replace(graph, nodes=tuple(nodes))


def without_node(graph: Graph, name: str, instead: str) -> Graph:
    """The graph without one node: whoever reads it reads `instead`. Its weights are loaded all the same."""
    nodes = [node for node in graph.nodes if node.name != name]
    return replace(graph, nodes=tuple(replace(n, inputs=tuple(instead if i == name else i for i in n.inputs)) for n in nodes))


def plain_router(**changed: Any) -> Mapping[str, Any]:
    """A configuration in which the router does nothing but choose and mix, with some of that switched on."""
    return {**_PLAIN, **changed}


def decisive(block: Block, router: str, *, groups: int, topk_group: int, top_k: int) -> Block:
    """The block with ids whose experts are chosen by the widest margins of four times as many, so that no type that is computed in
    chooses others."""
    tensors = next(node.weights for node in block.graph.nodes if node.name == router)
    rng = np.random.default_rng(17)
    table = exact_in_bfloat16(rng.normal(0, 1, (4 * _IDS, block.weights[_TABLE].shape[1])))
    scores = 1 / (1 + np.exp(-(table.astype(np.float64) @ block.weights[tensors["weight"]].T)))
    wanted = (scores + block.weights[tensors["bias"]]).reshape(len(table), groups, -1)
    sums = np.sort(wanted, -1)[..., -2:].sum(-1)
    ranked = np.sort(sums, -1)[:, ::-1]
    margin = ranked[:, topk_group - 1] - ranked[:, topk_group] if topk_group < groups else np.full(len(table), np.inf)
    wanted = np.where((sums >= ranked[:, topk_group - 1 : topk_group])[..., None], wanted, -np.inf)
    best = np.sort(wanted.reshape(len(table), -1), -1)[:, ::-1]
    margin = np.minimum(margin, best[:, top_k - 1] - best[:, top_k])
    chosen = np.sort(np.argsort(-margin)[:_IDS])
    return replace(block, weights={**block.weights, _TABLE: table[chosen]})


def block_cases(subject: Subject, block: Block, rows: Rows, name: str = "") -> list[Case]:
    """The block on the backend against the reference, in each way that it can be run. A fault that is found is named by the twin that the
    output is as; a twin that could not be told from the truth is the kit's own fault."""
    name = f"{name}, " if name else ""
    truth = _centred(subject.reference_logits(rows, graph=block.graph, weights=block.weights))
    twins = {told: _centred(subject.reference_logits(rows, graph=graph, weights=w)) for told, (graph, w) in block.twins.items()}
    limit = block_limit(subject.dtype, max(len(row) for row in rows))
    cases: list[Case] = []
    for path, found in _paths(subject, block, rows):
        if isinstance(found, str):
            cases.append(Case(f"{name}{path}", "UNSUPPORTED", note=found))
            continue
        logits = _centred(found)
        apart = nmse(truth[: len(logits)], logits)
        near = [] if apart <= limit else [t for t, twin in twins.items() if nmse(twin[: len(logits)], logits) < max(apart / 4, limit)]
        cases.append(within(f"{name}{path}", apart, limit, "1", f"it is as with {near[0]}" if near else ""))
    hidden = [told for told, twin in twins.items() if nmse(truth, twin) < 20 * limit]
    return cases + [holds(f"{name}{told} can be told", False, "the kit's own fault: report it") for told in hidden]


def block_limit(dtype: str, longest: int) -> float:
    """How far a block may be from the reference (NMSE). An angle is as exact as its position in float32."""
    return _ROUNDINGS * UNIT[dtype] ** 2 + (longest * UNIT["float32"]) ** 2


def _centred(logits: np.ndarray) -> np.ndarray:
    """Without the constant that logits of log-probabilities have."""
    wide = np.asarray(logits, np.float64)
    return wide - wide.mean(-1, keepdims=True)


def _paths(subject: Subject, block: Block, rows: Rows) -> Iterator[tuple[str, np.ndarray | str]]:
    """The ways in which a backend can run a block, with logits, or why it cannot: as a program in one piece, token by token, and operator
    by operator. UNSUPPORTED where it has none of them."""
    refused = ""
    try:
        with subject.session(block.graph, block.weights) as session:
            yield "as a program", prefill(session, rows)[1].copy()
            if block.graph.cached:
                yield "token by token", _slowly(session, rows[0])
    except NotJudged as error:
        if error.status != "UNSUPPORTED":
            raise
        refused = str(error)
    try:
        found = _operators(subject, block, rows)
    except Unsupported as error:
        if refused:
            raise NotJudged("UNSUPPORTED", f"as a program: {refused}; by operators: {error}") from error
        yield "by operators", str(error)
    else:
        if refused:
            yield "as a program", refused
        yield "by operators", found


def _slowly(session: Session, row: Sequence[int]) -> np.ndarray:
    handle = session.kv.allocate()
    for token in row[:-1]:
        session.decode([feed(handle, [token])])
    return session.decode([feed(handle, row[-1:])]).logits.copy()


def _operators(subject: Subject, block: Block, rows: Rows) -> np.ndarray:
    """Node by node, as `run` has them: logits (B, V). Unsupported where the backend has no `run`, or not for an operator."""
    if not isinstance(subject.backend, RunsOperators):
        raise Unsupported("it runs no single operators")
    found: list[np.ndarray] = []
    for row in rows:
        values: dict[str, np.ndarray] = {"ids": np.asarray(row, np.int64)}
        for node in block.graph.nodes:
            weights = {role: block.weights[tensor] for role, tensor in node.weights.items()}
            values[node.output] = subject.backend.run(node, [values[name] for name in node.inputs], weights, subject.dtype)
        found.append(values["logits"])
    return np.concatenate(found)
