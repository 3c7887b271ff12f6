"""A model of ours on a port of this machine, and another program that asks it."""

import subprocess
import sys
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError, ModelError
from seodang.models.local import LocalModel, use_threads
from seodang.pipeline.open_model import open_model
from seodang.pipeline.plain_name import plain_name
from seodang.pipeline.workspace import Workspace
from seodang.serving.section import ServeSection
from seodang.serving.server import address_of, make_server, open_port

_STARTS_WITHIN_S = 30
_PIECE = 1 << 12  # bytes of a program's words


def refuse_without(module: str, interpreter: str, install: str) -> None:
    """InputError where a Python interpreter cannot import `module`."""
    if subprocess.run([interpreter, "-c", f"import {module}"], capture_output=True, check=False).returncode:
        hint = f"`{install}` into it, or name the Python that has it with `--python`"
        raise InputError(f"{module.replace('_', '-')} is not installed", where=interpreter, hint=hint)


def open_for_client(spec: str, root: Path) -> LocalModel:
    """The model that is served. ModelError for one behind an endpoint, which a client can ask itself."""
    model = open_model(spec, Workspace(root).store)
    if not isinstance(model, LocalModel):
        hint = "give the other harness the endpoint's own address"
        raise ModelError("only a model with weights here is served", where=spec, hint=hint)
    return model


def known_of(model: LocalModel) -> dict[str, Any]:
    """What a client of a served model cannot tell of it: its name, of which it sees the plain form, and its identity."""
    return {"model": model.name, "identity": model.identity}


def run_client(command: Sequence[str], environment: Mapping[str, str] | None = None) -> tuple[int, str]:
    """A program's exit code and its last line. What it says is passed on to standard error while it runs."""
    said = b""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0, env=environment) as process:
        assert process.stdout is not None
        while piece := process.stdout.read(_PIECE):
            sys.stderr.write(piece.decode(errors="replace"))
            sys.stderr.flush()
            said = (said + piece)[-_PIECE:]
    lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
    return process.returncode, lines[-1] if lines else "it said nothing"


@contextmanager
def served(model: LocalModel) -> Generator[str]:
    """The address at which a model is served under its plain name while the block lasts."""
    section = ServeSection(port=0, max_prompt_tokens=1_000_000, max_new_tokens=1_000_000, queue_size=4096, request_timeout_s=86_400)
    server = make_server({plain_name(model.name): model}, section)
    use_threads(section.num_threads)
    with open_port(section) as listener:
        thread = threading.Thread(target=lambda: server.run(sockets=[listener]), daemon=True)
        thread.start()
        began = time.monotonic()
        while not server.started:
            if not thread.is_alive() or time.monotonic() - began > _STARTS_WITHIN_S:
                raise InputError("the server does not start", hint="`seodang serve` says why")
            time.sleep(0.05)
        try:
            yield address_of(listener)
        finally:
            server.should_exit = True
            thread.join()
