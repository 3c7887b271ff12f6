"""Parameters by class, and how many of them one token uses."""

from collections import Counter
from dataclasses import dataclass, fields
from functools import cache

from seodang.testbed.workloads.matrices import attention_matrices, attention_norms, layer_norms, mlp_matrices
from seodang.testbed.workloads.model_shape import ModelShape


@dataclass(frozen=True, slots=True)
class Counts:
    """Parameters by class. Norms and sinks inside of attention count as attention, gates on norms as norms, a tied head as embedding.

    A router's correction bias, which is a buffer, and weights for multi-token prediction are in none of them.
    """

    attention: int = 0
    indexer: int = 0
    dense_mlp: int = 0
    routed_experts: int = 0
    shared_experts: int = 0
    router: int = 0
    embedding: int = 0
    head: int = 0
    norms: int = 0
    biases: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.row().values())

    def row(self) -> dict[str, int]:
        """By class, for JSON."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@cache
def parameters(shape: ModelShape) -> Counts:
    """Every parameter that the model's checkpoint has."""
    return _counted(shape, shape.routed_experts)


@cache
def active_parameters(shape: ModelShape, *, input_embedding: bool = False) -> int:
    """What one token uses: everything but the routed experts that it is not given to, and, unless asked for, the input embedding.

    A tied head is used whole, so it counts either way.
    """
    used = _counted(shape, shape.top_k)
    return used.total - (0 if input_embedding or shape.tied else used.embedding)


def _counted(shape: ModelShape, experts: int) -> Counts:
    """With this number of routed experts in each layer."""
    table = shape.vocabulary * shape.hidden
    found: Counter[str] = Counter({"embedding": table, "head": 0 if shape.tied else table, "norms": shape.hidden})
    inside = sum(norm.values for norm in attention_norms(shape)) + (shape.heads if shape.attention_sinks else 0)
    for run in shape.layers:
        for matrix in (*attention_matrices(shape), *mlp_matrices(shape, run.mlp)):
            values, biases = matrix.values, matrix.bias_values
            if matrix.kind == "routed_experts":
                values, biases = (part // shape.routed_experts * experts for part in (values, biases))
            found[matrix.kind] += run.count * values
            found["biases"] += run.count * biases
        found["attention"] += run.count * inside
        found["norms"] += run.count * sum(norm.values for norm in layer_norms(shape, run.mlp))
    return Counts(**found)
