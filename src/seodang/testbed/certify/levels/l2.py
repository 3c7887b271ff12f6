"""Level 2, blocks: the parts of a model that give plausible, wrong text where one thing in them is wrong.

Everything else that a block has is switched off in its check, so that one fault fails one check.
"""

from dataclasses import replace

import numpy as np

from seodang.backends.graph import Graph, Node
from seodang.testbed.certify.check import LATENT, Check
from seodang.testbed.certify.finding import Case, Outcome, outcome
from seodang.testbed.certify.levels.blocks import Block, block_cases, cut, decisive, plain_router, without_node
from seodang.testbed.certify.subject import Rows, Subject
from seodang.testbed.certify.tiny import LATENT as TINY
from seodang.testbed.certify.tiny import YARN, exact_in_bfloat16

_EXPERTS, _HIDDEN = TINY["n_routed_experts"], TINY["hidden_size"]
_ROUTER = "layers.1.router"
_NORMED = ("layers.1.mlp_norm",)


def _rows(count: int, length: int = 12) -> Rows:
    """Rows of ids of a block, no id twice in one."""
    rng = np.random.default_rng([count, length])
    return [rng.permutation(48)[:length].tolist() for _ in range(count)]


def _router(subject: Subject, block: Block, *, groups: int = 1, topk_group: int = 1, top_k: int = 8) -> list[Case]:
    block = decisive(block, _ROUTER, groups=groups, topk_group=topk_group, top_k=top_k)
    return block_cases(subject, block, _rows(6))


def _no_bias(block: Block) -> dict[str, np.ndarray]:
    return {name: np.zeros_like(values) if name.endswith("correction_bias") else values for name, values in block.weights.items()}


def router_bias_selects_only(subject: Subject) -> Outcome:
    """The router's bias chooses experts, and the scores without it mix them."""
    block = cut("latent", _NORMED, _ROUTER, _EXPERTS, **plain_router())
    bias = next(name for name in block.weights if name.endswith("correction_bias"))
    block = Block(block.graph, {**block.weights, bias: block.weights[bias] * np.float32(2.0)}, {})
    block = block.with_twin("no bias", block.graph, _no_bias(block))
    return outcome(_router(subject, block), expected="sigmoid scores that mix as they are", look="the router: where the bias is added")


def router_scores_are_sigmoid(subject: Subject) -> Outcome:
    """Scores are sigmoids of each expert's logit, not a softmax of all."""
    block = cut("latent", _NORMED, _ROUTER, _EXPERTS, **plain_router())
    block = Block(block.graph, _no_bias(block), {}).twin("softmax scores", _ROUTER, score="softmax")
    return outcome(_router(subject, block), expected="sigmoid scores", look="the router's scores")


def router_limits_groups(subject: Subject) -> Outcome:
    """Experts are chosen from the groups with the largest sum of their two best."""
    block = cut("latent", _NORMED, _ROUTER, _EXPERTS, **plain_router(n_group=8, topk_group=4))
    block = Block(block.graph, _no_bias(block), {})
    block = block.twin("no group limit", _ROUTER, num_groups=1, topk_group=1).twin("one group more", _ROUTER, topk_group=5)
    cases = _router(subject, block, groups=8, topk_group=4)
    return outcome(cases, expected="4 of 8 groups, then 8 experts", look="the router: groups")


def router_scales(subject: Subject) -> Outcome:
    """Mixing weights are multiplied by the routed experts' factor, 2.5."""
    block = cut("latent", _NORMED, _ROUTER, _EXPERTS, **plain_router(routed_scaling_factor=2.5))
    block = Block(block.graph, _no_bias(block), {}).twin("no factor", _ROUTER, scaling=1.0).twin("the factor twice", _ROUTER, scaling=6.25)
    return outcome(_router(subject, block), expected="mixing weights times 2.5", look="the routed scaling factor")


def router_normalises(subject: Subject) -> Outcome:
    """Mixing weights of the chosen experts sum to 1 before the factor."""
    block = cut("latent", _NORMED, _ROUTER, _EXPERTS, **plain_router(norm_topk_prob=True))
    block = Block(block.graph, _no_bias(block), {}).twin("no normalisation", _ROUTER, normalised=False)
    return outcome(_router(subject, block), expected="weights that sum to 1", look="the router: the sum of what was chosen")


def experts_mix(subject: Subject) -> Outcome:
    """The chosen experts, and only they, are summed with their mixing weights."""
    block = cut("latent", _NORMED, "layers.1.experts", _HIDDEN, **plain_router())
    block = Block(block.graph, _no_bias(block), {})
    swapped = _swap(block, ".gate_proj.", ".up_proj.")
    block = block.with_twin("gate and up in each other's place", block.graph, swapped).twin("one expert fewer", _ROUTER, top_k=7)
    return outcome(_router(subject, block), expected="the sum over 8 experts", look="the experts: what is gathered and scattered")


