"""Programs: their fingerprint, and the check that one belongs to the backend that is to load it."""

import time
from pathlib import Path
from typing import Any

from seodang.backends.contract import Backend, Limits, Program, Unsupported
from seodang.backends.graph import Graph
from seodang.core.hashing import digest


def make_program(
    backend: Backend, graph: Graph, limits: Limits, *, target: str, toolchain: str, folder: Path | None = None, begun: float | None = None
) -> Program:
    """A program of what was compiled since `begun` (time.perf_counter). Unsupported, naming the first node, where the backend cannot run
    the graph."""
    for verdict in backend.supports(graph):
        if verdict.verdict == "unsupported":
            raise Unsupported(f"`{verdict.node}`: {verdict.reason}", where=backend.name, hint="another backend may run this model")
    seconds = 0.0 if begun is None else time.perf_counter() - begun
    return Program(backend.name, fingerprint(backend, graph, limits, toolchain), graph, limits, target, toolchain, seconds, folder)


def fingerprint(backend: Backend, graph: Graph, limits: Limits, toolchain: str) -> str:
    """SHA-256 of everything that a compiled program depends on."""
    told: dict[str, Any] = {
        "api": backend.api_version,
        "backend": backend.name,
        "graph": graph.row(),
        "limits": [limits.max_sequences, limits.max_context, limits.max_step_tokens, limits.dtype],
        "toolchain": toolchain,
    }
    return digest(told)


def check_program(backend: Backend, program: Program, *, toolchain: str) -> None:
    """Unsupported where a program was compiled by another backend, or another version of it or of its toolchain."""
    if program.backend != backend.name:
        raise Unsupported(f"a program of `{program.backend}`", where=backend.name, hint="compile it with this backend")
    if program.fingerprint != fingerprint(backend, program.graph, program.limits, toolchain):
        raise Unsupported(f"a program of {program.toolchain}; here is {toolchain}", where=backend.name, hint="compile it again")
