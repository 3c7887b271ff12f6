"""A graph of the Llama family as a PyTorch module of one static shape and without a cache, as ahead-of-time compilers take it."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seodang.backends.graph import Graph, Node
from seodang.backends.torch_operators import OPERATIONS, Step


class WholeSequence(nn.Module):
    """`ids` (C,) and `pick` (1, C), which is 1 at the token whose logits (1, V) are wanted and 0 elsewhere. Tensors are float32."""

    def __init__(self, graph: Graph, weights: Mapping[str, np.ndarray], length: int) -> None:
        super().__init__()
        self.graph, self.length = graph, length
        self.places = {name: f"tensor{place}" for place, name in enumerate(graph.tensors)}
        for name, place in self.places.items():
            self.register_buffer(place, torch.from_numpy(np.array(weights[name], np.float32)))

    def forward(self, ids: Tensor, pick: Tensor) -> Tensor:
        step = Step(torch.arange(self.length, dtype=torch.float64), [(0, self.length)], [0], lambda layer: [])
        values = {"ids": ids}
        for node in self.graph.nodes:
            inputs = [values[name] for name in node.inputs]
            held = {role: self.get_buffer(self.places[tensor]) for role, tensor in node.weights.items()}
            if node.op == "attention":
                values[node.output] = _attention(node, inputs)
            elif node.op == "last":
                values[node.output] = pick @ inputs[0]
            else:
                values[node.output] = OPERATIONS[node.op](node, inputs, held, step)
        return values["logits"]


def _attention(node: Node, inputs: list[Tensor]) -> Tensor:
    """Of one sequence from its beginning: q (C, N*D), k and v (C, K*D) -> (C, N*D)."""
    a, count = node.attributes, len(inputs[0])
    q, k, v = (part.view(count, -1, a["head_width"]).transpose(0, 1) for part in inputs)
    k, v = (part.repeat_interleave(len(q) // len(part), 0) for part in (k, v))
    return F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=a["scale"]).transpose(0, 1).reshape(inputs[0].shape)
