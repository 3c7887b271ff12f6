"""The backends `torch_cpu` and `torch_cuda`: PyTorch, operator by operator. Without PyTorch they say so and nothing breaks."""

import time
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from importlib import util
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from seodang.backends.contract import (
    API_VERSION,
    BackendError,
    Collectives,
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
from seodang.backends.description import Description
from seodang.backends.flow import most_live
from seodang.backends.graph import OPERATORS, Graph, Node
from seodang.backends.host import describe_host
from seodang.backends.program import check_program, make_program
from seodang.backends.weights import check_weights

if TYPE_CHECKING:
    import torch

BYTES = {"float32": 4, "bfloat16": 2}
_WIDE = frozenset({"weight", "bias"})  # of a router: which experts are chosen hangs on the last bits
_INSTALL = "pip install 'seodang[train]'"


class TorchBackend(ABC):
    """What both have in common. `kind` is PyTorch's name of the sort of device, `usual` the type that "auto" stands for."""

    api_version = API_VERSION
    name: str
    vendor = "PyTorch"
    kind: str
    usual: str

    @abstractmethod
    def probe(self) -> Probe: ...

    @abstractmethod
    def describe(self, device: str) -> Description: ...

    def supports(self, graph: Graph) -> list[Verdict]:
        return [
            Verdict(node.name, "native", f"PyTorch's own operators on {self.kind}")
            if node.op in OPERATORS
            else Verdict(node.name, "unsupported", f"no operator `{node.op}`")
            for node in graph.nodes
        ]

    def plan_memory(self, graph: Graph, limits: Limits) -> MemoryPlan:
        """Weights and cache are exact; activations are the values that a step needs at once, workspace the scores and logits beside."""
        each, wide = BYTES[self.dtype(limits)], wide_tensors(graph)
        weights = sum(int(np.prod(shape)) * (4 if name in wide else each) for name, shape in graph.tensors.items())
        kv = sum(graph.cached) * limits.max_sequences * limits.max_context * each
        heads = max((node.attributes["num_heads"] for node in graph.nodes if node.op.endswith("attention")), default=1)
        scores = 4 * heads * min(limits.max_step_tokens, limits.max_context) * limits.max_context
        logits = 4 * graph.vocabulary * limits.max_sequences
        activations = most_live(graph, limits.max_step_tokens, limits.max_sequences) * each
        return MemoryPlan(weights, kv, activations, min(scores, _MOST_SCORES) + logits, 0)

    def compile(self, graph: Graph, limits: Limits, folder: Path) -> Program:
        """Writes nothing; the device need not be here."""
        begun = time.perf_counter()
        self.dtype(limits)
        return make_program(self, graph, limits, target=self.kind, toolchain=_toolchain(), begun=begun)

    def load(self, program: Program, weights: Mapping[str, np.ndarray]) -> tuple[Session, LoadReport]:
        device = self.need_device()
        check_program(self, program, toolchain=_toolchain())
        unused = check_weights(program.graph.tensors, weights)

        import torch

        from seodang.backends.torch_session import TorchSession, take_tensors

        dtype, wide = _type(self.dtype(program.limits)), wide_tensors(program.graph)
        held = take_tensors(program.graph, weights, device, lambda name: torch.float32 if name in wide else dtype)
        report = LoadReport(tuple(held), unused, sum(values.nbytes for values in held.values()))
        return TorchSession(program.graph, program.limits, held, device, dtype), report

    def run(self, node: Node, inputs: Sequence[np.ndarray], weights: Mapping[str, np.ndarray], dtype: str) -> np.ndarray:
        """See the contract's `RunsOperators`."""
        if node.op not in OPERATORS:
            raise Unsupported(f"no operator `{node.op}`", where=self.name, hint=f"there are: {', '.join(OPERATORS)}")
        device = self.need_device()
        computed = self.dtype(Limits(dtype=dtype))

        from seodang.backends.torch_session import run_node

        return run_node(node, inputs, weights, device, _type(computed), _WIDE if node.op == "router" else frozenset())

    @contextmanager
    def join(self, rank: int, size: int, meeting: Path) -> Generator[Collectives]:
        """A group by torch.distributed: gloo on processors; NCCL on accelerators, of which each rank has its own."""
        self.need_device()

        from seodang.backends.torch_group import TorchGroup

        with TorchGroup(rank, size, meeting, self.kind) as group:
            yield group

    def dtype(self, limits: Limits) -> str:
        """The type that is stored. Unsupported for one that is not in `BYTES`."""
        told = self.usual if limits.dtype == "auto" else limits.dtype
        if told not in BYTES:
            raise Unsupported(f"values of type {told}", where=self.name, hint=f"there are: {', '.join(BYTES)}")
        return told

    def need_device(self) -> str:
        """The first device. DeviceAbsent where there is none."""
        probe = self.probe()
        if not probe.devices:
            raise DeviceAbsent(probe.reason, where=self.name, hint="`seodang devices` lists what is here")
        return probe.devices[0]


class TorchCpuBackend(TorchBackend):
    """This machine's processor."""

    name = "torch_cpu"
    kind = "cpu"
    usual = "float32"

    def probe(self) -> Probe:
        if util.find_spec("torch") is None:
            return Probe((), f"PyTorch is not installed ({_INSTALL})")
        return Probe(("cpu",), f"PyTorch {version('torch')} is here")

    def describe(self, device: str) -> Description:
        if device != "cpu":
            raise DeviceAbsent(f"no device `{device}`", where=self.name, hint="there is: cpu")
        return describe_host()


class TorchCudaBackend(TorchBackend):
    """NVIDIA's accelerators; the first one holds the session."""

    name = "torch_cuda"
    kind = "cuda"
    usual = "bfloat16"

    def probe(self) -> Probe:
        if util.find_spec("torch") is None:
            return Probe((), f"PyTorch is not installed ({_INSTALL})")
        try:
            return _probe_cuda()
        except (ImportError, OSError, RuntimeError) as error:
            return Probe((), f"PyTorch cannot be asked for devices: {error}")

    def describe(self, device: str) -> Description:
        if device not in self.probe().devices:
            raise DeviceAbsent(f"no device `{device}`: {self.probe().reason}", where=self.name, hint="`seodang devices` lists what is here")

        from seodang.backends.torch_device import describe_accelerator

        return describe_accelerator(device)


def wide_tensors(graph: Graph) -> frozenset[str]:
    """Tensors that are held in float32 whatever the type is: those of routers."""
    return frozenset(node.weights[role] for node in graph.nodes if node.op == "router" for role in _WIDE if role in node.weights)


_MOST_SCORES = 4 << 24  # bytes: what torch_operators.TILE is in float32


def _toolchain() -> str:
    try:
        return f"torch {version('torch')}"
    except ModuleNotFoundError as error:
        raise BackendError("PyTorch is not installed", hint=_INSTALL) from error


def _type(name: str) -> "torch.dtype":
    import torch

    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[name]


def _probe_cuda() -> Probe:
    """Why there is no accelerator: no CUDA in this build of PyTorch, no driver, or no device."""
    import torch

    if torch.version.cuda is None:
        return Probe((), f"PyTorch {torch.__version__} is a build without CUDA")
    count = torch.cuda.device_count()
    if count:
        names = ", ".join(torch.cuda.get_device_name(place) for place in range(count))
        return Probe(tuple(f"cuda:{place}" for place in range(count)), f"PyTorch {torch.__version__}, CUDA {torch.version.cuda}: {names}")
    if not Path("/proc/driver/nvidia/version").is_file():
        return Probe((), f"PyTorch {torch.__version__} has CUDA {torch.version.cuda}, but there is no NVIDIA driver")
    return Probe((), f"PyTorch {torch.__version__} has CUDA {torch.version.cuda} and there is a driver, but no device that may be used")
