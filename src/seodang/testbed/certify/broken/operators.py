"""Faults of single operators."""

from collections.abc import Mapping, Sequence

import numpy as np

from seodang.backends.graph import Node
from seodang.backends.reference_operators import OPERATIONS, Arrays, Step, Weights
from seodang.testbed.certify.broken.fault import Broken, after, with_attributes


def _to_bfloat16(values: np.ndarray) -> np.ndarray:
    bits = values.astype(np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32).astype(np.float64)


def _bfloat16_sums(node: Node, inputs: Arrays, weights: Weights, step: Step) -> np.ndarray:
    (x,), weight = inputs, weights["weight"]
    total = np.zeros((len(x), len(weight)))
    for start in range(0, x.shape[1], 32):
        total = _to_bfloat16(total + x[:, start : start + 32] @ weight[:, start : start + 32].T)
    return total


class AccumulatesInBfloat16(Broken):
    """Sums of a product are kept in bfloat16 between blocks of 32."""

    level = 1
    operators = {"linear": _bfloat16_sums}


def _one_block_unscaled(node: Node, inputs: Arrays, weights: Weights, step: Step) -> np.ndarray:
    scaled = weights["weight"].copy()
    scaled[-1:, : scaled.shape[1] // 8] *= 1.125
    return OPERATIONS["linear"](node, inputs, {**weights, "weight": scaled}, step)


class WrongScaleOfABlock(Broken):
    """The last block of a quantised weight has its neighbour's scale."""

    level = 1
    operators = {"linear": _one_block_unscaled}


class SwallowsNaN(Broken):
    """What is not a number becomes zero, so that a fault upstream is never seen."""

    level = 1
    operators = {"rms_norm": after("rms_norm", lambda node, inputs, weights, out: np.nan_to_num(out))}


def _late_ties(node: Node, inputs: Arrays, weights: Weights, step: Step) -> np.ndarray:
    a = node.attributes
    if a["num_groups"] > 1:
        return OPERATIONS["router"](node, inputs, weights, step)
    turned = {role: values[::-1] for role, values in weights.items()}
    return OPERATIONS["router"](node, inputs, turned, step)[:, ::-1]


class LateTies(Broken):
    """Of two experts with equal scores the later one is chosen (seen without groups)."""

    level = 1
    families = ("latent",)
    operators = {"router": _late_ties}


def _coarse_angles(node: Node, inputs: Arrays, weights: Weights, step: Step) -> np.ndarray:
    coarse = Step(_to_bfloat16(step.positions), step.spans, step.past)
    return OPERATIONS["rotary"](node, inputs, weights, coarse)


class CoarseAngles(Broken):
    """Positions are kept in bfloat16: right up to 256, wrong beyond."""

    level = 1
    operators = {"rotary": _coarse_angles}


class AnswersFromMemory(Broken):
    """An operator's last output is given again for inputs of the same shape."""

    level = 1

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[object, ...], np.ndarray] = {}

    def run(self, node: Node, inputs: Sequence[np.ndarray], weights: Mapping[str, np.ndarray], dtype: str) -> np.ndarray:
        key = (node.op, *(values.shape for values in inputs), *(values.shape for values in weights.values()))
        if key not in self._last:
            self._last[key] = super().run(node, inputs, weights, dtype)
        return self._last[key]


class IgnoresEpsilon(Broken):
    """The norm has no epsilon, which a row of zeros shows."""

    level = 1
    operators = {"rms_norm": with_attributes("rms_norm", eps=1e-30)}


class TurnsTheWrongHalf(Broken):
    """Interleaved pairs are taken for halves."""

    level = 1
    families = ("latent",)
    operators = {"rotary": with_attributes("rotary", interleaved=False)}


def _wrong_heads(node: Node, inputs: Arrays, weights: Weights, step: Step) -> np.ndarray:
    a = node.attributes
    q, k, v = inputs
    count = a["num_heads"]
    turned = q.reshape(len(q), count, -1)[:, ::-1].reshape(q.shape)
    out = OPERATIONS["attention"](node, (turned, k, v), weights, step)
    return out.reshape(len(out), count, -1)[:, ::-1].reshape(out.shape)


class WrongKeyHead(Broken):
    """Query heads are given key heads in reverse order."""

    level = 1
    families = ("llama",)
    operators = {"attention": _wrong_heads}
