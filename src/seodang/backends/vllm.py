"""The backend `vllm`: whole models through vLLM's offline interface, on whatever platform vLLM finds (CUDA, or vllm-rbln's plug-in).

Written against vLLM's public documentation and source (https://docs.vllm.ai: `LLM`, `SamplingParams`, `max_logprobs`), and not run: no
machine of this project has had vLLM. Each step hands over whole sequences of token ids, which vLLM's prefix cache is to recognise, and
reads back the log-probabilities of the whole vocabulary: logits up to a constant of each row.
"""

import time
from collections.abc import Mapping, Sequence
from importlib import import_module, util
from importlib.metadata import version
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
from seodang.backends.description import Description
from seodang.backends.graph import OPERATORS, Graph
from seodang.backends.host import describe_host
from seodang.backends.program import check_program, make_program
from seodang.backends.recomputing import RecomputingSession, Rows
from seodang.backends.weights import FolderWeights, check_weights, take_weight

_FAMILIES = ("llama", "latent")
_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}


class VllmBackend:
    """vLLM in this process. Weights are read by vLLM itself, from the folder of a `FolderWeights`."""

    api_version = API_VERSION
    name = "vllm"
    vendor = "vLLM"

    def probe(self) -> Probe:
        if util.find_spec("vllm") is None:
            return Probe((), "the package `vllm` is not installed (pip install vllm, or vllm-rbln for Rebellions' devices)")
        try:
            current_platform: Any = import_module("vllm.platforms").current_platform
        except (ImportError, OSError, RuntimeError) as error:
            return Probe((), f"vLLM {version('vllm')} cannot be opened: {error}")
        if current_platform.is_unspecified():
            return Probe((), f"vLLM {version('vllm')} finds no device: no driver, or no device that may be used")
        return Probe((str(current_platform.device_type),), f"vLLM {version('vllm')} on {current_platform.device_name}")

    def describe(self, device: str) -> Description:
        """Measured where the device is this processor or a CUDA device; others describe themselves in their own backend."""
        if device not in self.probe().devices:
            raise DeviceAbsent(f"no device `{device}`: {self.probe().reason}", where=self.name, hint="`seodang devices` lists what is here")
        if device == "cuda":
            from seodang.backends.torch_device import describe_accelerator

            return describe_accelerator("cuda:0")
        if device == "cpu":
            return describe_host()
        raise DeviceAbsent(f"`{device}` has no description here", where=self.name, hint="`seodang devices` lists descriptions")

    def supports(self, graph: Graph) -> list[Verdict]:
        """By the list of models in vLLM's documentation: whole models, not single operators."""
        if graph.family in _FAMILIES:
            return [
                Verdict(node.name, "native", "vLLM has this model as a whole")
                if node.op in OPERATORS
                else Verdict(node.name, "unsupported", f"no operator `{node.op}`")
                for node in graph.nodes
            ]
        return [Verdict(node.name, "unsupported", f"no model of family `{graph.family}`") for node in graph.nodes]

    def plan_memory(self, graph: Graph, limits: Limits) -> MemoryPlan:
        """What the numbers need. vLLM takes a share of the device for its cache beyond that, which it decides when it loads."""
        each = _BYTES[_dtype(limits)]
        weights = sum(int(np.prod(shape)) for shape in graph.tensors.values())
        return MemoryPlan(weights * each, sum(graph.cached) * limits.max_sequences * limits.max_context * each, 0, 0, 0)

    def compile(self, graph: Graph, limits: Limits, folder: Path) -> Program:
        """Writes nothing: vLLM compiles when it loads. DeviceAbsent where the package is not here."""
        begun = time.perf_counter()
        _dtype(limits)
        return make_program(self, graph, limits, target="vllm", toolchain=_toolchain(), begun=begun)

    def load(self, program: Program, weights: Mapping[str, np.ndarray]) -> tuple[Session, LoadReport]:
        """The report tells the tensors that were handed over; which of them vLLM's own loader used, it does not say."""
        probe = self.probe()
        if not probe.devices:
            raise DeviceAbsent(probe.reason, where=self.name, hint="`seodang devices` lists what is here")
        check_program(self, program, toolchain=_toolchain())
        graph, limits = program.graph, program.limits
        unused = check_weights(graph.tensors, weights)
        if not isinstance(weights, FolderWeights):
            raise Unsupported("weights that are not a folder", where=self.name, hint="give FolderWeights: vLLM reads the files itself")
        for name in graph.tensors:
            take_weight(graph.tensors, weights, name)
        llm, sampling = _open(weights.folder, limits)
        num_bytes = self.plan_memory(graph, limits).weights

        def logits_of(rows: Rows) -> np.ndarray:
            answers = llm.generate([{"prompt_token_ids": list(row)} for row in rows], sampling, use_tqdm=False)
            return read_logprobs([answer.outputs[0].logprobs[0] for answer in answers], graph.vocabulary)

        return RecomputingSession(program, num_bytes, logits_of), LoadReport(tuple(graph.tensors), unused, num_bytes)


def read_logprobs(told: Sequence[Mapping[int, Any]], vocabulary: int) -> np.ndarray:
    """(B, V) of vLLM's mappings from token id to an object with `logprob`. Tokens that it leaves out are minus infinity."""
    found = np.full((len(told), vocabulary), -np.inf, np.float32)
    for place, row in enumerate(told):
        for token, value in row.items():
            if token < vocabulary:
                found[place, token] = value.logprob
    return found


def _open(folder: Path, limits: Limits) -> tuple[Any, Any]:
    """The engine, and what is asked of each step: one token, with the log-probabilities of all."""
    vllm: Any = import_module("vllm")
    llm: Any = vllm.LLM(
        model=str(folder),
        skip_tokenizer_init=True,
        dtype=limits.dtype,
        max_model_len=limits.max_context + 1,  # each step also draws a token, which is not used
        max_num_seqs=limits.max_sequences,
        max_logprobs=-1,
        enable_prefix_caching=True,
    )
    return llm, vllm.SamplingParams(max_tokens=1, temperature=0.0, logprobs=-1, detokenize=False)


def _dtype(limits: Limits) -> str:
    told = "bfloat16" if limits.dtype == "auto" else limits.dtype
    if told not in _BYTES:
        raise Unsupported(f"values of type {told}", where="vllm", hint=f"there are: {', '.join(_BYTES)}")
    return told


def _toolchain() -> str:
    if util.find_spec("vllm") is None:
        raise DeviceAbsent("the package `vllm` is not installed", where="vllm", hint="pip install vllm")
    return f"vllm {version('vllm')}"
