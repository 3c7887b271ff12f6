"""What people read when something goes wrong: one line, a hint, an exit code, and never a traceback."""

import os
import sys
import tempfile
import time
import traceback
from pathlib import Path

import click

from seodang.core.errors import ModelError, SeodangError, StorageError, one_line
from seodang.core.files import storage_errors
from seodang.pipeline.workspace import DEFAULT_ROOT

INTERNAL_FAULT = 70
_EXTRAS = {
    "train": ("torch", "transformers", "safetensors", "gguf", "tensorboardX"),
    "edge": ("xllamacpp",),
    "serve": ("fastapi", "uvicorn", "starlette"),
    "data": ("jsonschema", "llguidance", "math_verify", "phonenumbers", "pyarrow", "pypdf", "docx", "reasoning_gym"),
    "cluster": ("ray",),
}


def as_told(error: Exception) -> SeodangError | None:
    """An error of ours, for what a user can mend: a missing extra, or a refusal of the operating system. None: a fault of seodang."""
    if isinstance(error, SeodangError):
        return error
    if isinstance(error, ModuleNotFoundError):
        extra = next((name for name, modules in _EXTRAS.items() if (error.name or "").split(".")[0] in modules), None)
        return ModelError(f"`{error.name}` is not installed", hint=f"pip install 'seodang[{extra}]'") if extra else None
    if "no space left on device" in str(error).lower() and not isinstance(error, OSError):
        error = OSError(28, "No space left on device")  # libraries pass it on as text
    if isinstance(error, OSError):
        try:
            with storage_errors(Path(str(error.filename or "."))):
                raise error
        except StorageError as known:
            return known
        except OSError:
            if error.filename is not None and error.strerror:
                return StorageError(error.strerror.lower(), where=str(error.filename), hint="check that path; finished work is kept")
    return None


def tell_usage(error: click.ClickException) -> None:
    """Prints a wrong way to call a command."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context is not None else "seodang"
    click.echo(f"error: {one_line(error.format_message())}\nhint: `{path} --help` says how it is called", err=True)


def tell_fault(error: BaseException) -> None:
    """Prints one line about a fault of seodang's own, and writes the traceback to a file."""
    text = "".join(traceback.format_exception(error))
    place = next((str(path) for path in _places() if _written(path, text)), "nowhere: no folder could be written")
    summary = one_line(f"{type(error).__name__}: {error}")[:200]
    click.echo(f"error: internal fault: {summary}\nhint: this is a fault of seodang; please report it with {place}", err=True)


def silence_pipe() -> None:
    """After the reader of our output has gone: Python would complain once more when it flushes."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _places() -> list[Path]:
    store = DEFAULT_ROOT / ".store"
    name = f"seodang-fault-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    return [*([store / "faults" / name] if store.is_dir() else []), Path(name), Path(tempfile.gettempdir()) / name]


def _written(path: Path, text: str) -> bool:
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError:
        return False
    return True
