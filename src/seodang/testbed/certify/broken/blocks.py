"""Faults of blocks: every operator is right by itself, and the fused block is not."""

import numpy as np

from seodang.backends.graph import Node
from seodang.backends.reference_operators import OPERATIONS, Arrays, Step, Weights
from seodang.testbed.certify.broken.fault import Broken, after, with_attributes


class _Latent(Broken):
    level = 2
    families = ("latent",)


class NoGroupLimit(_Latent):
    """Experts are chosen among all groups."""

    in_model = {"router": with_attributes("router", num_groups=1, topk_group=1)}


class NoScaling(_Latent):
    """The routed experts' factor is left out."""

    in_model = {"router": with_attributes("router", scaling=1.0)}


class NotNormalised(_Latent):
    """Mixing weights are not divided by their sum."""

    in_model = {"router": with_attributes("router", normalised=False)}


def _mixed_with_bias(node: Node, inputs: Arrays, weights: Weights, step: Step) -> np.ndarray:
    mixing = OPERATIONS["router"](node, inputs, weights, step)
    scores = 1 / (1 + np.exp(-(inputs[0] @ weights["weight"].T))) + weights.get("bias", 0.0)
    chosen = np.where(mixing != 0, scores, 0.0)
    return chosen / chosen.sum(-1, keepdims=True) * node.attributes["scaling"]


class MixesWithTheBias(_Latent):
    """The bias that should only choose is in the mixing weights."""

    in_model = {"router": _mixed_with_bias}


class NoBias(_Latent):
    """The bias is not used at all."""

    in_model = {"router": lambda node, inputs, weights, step: OPERATIONS["router"](node, inputs, {"weight": weights["weight"]}, step)}


class SoftmaxScores(_Latent):
    """Scores are a softmax."""

    in_model = {"router": with_attributes("router", score="softmax")}


class DropsSharedExpert(_Latent):
    """The fused mixture leaves the shared expert out."""

    in_model = {"linear": after("linear", lambda node, inputs, weights, out: out * (0.0 if _is(node, "shared_experts.down_proj") else 1.0))}


class NoPostMlpNorm(_Latent):
    """A.X K1 is taken for DeepSeek V3: the norm after the mixture is left out."""

    in_model = {"rms_norm": after("rms_norm", lambda node, inputs, weights, out: inputs[0] if _is(node, "post_mlp_layernorm") else out)}


class WrongScaleOfAttention(_Latent):
    """The scale is of the width without its rotary part."""

    in_model = {"latent_attention": lambda node, inputs, weights, step: _scaled(node, inputs, weights, step)}


def _scaled(node: Node, inputs: Arrays, weights: Weights, step: Step) -> np.ndarray:
    return with_attributes("latent_attention", scale=node.attributes["nope"] ** -0.5)(node, inputs, weights, step)


def _without_rope_keys(node: Node, inputs: Arrays, weights: Weights, step: Step) -> np.ndarray:
    q_nope, q_rope, latent, k_rope = inputs
    return OPERATIONS["latent_attention"](node, (q_nope, q_rope * 0.0, latent, k_rope), weights, step)


class NoRotaryKeys(_Latent):
    """The absorbed form forgets the rotary part of the keys."""

    in_model = {"latent_attention": _without_rope_keys}


class IgnoresMagnitude(_Latent):
    """YaRN's factor of the rotary values is left out."""

    in_model = {"rotary": with_attributes("rotary", magnitude=1.0)}


def _is(node: Node, part: str) -> bool:
    return any(part in tensor for tensor in node.weights.values())
