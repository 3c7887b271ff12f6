"""The backend `llama_cpp`: llama.cpp in this process, on this machine's processor. Whole models of the Llama layout, in float32 or float16.

A program is a recognised graph; nothing is compiled ahead. `load` writes the weights as a GGUF file, opens it and deletes it.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from seodang.backends.contract import (
    API_VERSION,
    BackendError,
    DeviceAbsent,
    Limits,
    LoadReport,
    MemoryPlan,
    OutOfMemory,
    Probe,
    Program,
    Session,
    Unsupported,
    Verdict,
    WeightsRefused,
)
from seodang.backends.description import Description
from seodang.backends.graph import Graph
from seodang.backends.host import describe_host
from seodang.backends.llama_cpp_library import F16, F32, FLASH_ATTENTION_OFF, NO_MMAP, PADDING, open_library, version
from seodang.backends.llama_cpp_session import LlamaCppSession
from seodang.backends.llama_layout import LlamaLayout, read_layout
from seodang.backends.program import check_program, make_program
from seodang.backends.weights import check_weights, take_weight
from seodang.core.processors import num_threads

_TOOLCHAIN = "GGUF 3, Llama layout 1"
_ROPE_BASE = 10_000.0  # of the file; its table of factors makes the graph's frequencies of it
_BYTES = {"auto": 4, "float32": 4, "float16": 2}
_MOST_SEQUENCES = 256
_MOST_STEP_ROWS = 512  # llama.cpp computes so many tokens at once


class LlamaCppBackend:
    """The graph is llama.cpp's own, so it is run as a whole or not at all. Each sequence has its own part of the cache."""

    api_version = API_VERSION
    name = "llama_cpp"
    vendor = "ggml-org"

    def probe(self) -> Probe:
        found = version()
        if not found:
            return Probe((), "the packages xllamacpp and gguf are not both installed: pip install 'seodang[edge]'")
        try:
            open_library()
        except (BackendError, ImportError, OSError) as error:
            return Probe((), f"{error}")
        return Probe(("cpu",), f"xllamacpp {found} is here")

    def describe(self, device: str) -> Description:
        if device not in self.probe().devices:
            raise DeviceAbsent(f"no device `{device}`", hint="there is: cpu, where xllamacpp is installed")
        host = describe_host()
        return host.model_copy(update={"note": f"{host.note}; llama.cpp of xllamacpp {version()}, {num_threads()} threads"})

    def supports(self, graph: Graph) -> list[Verdict]:
        _, faults = read_layout(graph)
        return [
            Verdict(node.name, "unsupported", faults[node.name])
            if node.name in faults
            else Verdict(node.name, "native", "part of llama.cpp's own graph of a Llama")
            for node in graph.nodes
        ]

    def plan_memory(self, graph: Graph, limits: Limits) -> MemoryPlan:
        """`reserve` is what the cache is padded by. What llama.cpp computes in is an estimate: its interface does not tell it."""
        each = _bytes(limits)
        weights = sum(int(np.prod(shape)) * (each if len(shape) > 1 else 4) for shape in graph.tensors.values())
        kv = each * sum(graph.cached) * limits.max_sequences * limits.max_context
        rows = min(limits.max_step_tokens, _MOST_STEP_ROWS)
        widest = max((shape[0] for name, shape in graph.tensors.items() if name.startswith("model.layers.")), default=0)
        heads = max((node.attributes["num_heads"] for node in graph.nodes if node.op == "attention"), default=0)
        activations = 4 * (rows * (4 * widest + heads * _padded(limits.max_context)) + limits.max_sequences * graph.vocabulary)
        return MemoryPlan(weights, kv, activations, 0, kv // limits.max_context * _padded(limits.max_context) - kv)

    def compile(self, graph: Graph, limits: Limits, folder: Path) -> Program:
        _bytes(limits)
        if limits.max_sequences > _MOST_SEQUENCES:
            raise Unsupported(f"{limits.max_sequences} sequences", where=self.name, hint=f"llama.cpp takes {_MOST_SEQUENCES}")
        return make_program(self, graph, limits, target="cpu", toolchain=_TOOLCHAIN)

    def load(self, program: Program, weights: Mapping[str, np.ndarray]) -> tuple[Session, LoadReport]:
        check_program(self, program, toolchain=_TOOLCHAIN)
        graph, limits = program.graph, program.limits
        layout, _ = read_layout(graph)
        if layout is None:
            raise Unsupported("a program of a graph that is no Llama", where=self.name, hint="compile it with this backend")
        library = open_library()
        unused = check_weights(graph.tensors, weights)
        with tempfile.TemporaryDirectory(prefix="seodang-") as folder:
            path = Path(folder) / "model.gguf"
            _write(path, layout, graph, weights, half=_bytes(limits) == 2)
            model = _open_model(library, path)
        context = _open_context(library, model, limits)
        report = LoadReport(tuple(graph.tensors), unused, library.llama_model_size(model))
        return LlamaCppSession(library, model, context, graph, limits, _bytes(limits)), report


def _bytes(limits: Limits) -> int:
    if limits.dtype not in _BYTES:
        raise Unsupported(f"type `{limits.dtype}`", where="llama_cpp", hint=f"there are: {', '.join(_BYTES)}")
    return _BYTES[limits.dtype]


def _padded(context: int) -> int:
    return -(-context // PADDING) * PADDING


def _write(path: Path, layout: LlamaLayout, graph: Graph, weights: Mapping[str, np.ndarray], *, half: bool) -> None:
    """The GGUF file, with a vocabulary of nameless tokens: a session is given ids only."""
    from seodang.backends.gguf_file import LARGEST_F16, LlamaSizes, Tensor, write_llama_file

    sizes = LlamaSizes(
        vocabulary=layout.vocabulary, hidden=layout.hidden, inner=layout.inner, layers=layout.layers, heads=layout.heads,
        kv_heads=layout.kv_heads, head_width=layout.head_width, context=layout.context, eps=layout.eps, rope_base=_ROPE_BASE,
        tied=layout.tied, biases=layout.biases,
    )  # fmt: skip
    pairs = np.arange(layout.head_width // 2)
    factors = (_ROPE_BASE ** (-2.0 * pairs / layout.head_width) / np.array(layout.frequencies)).astype(np.float32)
    rotary = Tensor("", "rope_freqs.weight", factors.shape)

    def read(tensor: Tensor) -> np.ndarray:
        if tensor is rotary:
            return factors
        values = np.asarray(take_weight(graph.tensors, weights, tensor.source), np.float32)
        if half and values.ndim > 1 and not np.abs(values).max() <= LARGEST_F16:
            raise WeightsRefused(f"`{tensor.source}` has a value that float16 cannot hold", hint="compile for float32")
        return values

    def write_metadata(writer: Any) -> None:
        sizes.write(writer, "F16" if half else "F32")
        writer.add_tokenizer_model("none")

    write_llama_file(path, [*sizes.tensors(), rotary], "F16" if half else "F32", write_metadata, read)


def _open_model(library: Any, path: Path) -> int:
    params = library.llama_model_default_params()
    params.n_gpu_layers, params.load_mode, params.use_extra_bufts = 0, NO_MMAP, False
    model = library.llama_model_load_from_file(str(path).encode(), params)
    if not model:
        raise BackendError("llama.cpp does not open the weights", where="llama_cpp", hint="is there memory for them?")
    return model


def _open_context(library: Any, model: int, limits: Limits) -> int:
    params = library.llama_context_default_params()
    half = _bytes(limits) == 2
    params.n_ctx = limits.max_sequences * _padded(limits.max_context)
    params.n_seq_max, params.n_outputs_max = limits.max_sequences, limits.max_sequences
    params.n_batch, params.n_ubatch = limits.max_step_tokens, min(limits.max_step_tokens, _MOST_STEP_ROWS)
    params.n_threads = params.n_threads_batch = num_threads()
    params.type_k = params.type_v = F16 if half else F32
    params.flash_attn_type = FLASH_ATTENTION_OFF
    context = library.llama_init_from_model(model, params)
    if not context:
        library.llama_model_free(model)
        raise OutOfMemory("llama.cpp has no room for the caches", where="llama_cpp", hint="compile for fewer or shorter sequences")
    found = library.llama_n_ctx(context), library.llama_n_seq_max(context)
    if found != (params.n_ctx, params.n_seq_max):
        library.llama_free(context)
        library.llama_model_free(model)
        raise BackendError(f"llama.cpp opened {found} cells and sequences", where="llama_cpp", hint="install xllamacpp 2026.10")
    return context
