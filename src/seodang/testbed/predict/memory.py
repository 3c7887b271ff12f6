"""What a layout takes of a device's memory, and how many sequences fit beside the weights."""

from dataclasses import dataclass

from seodang.testbed.predict.refused import PredictionRefused
from seodang.testbed.predict.step import Deployment
from seodang.testbed.workloads.layout_name import layout_name

_ALL_EXPERTS_HIT = 1e7  # a batch at which every expert of every rank is read
_RESERVE_BYTES = 3.5e9  # a process beside weights and cache (aiconfigurator counts 3.5 GB a device)
_USABLE = 0.95  # of the capacity: the rest is lost to fragments and the driver (assumed)


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Bytes on one device: its weights, one sequence of the asked length, and what is left for sequences."""

    weights: float
    sequence: float
    left: float

    @property
    def sequences(self) -> float:
        """How many sequences fit, a rank group."""
        return self.left / self.sequence if self.sequence > 0 else float("inf")


def memory_plan(deployment: Deployment, tokens: float, *, capacity_factor: float = 1.0) -> MemoryPlan:
    """For sequences of `tokens` tokens. PredictionRefused where not even the weights and one of them fit."""
    full = deployment.counted("decode", _ALL_EXPERTS_HIT, 1.0, 1.0)[0]
    weights = sum(op.count * op.weight_bytes * deployment.stored_bytes(op.family) for op in full)
    shape, layout = deployment.shape, deployment.layout
    weights += shape.vocabulary * shape.hidden * deployment.scheme.head_bytes / layout.tp  # the input embedding, on the first stage
    one = deployment.counted("decode", 1.0, tokens, 1.0)[0]
    sequence = sum(op.count * op.kv_bytes for op in one)
    capacity = deployment.device.memory[0].capacity.value * capacity_factor
    left = capacity * _USABLE - _RESERVE_BYTES * min(1.0, capacity / 40e9) - weights
    if left < sequence:
        raise PredictionRefused(
            "does not fit",
            f"{layout_name(layout)} needs {weights / 1e9:.1f} GB of weights and {sequence / 1e9:.2f} GB a sequence on a device of "
            f"{capacity / 1e9:.0f} GB",
            hint="divide the model over more devices, or store its weights in fewer bits",
        )
    return MemoryPlan(weights, sequence, left)
