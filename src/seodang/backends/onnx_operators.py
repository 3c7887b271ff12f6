"""Operators of a graph as ONNX nodes. What they compute is what `OPERATORS` of graph.py says.

Values have one row a token (T, width), as in the graph. Only attention lays rows out by sequence (B, S). Inputs of a step:

- `step.positions` (T,) of the tokens in their sequences
- `step.rows` (B, S): the places of a sequence's tokens among the T rows, filled up with 0 where it has fewer than S
- `step.places` (T,): the places of the T rows in the flattened (B * S)
- `step.hidden` (B, S, P + S): true where a token may not look
- `step.last` (B,): the rows of last tokens
- `past.LAYER` (B, P, 2 * K * D): keys and then values of each token so far, with P the longest sequence

`new.LAYER` (T, 2 * K * D) are the keys and values of this step.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seodang.backends.graph import Node

_LOWEST = float(np.finfo(np.float32).min)


@dataclass(frozen=True, slots=True)
class Made:
    """One node of the ONNX graph."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]


class Builder:
    """Collects nodes and constants of one ONNX graph. `context` is the number of positions that tables are made for."""

    def __init__(self, context: int) -> None:
        self.context = context
        self.nodes: list[Made] = []
        self.constants: dict[str, np.ndarray] = {}
        self.caches: dict[int, int] = {}  # the width of each layer's
        self._names: dict[bytes, str] = {}
        self._count = 0

    def add(self, op: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """A node of the standard's operators, and the name of what it writes."""
        name = output or self._name()
        self.nodes.append(Made(op, inputs, (name,), attributes))
        return name

    def halves(self, value: str, axis: int) -> tuple[str, str]:
        """Both halves of a value."""
        names = self._name(), self._name()
        self.nodes.append(Made("Split", (value,), names, {"axis": axis, "num_outputs": 2}))
        return names

    def constant(self, values: np.ndarray) -> str:
        """A constant of the model; equal ones are kept once."""
        content = f"{values.dtype}{values.shape}".encode() + values.tobytes()
        name = self._names.setdefault(content, f"constant.{len(self._names)}")
        self.constants[name] = values
        return name

    def integers(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def number(self, value: float) -> str:
        return self.constant(np.array(value, np.float32))

    def _name(self) -> str:
        self._count += 1
        return f"value.{self._count}"


Names = Mapping[str, str]  # names of weights in the model, by role


def embedding(to: Builder, node: Node, inputs: Sequence[str], weights: Names) -> str:
    """See graph.OPERATORS, as for all below. Each writes the value `node.output`."""
    return to.add("Gather", weights["table"], inputs[0], output=node.output, axis=0)


def rms_norm(to: Builder, node: Node, inputs: Sequence[str], weights: Names) -> str:
    (x,) = inputs
    mean = to.add("ReduceMean", to.add("Mul", x, x), to.integers(-1), keepdims=1)
    root = to.add("Sqrt", to.add("Add", mean, to.number(node.attributes["eps"])))
    return to.add("Mul", to.add("Div", x, root), weights["scale"], output=node.output)


def linear(to: Builder, node: Node, inputs: Sequence[str], weights: Names) -> str:
    bias = [weights["bias"]] if "bias" in weights else []
    return to.add("Gemm", inputs[0], weights["weight"], *bias, output=node.output, transB=1)


def split(to: Builder, node: Node, inputs: Sequence[str], weights: Names) -> str:
    a = node.attributes
    parts = to.add("Reshape", inputs[0], to.integers(0, a["heads"], -1))
    taken = to.add("Slice", parts, to.integers(a["start"]), to.integers(a["stop"]), to.integers(2))
    return to.add("Reshape", taken, to.integers(0, a["heads"] * (a["stop"] - a["start"])), output=node.output)


def rotary(to: Builder, node: Node, inputs: Sequence[str], weights: Names) -> str:
    """Cosines and sines are tables of the model, computed in float64 when it is compiled."""
    a = node.attributes
    heads, half = a["heads"], len(a["frequencies"])
    angles = np.arange(to.context)[:, None] * np.asarray(a["frequencies"], np.float64)
    cos, sin = (_at_positions(to, wave(angles) * a["magnitude"]) for wave in (np.cos, np.sin))
    if a["interleaved"]:
        pairs = to.add("Reshape", inputs[0], to.integers(-1, heads, half, 2))
        first, second = (to.add("Gather", pairs, to.constant(np.array(place, np.int64)), axis=3) for place in (0, 1))
    else:
        first, second = to.halves(to.add("Reshape", inputs[0], to.integers(-1, heads, 2 * half)), axis=2)
    turned = (
        to.add("Sub", to.add("Mul", first, cos), to.add("Mul", second, sin)),
        to.add("Add", to.add("Mul", second, cos), to.add("Mul", first, sin)),
    )
    return to.add("Reshape", to.add("Concat", *turned, axis=2), to.integers(-1, heads * 2 * half), output=node.output)


def _at_positions(to: Builder, table: np.ndarray) -> str:
    """Rows of a table (context, width) by position, float32: (T, 1, width)."""
    rows = to.add("Gather", to.constant(table.astype(np.float32)), "step.positions", axis=0)
    return to.add("Reshape", rows, to.integers(-1, 1, table.shape[1]))


def attention(to: Builder, node: Node, inputs: Sequence[str], weights: Names) -> str:
    a, (q, k, v) = node.attributes, inputs
    layer, heads, kv_heads, width = a["layer"], a["num_heads"], a["num_kv_heads"], a["head_width"]
    group = heads // kv_heads
    to.caches[layer] = 2 * kv_heads * width
    new = to.add("Concat", k, v, axis=1, output=f"new.{layer}")
    whole = to.add("Concat", f"past.{layer}", to.add("Gather", new, "step.rows", axis=0), axis=1)
    keys, values = (to.add("Reshape", part, to.integers(0, 0, kv_heads, 1, width)) for part in to.halves(whole, axis=2))
    keys = to.add("Transpose", keys, perm=[0, 2, 3, 4, 1])  # (B, K, 1, D, P + S)
    values = to.add("Transpose", values, perm=[0, 2, 3, 1, 4])  # (B, K, 1, P + S, D)
    queries = to.add("Reshape", to.add("Gather", q, "step.rows", axis=0), to.integers(0, 0, kv_heads, group, width))
    queries = to.add("Mul", to.add("Transpose", queries, perm=[0, 2, 3, 1, 4]), to.number(a["scale"]))  # (B, K, N / K, S, D)
    hidden = to.add("Unsqueeze", "step.hidden", to.integers(1, 2))
    scores = to.add("Where", hidden, to.number(_LOWEST), to.add("MatMul", queries, keys))
    mixed = to.add("MatMul", to.add("Softmax", scores, axis=-1), values)
    flat = to.add("Reshape", to.add("Transpose", mixed, perm=[0, 3, 1, 2, 4]), to.integers(-1, heads * width))
    return to.add("Gather", flat, "step.places", axis=0, output=node.output)


def swiglu(to: Builder, node: Node, inputs: Sequence[str], weights: Names) -> str:
    gate, up = inputs
    return to.add("Mul", to.add("Mul", gate, to.add("Sigmoid", gate)), up, output=node.output)


def add(to: Builder, node: Node, inputs: Sequence[str], weights: Names) -> str:
    return to.add("Add", *inputs, output=node.output)


def last(to: Builder, node: Node, inputs: Sequence[str], weights: Names) -> str:
    return to.add("Gather", inputs[0], "step.last", output=node.output, axis=0)


Operator = Callable[[Builder, Node, Sequence[str], Names], str]
OPERATIONS: Mapping[str, Operator] = {
    function.__name__: function for function in (embedding, rms_norm, linear, split, rotary, attention, swiglu, add, last)
}
STEP_INPUTS: Mapping[str, tuple[str, tuple[str, ...]]] = {  # type and axes
    "step.positions": ("int64", ("T",)),
    "step.rows": ("int64", ("B", "S")),
    "step.places": ("int64", ("T",)),
    "step.hidden": ("bool", ("B", "S", "L")),
    "step.last": ("int64", ("B",)),
}