def _swap(block: Block, one: str, other: str) -> dict[str, np.ndarray]:
    """Weights in which tensors of one role have the values of another's."""
    pairs = {name: name.replace(one, "?").replace(other, one).replace("?", other) for name in block.weights}
    return {name: block.weights[pair] for name, pair in pairs.items()}


def shared_expert_is_added(subject: Subject) -> Outcome:
    """The shared expert's output is added to that of the routed ones, unscaled."""
    block = cut("latent", _NORMED, "layers.1.mixture", _HIDDEN, **plain_router())
    block = Block(block.graph, _no_bias(block), {})
    block = block.with_twin("no shared expert", without_node(block.graph, "layers.1.mixture", "layers.1.experts"), block.weights)
    return outcome(_router(subject, block), expected="routed + shared", look="the mixture's output: is the shared expert in it?")


def post_mlp_norm_is_before_the_residual(subject: Subject) -> Outcome:
    """A.X K1 normalises the mixture's output, and adds the residual after that."""
    block = cut("latent", ("layers.1.attended", *_NORMED), "layers.1.out", _HIDDEN, **plain_router())
    block = Block(block.graph, _no_bias(block), {})
    norm, out = "layers.1.post_mlp_norm", "layers.1.out"
    block = block.with_twin("no norm", without_node(block.graph, norm, "layers.1.mixture"), block.weights)
    nodes = {node.name: node for node in block.graph.nodes}
    late = list[Node]()
    for node in without_node(block.graph, norm, "layers.1.mixture").nodes:
        late += [node] if node.name != "last" else [_reading(nodes[norm], out), _reading(node, norm)]
    block = block.with_twin("the norm behind the residual", _with(block, late), block.weights)
    return outcome(_router(subject, block), expected="x + norm(mixture(x))", look="the norm behind the mixture")


def _reading(node: Node, value: str) -> Node:
    return replace(node, inputs=(value,))


def _with(block: Block, nodes: list[Node]) -> Graph:
    return replace(block.graph, nodes=tuple(nodes))


def latent_attention_in_both_forms(subject: Subject) -> Outcome:
    """Latent attention of a prefill and of single tokens, absorbed or not, is that of keys and values made in full; its scale is of the
    whole width, and both parts of the keys are in it."""
    node = "layers.0.attention"
    block = _unturned(cut("latent", ("layers.0.input_norm",), node, TINY["num_attention_heads"] * TINY["v_head_dim"]))
    block = _louder(block, ("q_b_proj", "kv_a_proj"), 2.0)
    block = block.twin("no scale", node, scale=1.0)
    rope = np.arange(TINY["kv_lora_rank"] + TINY["qk_rope_head_dim"])[:, None] >= TINY["kv_lora_rank"]
    silent = {n: np.where(rope, np.float32(0), v) if "kv_a_proj" in n else v for n, v in block.weights.items()}
    block = block.with_twin("no rotary part of the keys", block.graph, silent)
    cases = block_cases(subject, block, _rows(4, 22))
    return outcome(cases, expected="one result in every form", look="kv_b: how it is cut by heads, keys before values")


def _unturned(block: Block) -> Block:
    """The block without rotary positions, which have a check of their own."""
    graph = block.graph
    for part, name in {"q_turned": "q_rope", "k_turned": "k_rope"}.items():
        graph = without_node(graph, f"layers.0.{part}", f"layers.0.{name if block.graph.family == 'latent' else name[0]}")
    return replace(block, graph=graph)


def _louder(block: Block, parts: tuple[str, ...], gain: float) -> Block:
    """The block with some weights multiplied, so that attention is not nearly even."""
    louder = {n: exact_in_bfloat16(v * gain) if any(part in n for part in parts) else v for n, v in block.weights.items()}
    return Block(block.graph, louder, {})


def query_is_normalised(subject: Subject) -> Outcome:
    """The compressed query and the latent are normalised before they are used."""
    node = "layers.0.q"
    block = cut("latent", ("layers.0.input_norm",), node, TINY["num_attention_heads"] * 24)
    block = block.with_twin("no norm of the query", without_node(block.graph, "layers.0.q_norm", "layers.0.q_a"), block.weights)
    latent = cut("latent", ("layers.0.input_norm",), "layers.0.latent", TINY["kv_lora_rank"])
    latent = latent.with_twin("no norm of the latent", without_node(latent.graph, "layers.0.latent", "layers.0.latent_raw"), latent.weights)
    cases = block_cases(subject, block, _rows(4), "query") + block_cases(subject, latent, _rows(4), "latent")
    return outcome(cases, expected="q_b(norm(q_a x)), norm(kv_a x)", look="the two norms inside of latent attention")


