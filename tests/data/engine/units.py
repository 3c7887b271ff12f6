"""Functions that are put to units of work, importable by name in another process."""

import os
import threading
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError


def square(shared: int, unit: int) -> int:
    return shared + unit * unit


def whimsical(shared: Any, unit: Any) -> Any:
    """Does what the unit says: ends its process, raises, refuses, waits for ever, or answers."""
    if unit == "end":
        os._exit(7)
    if unit == "raise":
        raise ValueError("it cannot be done")
    if unit == "refuse":
        raise InputError("no teacher", hint="name one")
    if unit == "wait":
        threading.Event().wait()
    return unit


def second_time_lucky(shared: str, unit: int) -> int:
    """Ends its process when it is called for the first time with a unit; `shared` is a folder for what was tried."""
    tried = Path(shared) / str(unit)
    if not tried.exists():
        tried.touch()
        os._exit(1)
    return unit
