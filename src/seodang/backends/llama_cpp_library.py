"""llama.cpp's C interface, as far as a session needs it, in the library that the wheel `xllamacpp` brings along.

The wheel's own Python interface gives no logits and no caches, but its library exports llama.cpp's functions (`llama.h`). Their settings
are structures whose fields change from version to version: the ones below are of llama.cpp build 11549, and `open_library` looks whether
the defaults of the installed one lie where they are expected, and refuses it where not.
"""

import ctypes
import importlib
import importlib.metadata
import importlib.util
from ctypes import POINTER, c_bool, c_char_p, c_float, c_int8, c_int32, c_size_t, c_uint8, c_uint32, c_uint64, c_void_p
from functools import cache
from typing import Any

from seodang.backends.contract import DeviceAbsent

F32, F16 = 0, 1  # ggml_type
NO_MMAP = 0  # llama_load_mode
FLASH_ATTENTION_OFF = 0  # llama_flash_attn_type
PADDING = 256  # cells of a sequence's cache are a multiple of it
_SPARE = ("spare", c_uint8 * 512)  # a later version may append fields; it writes them here
_HINT = "pip install 'seodang[edge]'"


class ModelParams(ctypes.Structure):
    """llama_model_params."""

    _fields_ = [
        ("devices", c_void_p),
        ("tensor_buft_overrides", c_void_p),
        ("n_gpu_layers", c_int32),
        ("split_mode", c_int32),
        ("load_mode", c_int32),
        ("lazy_mode", c_int32),
        ("main_gpu", c_int32),
        ("tensor_split", c_void_p),
        ("progress_callback", c_void_p),
        ("progress_callback_user_data", c_void_p),
        ("kv_overrides", c_void_p),
        ("vocab_only", c_bool),
        ("check_tensors", c_bool),
        ("use_extra_bufts", c_bool),
        ("no_host", c_bool),
        ("no_alloc", c_bool),
        ("load_mtp", c_bool),
        _SPARE,
    ]


class ContextParams(ctypes.Structure):
    """llama_context_params, up to `kv_unified`."""

    _fields_ = [
        ("n_ctx", c_uint32),
        ("n_batch", c_uint32),
        ("n_ubatch", c_uint32),
        ("n_seq_max", c_uint32),
        ("n_rs_seq", c_uint32),
        ("n_outputs_max", c_uint32),
        ("n_outputs_max_per_seq", c_uint32),
        ("n_threads", c_int32),
        ("n_threads_batch", c_int32),
        ("ctx_type", c_int32),
        ("rope_scaling_type", c_int32),
        ("pooling_type", c_int32),
        ("attention_type", c_int32),
        ("flash_attn_type", c_int32),
        ("rope_freq_base", c_float),
        ("rope_freq_scale", c_float),
        ("yarn_ext_factor", c_float),
        ("yarn_attn_factor", c_float),
        ("yarn_beta_fast", c_float),
        ("yarn_beta_slow", c_float),
        ("yarn_orig_ctx", c_uint32),
        ("defrag_thold", c_float),
        ("cb_eval", c_void_p),
        ("cb_eval_user_data", c_void_p),
        ("type_k", c_int32),
        ("type_v", c_int32),
        ("moe_cache_size", c_size_t),
        ("abort_callback", c_void_p),
        ("abort_callback_data", c_void_p),
        ("embeddings", c_bool),
        ("offload_kqv", c_bool),
        ("no_perf", c_bool),
        ("op_offload", c_bool),
        ("swa_full", c_bool),
        ("kv_unified", c_bool),
        _SPARE,
    ]


class Batch(ctypes.Structure):
    """llama_batch."""

    _fields_ = [
        ("n_tokens", c_int32),
        ("token", POINTER(c_int32)),
        ("embd", POINTER(c_float)),
        ("pos", POINTER(c_int32)),
        ("n_seq_id", POINTER(c_int32)),
        ("seq_id", POINTER(POINTER(c_int32))),
        ("logits", POINTER(c_int8)),
    ]