def grouped_query_attention(subject: Subject) -> Outcome:
    """Head n of the queries reads key head n // (N // K)."""
    node = "layers.0.attention"
    block = _unturned(cut("llama", ("layers.0.input_norm",), node, 64))
    block = _louder(block, ("q_proj", "k_proj"), 2.0)
    keys = {n: _interleave(v, 8) if "q_proj" in n else v for n, v in block.weights.items()}
    block = block.with_twin("heads that are dealt in turn", block.graph, keys).twin("another scale", node, scale=1.0)
    cases = block_cases(subject, block, _rows(4, 22))
    return outcome(cases, expected="neighbouring heads share keys", look="how key heads are repeated")


def _interleave(values: np.ndarray, heads: int) -> np.ndarray:
    """Rows by head, even heads first."""
    parts = values.reshape(heads, -1, values.shape[1])
    return np.ascontiguousarray(np.concatenate([parts[0::2], parts[1::2]]).reshape(values.shape))


def rotary_pairs(subject: Subject) -> Outcome:
    """Rotary positions turn the pairs that the family pairs: neighbours in A.X K1, halves in a Llama."""
    interleaved = subject.family == "latent"
    node = "layers.0.q_turned"
    width = TINY["num_attention_heads"] * TINY["qk_rope_head_dim"] if interleaved else 64
    block = cut(subject.family, ("layers.0.q_rope", "layers.0.q", "layers.0.input_norm"), node, width)
    block = _of_width(block, width).twin("the other pairs", node, interleaved=not interleaved)
    return outcome(block_cases(subject, block, _rows(3, 30)), expected="pairs as the graph says", look="`rotary`: interleaved or halves")


def _of_width(block: Block, width: int) -> Block:
    """The block with ids that are looked up as rows of another width."""
    table = exact_in_bfloat16(np.random.default_rng(23).normal(0, 1, (48, width)))
    tensors = {**block.graph.tensors, "model.embed_tokens.weight": table.shape}
    return Block(replace(block.graph, tensors=tensors), {**block.weights, "model.embed_tokens.weight": table}, {})


def yarn_off_and_on(subject: Subject) -> Outcome:
    """Stretched rotary positions (YaRN) have other frequencies and a magnitude, and plain ones have not."""
    interleaved, node = subject.family == "latent", "layers.0.q_turned"
    width = TINY["num_attention_heads"] * TINY["qk_rope_head_dim"] if interleaved else 64
    begin = ("layers.0.q_rope", "layers.0.q", "layers.0.input_norm")
    off, on = (_of_width(cut(subject.family, begin, node, width, rope_scaling=told), width) for told in (None, dict(YARN)))
    attributes = [next(n.attributes for n in block.graph.nodes if n.name == node) for block in (off, on)]
    on = on.twin("plain frequencies", node, frequencies=attributes[0]["frequencies"]).twin("no magnitude", node, magnitude=1.0)
    off = off.twin("stretched frequencies", node, frequencies=attributes[1]["frequencies"])
    rows = _rows(3, 30)
    cases = block_cases(subject, off, rows, "off") + block_cases(subject, on, rows, "on")
    return outcome(cases, expected="frequencies and magnitude of the graph", look="`rotary`: frequencies, magnitude")


def norm_epsilon(subject: Subject) -> Outcome:
    """A norm has its own epsilon, which rows of small values show."""
    begin, node = ("embed_tokens",), "layers.0.input_norm"
    block = cut(subject.family, begin, node, 64)
    small = exact_in_bfloat16(block.weights["model.embed_tokens.weight"] * 1e-3)
    block = Block(block.graph, {**block.weights, "model.embed_tokens.weight": small}, {})
    block = block.twin("no epsilon", node, eps=0.0).twin("ten times the epsilon", node, eps=1e-5 if subject.family == "latent" else 1e-4)
    return outcome(block_cases(subject, block, _rows(4)), expected="the configuration's epsilon", look="`rms_norm`: eps")


def gate_and_up(subject: Subject) -> Outcome:
    """The MLP is down(silu(gate) * up), gate and up not in each other's place."""
    block = cut(subject.family, ("layers.0.mlp_norm",), "layers.0.mlp.down", 64)
    block = block.with_twin("gate and up in each other's place", block.graph, _swap(block, ".gate_proj.", ".up_proj."))
    return outcome(block_cases(subject, block, _rows(4)), expected="silu of the gate alone", look="`swiglu`, and fused gate-up weights")


CHECKS = (
    Check(rotary_pairs),
    Check(yarn_off_and_on),
    Check(norm_epsilon),
    Check(gate_and_up),
    Check(grouped_query_attention, ("llama",)),
    Check(latent_attention_in_both_forms, LATENT),
    Check(query_is_normalised, LATENT),
    Check(router_bias_selects_only, LATENT),
    Check(router_scores_are_sigmoid, LATENT),
    Check(router_limits_groups, LATENT),
    Check(router_scales, LATENT),
    Check(router_normalises, LATENT),
    Check(experts_mix, LATENT),
    Check(shared_expert_is_added, LATENT),
    Check(post_mlp_norm_is_before_the_residual, LATENT),
)
