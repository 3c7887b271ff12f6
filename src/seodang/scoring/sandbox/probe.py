"""Tried from inside a job: what of the outside can be reached. Nothing is taken for granted from having been asked for."""

import os
import socket
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def find_out(outside: Mapping[str, Any]) -> dict[str, bool]:
    """What could be done, by name; each is True where the attempt went through.

    `outside` names a file that exists outside and may be read there by anybody, a folder that may be written to, a process that runs, and
    the port of a server that listens on loopback.
    """
    attempts: dict[str, Callable[[], object]] = {
        "read_file": lambda: Path(outside["file"]).read_bytes(),
        "write_file": lambda: Path(outside["folder"], "probe").touch(),
        "connect": lambda: socket.create_connection(("127.0.0.1", outside["port"]), 1).close(),
        "unix_socket": lambda: socket.socket(socket.AF_UNIX).connect(outside["socket"]),
        "start_process": _fork,
        "signal_process": lambda: os.kill(outside["process"], 0) if outside["process"] != os.getpid() else _refused(),
        "see_processes": lambda: Path(f"/proc/{outside['process']}/status").read_bytes(),
        "write_scratch": _scratch,
        "import_library": lambda: __import__("colorsys"),
    }
    return {name: _works(attempt) for name, attempt in attempts.items()}


def _works(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except (OSError, ImportError):
        return False
    return True


def _fork() -> None:
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)


def _refused() -> None:
    raise PermissionError


def _scratch() -> None:
    with tempfile.TemporaryFile(dir=".") as file:
        file.write(b"scratch")
