"""The backend `rbln`: models of the Llama family through Rebellions' compiler (package `rebel-compiler`, module `rebel`).

Written against public documentation (https://docs.rbln.ai, Python API: `compile_from_torch`, `create_runtime`, `device_count`,
`get_npu_name`), and not run: no machine of this project has had the SDK or a device. What is compiled is one static shape, a whole sequence
of `max_context` tokens, and every step computes each sequence again from its beginning: right, and slow. A cache on the device is what
vllm-rbln has; see the backend `vllm`.
"""

import time
from collections.abc import Mapping, Sequence
from importlib import import_module, util
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from seodang.backends.contract import (
    API_VERSION,
    DeviceAbsent,
    Limits,
    LoadReport,
    MemoryPlan,
    Probe,
    Program,
    Session,
    Unsupported,
    Verdict,
)
from seodang.backends.description import Description, bundled, load_description
from seodang.backends.graph import OPERATORS, Graph
from seodang.backends.program import check_program, make_program
from seodang.backends.recomputing import RecomputingSession, Rows
from seodang.backends.weights import check_weights, take_weight

_CHIPS = {"CA22": "atom_ca22", "CA25": "atom_max_ca25", "CR13": "rebel100"}  # by the end of the name that the driver tells
_ABSENT = "the package `rebel-compiler` is not installed (https://docs.rbln.ai says how to get it)"


class RblnBackend:
    """The first device. Everything is float32."""

    api_version = API_VERSION
    name = "rbln"
    vendor = "Rebellions"

    def probe(self) -> Probe:
        if util.find_spec("rebel") is None:
            return Probe((), _ABSENT)
        try:
            rebel: Any = import_module("rebel")
            count: int = rebel.device_count()
            names = [str(rebel.get_npu_name(place)) for place in range(count)]
        except (ImportError, OSError, RuntimeError) as error:
            return Probe((), f"{_toolchain()} cannot be asked for devices: {error}")
        if not count:
            return Probe((), f"{_toolchain()} is here, but no device")
        return Probe(tuple(f"rbln:{place}" for place in range(count)), f"{_toolchain()}: {', '.join(names)}")

    def describe(self, device: str) -> Description:
        """Of a chip that is described (`rebel100`), or of a device by the chip that its driver names."""
        chips = [chip for chip in _CHIPS.values() if chip in bundled()]
        if device in chips:
            return load_description(device)
        if device not in self.probe().devices:
            raise DeviceAbsent(f"no device `{device}`: {self.probe().reason}", where=self.name, hint=f"described: {', '.join(chips)}")
        rebel: Any = import_module("rebel")
        name = str(rebel.get_npu_name(int(device.partition(":")[2])))
        found = [chip for mark, chip in _CHIPS.items() if name.endswith(mark) and chip in chips]
        if not found:
            raise DeviceAbsent(f"the chip `{name}` is not described", where=self.name, hint=f"described: {', '.join(chips)}")
        return load_description(found[0])

    def supports(self, graph: Graph) -> list[Verdict]:
        if graph.family == "llama":
            return [
                Verdict(node.name, "native", "compiled as a whole by rebel-compiler")
                if node.op in OPERATORS
                else Verdict(node.name, "unsupported", f"no operator `{node.op}`")
                for node in graph.nodes
            ]
        reason = "this adapter compiles the Llama family only; vllm-rbln runs others"
        return [Verdict(node.name, "unsupported", reason) for node in graph.nodes]

    def plan_memory(self, graph: Graph, limits: Limits) -> MemoryPlan:
        """There is no cache. What the compiler takes for its own buffers is not known."""
        _check_type(limits.dtype)
        weights = sum(int(np.prod(shape)) for shape in graph.tensors.values()) * 4
        return MemoryPlan(weights, 0, 4 * limits.max_context * graph.vocabulary, 0, 0)

    def compile(self, graph: Graph, limits: Limits, folder: Path) -> Program:
        """Checks what can be checked without weights; the compiler takes them with the model, so that it runs in `load`. DeviceAbsent
        where the SDK is not here."""
        begun = time.perf_counter()
        _check_type(limits.dtype)
        if util.find_spec("rebel") is None:
            raise DeviceAbsent(_ABSENT, where=self.name, hint="`seodang devices` lists what is here")
        return make_program(self, graph, limits, target="rbln", toolchain=_toolchain(), begun=begun)

    def load(self, program: Program, weights: Mapping[str, np.ndarray]) -> tuple[Session, LoadReport]:
        probe = self.probe()
        if not probe.devices:
            raise DeviceAbsent(probe.reason, where=self.name, hint="`seodang devices` lists what is here")
        check_program(self, program, toolchain=_toolchain())
        graph, limits = program.graph, program.limits
        unused = check_weights(graph.tensors, weights)

        from seodang.backends.whole_sequence import WholeSequence

        held = {name: take_weight(graph.tensors, weights, name) for name in graph.tensors}
        inputs = [("ids", [limits.max_context], "int64"), ("pick", [1, limits.max_context], "float32")]
        rebel: Any = import_module("rebel")
        compiled: Any = rebel.compile_from_torch(WholeSequence(graph, held, limits.max_context).eval(), inputs)
        runtime: Any = compiled.create_runtime(device=0)
        report = LoadReport(tuple(held), unused, sum(values.nbytes for values in held.values()))

        def logits_of(rows: Rows) -> np.ndarray:
            return np.concatenate([np.asarray(runtime(*padded(row, limits.max_context))).reshape(1, -1) for row in rows])

        return RecomputingSession(program, report.num_bytes, logits_of), report


def padded(row: Sequence[int], length: int) -> tuple[np.ndarray, np.ndarray]:
    """Token ids (length,) with zeros behind, and a row (1, length) that picks the last token. Causal attention keeps what is behind out."""
    ids, pick = np.zeros(length, np.int64), np.zeros((1, length), np.float32)
    ids[: len(row)] = row
    pick[0, len(row) - 1] = 1.0
    return ids, pick


def _check_type(dtype: str) -> None:
    if dtype not in ("auto", "float32"):
        raise Unsupported(f"values of type {dtype}", where="rbln", hint="there is: float32")


def _toolchain() -> str:
    try:
        return f"rebel-compiler {version('rebel-compiler')}"
    except PackageNotFoundError:
        return "rebel-compiler of unknown version"
