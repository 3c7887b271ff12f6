"""Which backends there are: our own, and those that packages register under the entry point group `seodang.backends`.

One that is broken is listed with its reason and stops nobody else.
"""

import difflib
import importlib
from dataclasses import dataclass
from importlib.metadata import entry_points

from seodang.backends.contract import API_VERSION, Backend, BackendError, Probe, StandsForMany

GROUP = "seodang.backends"
_OWN = {
    "reference": "seodang.backends.reference:ReferenceBackend",
    "torch_cpu": "seodang.backends.torch_backend:TorchCpuBackend",
    "torch_cuda": "seodang.backends.torch_backend:TorchCudaBackend",
    "llama_cpp": "seodang.backends.llama_cpp:LlamaCppBackend",
    "onnx_cpu": "seodang.backends.onnx_cpu:OnnxCpuBackend",
    "emulated": "seodang.backends.emulated:EmulatedBackend",
    "vllm": "seodang.backends.vllm:VllmBackend",
    "rbln": "seodang.backends.rbln:RblnBackend",
}
_METHODS = ("probe", "describe", "supports", "plan_memory", "compile", "load")


@dataclass(frozen=True, slots=True)
class Found:
    """A backend by name. `backend` is None where it is broken, and `probe` then says why."""

    name: str
    origin: str  # seodang, or the package that brings it
    backend: Backend | None
    probe: Probe


def installed() -> list[Found]:
    """Every backend, opened and probed, our own first."""
    return [_find(name, place, "seodang") for name, place in _OWN.items()] + [
        _find(point.name, point.value, point.dist.name if point.dist else "an entry point")
        for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)
    ]


def open_backend(name: str) -> Backend:
    """The backend of that name, of `package.module:Class`, or `name:choice` of one that stands for many devices (`emulated:h200_sxm`).
    BackendError where there is none, or it is broken."""
    places = {point.name: point.value for point in entry_points(group=GROUP)} | _OWN
    known, _, choice = name.partition(":")
    if known in places:
        backend = _opened(_find(known, places[known], ""))
        return _chosen(backend, choice) if choice else backend
    if choice:
        return _opened(_find(name, name, name.partition(".")[0]))
    near = difflib.get_close_matches(name, places, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(sorted(places))}"
    raise BackendError("no backend of this name", where=name, hint=hint)


def _opened(found: Found) -> Backend:
    if found.backend is None:
        hint = "the package that brings it is to be mended; `seodang devices` lists others"
        raise BackendError(found.probe.reason, where=found.name, hint=hint)
    return found.backend


def _chosen(backend: Backend, choice: str) -> Backend:
    if not isinstance(backend, StandsForMany):
        raise BackendError(f"nothing can be chosen after `{backend.name}:`", where=choice, hint=f"open `{backend.name}`")
    return backend.choose(choice)


def _find(name: str, place: str, origin: str) -> Found:
    try:
        module, _, attribute = place.partition(":")
        backend: Backend = getattr(importlib.import_module(module), attribute)()
        version = getattr(backend, "api_version", None)
        if version != API_VERSION:
            return Found(name, origin, None, Probe((), f"made for version {version} of the contract, this is version {API_VERSION}"))
        lacking = [method for method in _METHODS if not callable(getattr(backend, method, None))]
        if lacking:
            return Found(name, origin, None, Probe((), f"has no {', '.join(lacking)}"))
        return Found(name, origin, backend, backend.probe())
    except Exception as error:  # noqa: BLE001 - whatever another package does, it stops only itself
        return Found(name, origin, None, Probe((), f"cannot be opened: {type(error).__name__}: {error}"))
