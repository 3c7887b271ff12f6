"""What a broken backend is: the reference with one fault, and the lowest level that must catch it."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from seodang.backends.graph import Node
from seodang.backends.reference import ReferenceBackend, ReferenceSession
from seodang.backends.reference_operators import OPERATIONS, Arrays, Operator, Step, Weights
from seodang.testbed.certify.subject import Family

TOPICS = ("contract", "operators", "blocks", "model", "loading", "collectives", "speed")


class Broken(ReferenceBackend):
    """`level` is the lowest one that must say FAIL, in the families named. `operators` are wrong wherever they run; `in_model` only
    inside of a loaded model, as where a chip has a kernel of its own for the fused block; `session` is what `load` makes. `steady_s` is
    above 0 where only a load that lasts shows the fault."""

    name = "broken"
    vendor = "nobody"
    level: ClassVar[int] = 0
    families: ClassVar[tuple[Family, ...]] = ("llama", "latent")
    operators: ClassVar[Mapping[str, Operator]] = {}
    in_model: ClassVar[Mapping[str, Operator]] = {}
    session: ClassVar[type[ReferenceSession]] = ReferenceSession
    steady_s: ClassVar[float] = 0.0

    def __init__(self) -> None:
        self.operations = {**OPERATIONS, **self.operators}

    @property
    def session_type(self) -> type[ReferenceSession]:
        return type("BrokenSession", (self.session,), {"operations": {**self.operations, **self.in_model}})


def faults(topic: str) -> list[type[Broken]]:
    """The broken backends of one of `TOPICS`, in the order of its file."""
    module = importlib.import_module(f"seodang.testbed.certify.broken.{topic}")
    own = [kind for name, kind in vars(module).items() if not name.startswith("_") and getattr(kind, "__module__", "") == module.__name__]
    return [kind for kind in own if isinstance(kind, type) and issubclass(kind, Broken)]


def after(op: str, change: Callable[..., np.ndarray]) -> Operator:
    """The operator with its output changed: `change(node, inputs, weights, output)`."""

    def wrong(node: Node, inputs: Arrays, weights: Weights, step: Step) -> np.ndarray:
        return change(node, inputs, weights, OPERATIONS[op](node, inputs, weights, step))

    return wrong


def with_attributes(op: str, **others: Any) -> Operator:
    """The operator that takes some attributes for others."""

    def wrong(node: Node, inputs: Arrays, weights: Weights, step: Step) -> np.ndarray:
        return OPERATIONS[op](replace(node, attributes={**node.attributes, **others}), inputs, weights, step)

    return wrong
