"""Checks in a process of their own, so that a backend's crash or hang costs one finding and not the certificate."""

import multiprocessing
from collections.abc import Generator
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from seodang.backends.registry import open_backend
from seodang.testbed.certify.certificate import About
from seodang.testbed.certify.finding import Finding
from seodang.testbed.certify.run import Asked, examine
from seodang.testbed.certify.subject import open_model

PATIENCE_S = 900.0  # for one check; the slowest, level 1 on a slow processor, needs a fifth of it
START_S = 600.0  # for the process to begin, with whatever a backend imports
Place = tuple[int, str, str]


def isolated(backend: str, asked: Asked, patience_s: float = PATIENCE_S) -> Generator[About | Finding]:
    """What a backend is, by its name, and the findings. Where the process dies or goes on for longer than `patience_s`, and a steady
    state's time, that check is a FAIL and another process takes the rest."""
    left = asked.places()
    while left:
        process, ours = _start(backend, asked, left)
        begun = False
        try:
            while left:
                said, fault = _next(ours, process, patience_s + asked.steady_s if begun else START_S)
                if isinstance(said, About):
                    begun = True
                    yield said
                    continue
                place = left.pop(0)
                if said is None:
                    yield _lost(*place, asked, fault)
                    break
                yield said
        finally:
            process.kill()
            process.join()
            ours.close()


def _start(backend: str, asked: Asked, places: list[Place]) -> tuple[SpawnProcess, Connection]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(theirs, backend, asked, places), daemon=False)
    process.start()
    theirs.close()
    return process, ours


def _work(pipe: Connection, backend: str, asked: Asked, places: list[Place]) -> None:
    for said in examine(open_backend(backend), asked, places):
        pipe.send(said)


def _next(pipe: Connection, process: SpawnProcess, patience_s: float) -> tuple[About | Finding | None, str]:
    if not pipe.poll(patience_s):
        return None, f"did not finish in {patience_s:.0f} s"
    try:
        return pipe.recv(), ""
    except EOFError:
        process.join()
        return None, f"the process died with exit code {process.exitcode}"


def _lost(level: int, whose: str, check: str, asked: Asked, fault: str) -> Finding:
    """What can be said of a check whose process is gone."""
    if whose == "own" and asked.model is not None:
        family, model = open_model(asked.model)
        name, synthetic = model.name, False
    else:
        family, name, synthetic = whose, f"tiny-{whose}", True
    expected = "a typed error, and a process that goes on"
    return Finding(level, check, family, name, "FAIL", fault, expected, "run this level alone under a debugger", (), synthetic)