_MODEL_DEFAULTS = {"n_gpu_layers": -1, "split_mode": 1, "load_mode": -1, "main_gpu": 0, "use_extra_bufts": True, "vocab_only": False}
_CONTEXT_DEFAULTS = {
    "n_ctx": 512, "n_batch": 2048, "n_ubatch": 512, "n_seq_max": 1, "n_threads": 4, "n_threads_batch": 4, "flash_attn_type": -1,
    "rope_freq_base": 0.0, "yarn_ext_factor": -1.0, "yarn_orig_ctx": 0, "defrag_thold": -1.0, "type_k": F16, "type_v": F16,
    "embeddings": False, "offload_kqv": True, "no_perf": True, "op_offload": True, "swa_full": True, "kv_unified": False,
}  # fmt: skip
_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "llama_model_default_params": (ModelParams, []),
    "llama_context_default_params": (ContextParams, []),
    "llama_backend_init": (None, []),
    "llama_model_load_from_file": (c_void_p, [c_char_p, ModelParams]),
    "llama_model_free": (None, [c_void_p]),
    "llama_model_size": (c_uint64, [c_void_p]),
    "llama_init_from_model": (c_void_p, [c_void_p, ContextParams]),
    "llama_free": (None, [c_void_p]),
    "llama_n_ctx": (c_uint32, [c_void_p]),
    "llama_n_batch": (c_uint32, [c_void_p]),
    "llama_n_seq_max": (c_uint32, [c_void_p]),
    "llama_decode": (c_int32, [c_void_p, Batch]),
    "llama_synchronize": (None, [c_void_p]),
    "llama_get_logits_ith": (POINTER(c_float), [c_void_p, c_int32]),
    "llama_get_memory": (c_void_p, [c_void_p]),
    "llama_memory_seq_rm": (c_bool, [c_void_p, c_int32, c_int32, c_int32]),
    "llama_state_seq_get_size": (c_size_t, [c_void_p, c_int32]),
    "llama_state_seq_get_data": (c_size_t, [c_void_p, c_void_p, c_size_t, c_int32]),
    "llama_state_seq_set_data": (c_size_t, [c_void_p, c_void_p, c_size_t, c_int32]),
    "llama_log_set": (None, [c_void_p, c_void_p]),
}
_Log = ctypes.CFUNCTYPE(None, c_int32, c_char_p, c_void_p)


@_Log
def _silent(level: int, text: bytes, given: int) -> None:
    """Takes what llama.cpp would write to stderr."""


def version() -> str:
    """Of the wheel; empty where it, or the writer of GGUF files, is not installed."""
    if not (importlib.util.find_spec("xllamacpp") and importlib.util.find_spec("gguf")):
        return ""
    return importlib.metadata.version("xllamacpp")


def open_library() -> Any:
    """The library with its functions typed. DeviceAbsent where it is not installed, or is a version that is laid out otherwise."""
    found = version()
    if not found:
        raise DeviceAbsent("llama.cpp is not installed: it needs the packages xllamacpp and gguf", hint=_HINT)
    library = _typed(found)
    library.llama_log_set(ctypes.cast(_silent, c_void_p), None)
    return library


@cache
def _typed(found: str) -> Any:
    extension = importlib.import_module("xllamacpp.xllamacpp").__file__
    library = ctypes.CDLL(extension)
    try:
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except AttributeError as error:
        raise DeviceAbsent(f"xllamacpp {found} does not export llama.cpp's functions ({error})", hint=_HINT) from error
    strange = [
        name
        for given, defaults in (
            (library.llama_model_default_params(), _MODEL_DEFAULTS),
            (library.llama_context_default_params(), _CONTEXT_DEFAULTS),
        )
        for name, value in defaults.items()
        if getattr(given, name) != value
    ]
    if strange:
        raise DeviceAbsent(f"xllamacpp {found} lays its settings out otherwise ({', '.join(strange)})", hint="install xllamacpp 2026.10")
    library.llama_backend_init()
    return library
