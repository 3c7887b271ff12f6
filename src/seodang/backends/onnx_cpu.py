"""The backend `onnx_cpu`: a graph becomes an ONNX file ahead of time, which ONNX Runtime runs on this machine's processor in float32.

Compiling needs the package `onnx` alone, running `onnxruntime` alone. Weights are not in the file: they are bound when it is loaded.
"""

import importlib.metadata
import importlib.util
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

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
from seodang.backends.description import Description, Execution
from seodang.backends.graph import Graph, Node
from seodang.backends.host import describe_host, give_back_memory
from seodang.backends.onnx_model import FINGERPRINT, IR, OPSET, build_model, graph_model
from seodang.backends.onnx_operators import OPERATIONS
from seodang.backends.onnx_session import OnnxSession, Opened, packed_bytes, step_inputs, weight_bytes
from seodang.backends.program import check_program, make_program
from seodang.backends.weights import check_weights, take_weight
from seodang.core.files import write_atomically
from seodang.core.processors import num_threads

_TOOLCHAIN = f"ONNX opset {OPSET}, IR {IR}, translation 1"
_FILE = "model.onnx"
_BYTES = 4


class OnnxCpuBackend:
    """Operators of the Llama family. One program serves prefill and decode of any batch: its axes are open."""

    api_version = API_VERSION
    name = "onnx_cpu"
    vendor = "ONNX Runtime"

    def probe(self) -> Probe:
        if not importlib.util.find_spec("onnxruntime"):
            return Probe((), "the package onnxruntime is not installed: pip install 'seodang[edge]'")
        return Probe(("cpu",), f"ONNX Runtime {importlib.metadata.version('onnxruntime')} is here")

    def describe(self, device: str) -> Description:
        if device not in self.probe().devices:
            raise DeviceAbsent(f"no device `{device}`", hint="there is: cpu, where onnxruntime is installed")
        host = describe_host()
        note = f"{host.note}; ONNX Runtime {importlib.metadata.version('onnxruntime')}, {num_threads()} threads"
        return host.model_copy(update={"note": note, "execution": Execution(mode="ahead_of_time")})

    def supports(self, graph: Graph) -> list[Verdict]:
        return [
            Verdict(node.name, "native", f"operators of ONNX opset {OPSET}, float32")
            if node.op in OPERATIONS
            else Verdict(node.name, "unsupported", f"`{node.op}` is not translated to ONNX")
            for node in graph.nodes
        ]

    def plan_memory(self, graph: Graph, limits: Limits) -> MemoryPlan:
        """`workspace` are the caches of a step, side by side, `reserve` what ONNX Runtime packs besides, `activations` an estimate of the
        widest values. While a model is loaded, its weights are there twice."""
        _check_type(limits.dtype)
        kv = sum(graph.cached) * limits.max_sequences * limits.max_context
        widest = max((shape[0] for name, shape in graph.tensors.items() if name.startswith("model.layers.")), default=0)
        heads = max((node.attributes["num_heads"] for node in graph.nodes if node.op == "attention"), default=0)
        rows = min(limits.max_step_tokens, limits.max_context)
        activations = limits.max_step_tokens * 4 * widest + rows * limits.max_context * heads + limits.max_sequences * graph.vocabulary
        return MemoryPlan(weight_bytes(graph), kv * _BYTES, activations * _BYTES, kv * _BYTES, packed_bytes(graph))

    def compile(self, graph: Graph, limits: Limits, folder: Path) -> Program:
        """Writes `model.onnx` to the folder. Equal graph and limits give equal bytes."""
        _check_type(limits.dtype)
        begun = time.perf_counter()
        program = make_program(self, graph, limits, target="cpu", toolchain=_TOOLCHAIN, folder=folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / _FILE, graph_model(graph, limits.max_context, program.fingerprint))
        return replace(program, seconds=time.perf_counter() - begun)

    def load(self, program: Program, weights: Mapping[str, np.ndarray]) -> tuple[Session, LoadReport]:
        check_program(self, program, toolchain=_TOOLCHAIN)
        self._need_runtime()
        path = (program.folder or Path()) / _FILE
        try:
            content = path.read_bytes()
        except OSError as error:
            raise Unsupported(f"the program's file cannot be read ({error.strerror})", where=str(path), hint="compile it again") from error
        tensors = program.graph.tensors
        unused = check_weights(tensors, weights)
        held = {name: np.ascontiguousarray(take_weight(tensors, weights, name), np.float32) for name in tensors}
        opened = Opened(content, held)
        if opened.properties.get(FINGERPRINT) != program.fingerprint:
            raise Unsupported("the file is another program's", where=str(path), hint="compile it again")
        del held
        give_back_memory()
        report = LoadReport(tuple(tensors), unused, weight_bytes(program.graph))
        return OnnxSession(opened, program.graph, program.limits), report

    def run(self, node: Node, inputs: Sequence[np.ndarray], weights: Mapping[str, np.ndarray], dtype: str) -> np.ndarray:
        """One operator as a model of one node."""
        if node.op not in OPERATIONS:
            raise Unsupported(f"no operator `{node.op}`", where=self.name, hint=f"there are: {', '.join(OPERATIONS)}")
        _check_type(dtype)
        self._need_runtime()
        given = {
            f"input.{place}": np.ascontiguousarray(values, np.int64 if values.dtype.kind in "iu" else np.float32)
            for place, values in enumerate(inputs)
        }
        count = len(inputs[0])
        alone = replace(node, inputs=tuple(given), output="result", weights={role: role for role in weights})
        held = {role: np.ascontiguousarray(values, np.float32) for role, values in weights.items()}
        axes = {name: (str(values.dtype), values.shape) for name, values in given.items()}
        content = build_model((alone,), {role: values.shape for role, values in held.items()}, axes, "result", count, {})
        values = {**given, **step_inputs([0], [count]), "step.positions": np.arange(count)}
        if node.op == "attention":
            values[f"past.{node.attributes['layer']}"] = np.zeros((1, 0, 2 * inputs[1].shape[1]), np.float32)
        return Opened(content, held).run(values)["result"]

    def _need_runtime(self) -> None:
        probe = self.probe()
        if not probe.devices:
            raise DeviceAbsent(probe.reason, where=self.name, hint="pip install 'seodang[edge]'")


def _check_type(dtype: str) -> None:
    if dtype not in ("auto", "float32"):
        raise Unsupported(f"type `{dtype}`", where="onnx_cpu", hint="there are: auto, float32")
