"""Files that are either whole or absent, and journals that survive a kill."""

import errno
import json
import os
import re
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError, StorageError

_TEXT = "utf-8-sig"  # UTF-8, with or without the mark that some editors put before it
_TORN = re.compile(r"\..+\.\d+\.tmp|\.tmp[A-Za-z0-9]{6}")  # `.NAME.PID.tmp`, and the temporary of safetensors


@contextmanager
def storage_errors(path: Path) -> Generator[None]:
    """Turns the operating system's refusals into a `StorageError` that names the path and the next step."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageError(
                "no space left on the disk; finished work is kept",
                where=str(path),
                hint="free some space (`seodang runs prune` removes old runs and caches), then run the same command again",
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR):
            raise StorageError("cannot be written", where=str(path), hint="choose a folder you may write to") from error
        raise


def write_atomically(path: Path, content: str | bytes) -> None:
    """Writes a file by way of a temporary neighbour and a rename: after a kill it is old or new, never torn."""
    data = content.encode() if isinstance(content, str) else content
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def remove_torn(folder: Path) -> None:
    """Removes what killed processes had half written in a folder and below it: temporaries of `write_atomically` and of safetensors, by
    the exact form of their names. Only for a folder in which no other process writes."""
    for torn in folder.rglob(".*"):
        if _TORN.fullmatch(torn.name) and torn.is_file():
            torn.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Writes `value` as indented JSON, atomically."""
    write_atomically(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_json_lines(path: Path, rows: Iterable[Any]) -> None:
    """Writes one JSON value a line, atomically."""
    write_atomically(path, "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows))


def read_json(path: Path) -> Any:
    """Reads one JSON file; InputError names the file where it is absent or broken."""
    try:
        return json.loads(path.read_text(encoding=_TEXT))
    except FileNotFoundError as error:
        raise InputError("file not found", where=str(path), hint="check the path; it starts where you are") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"not JSON ({error})", where=str(path), hint="write the file anew") from error


def read_json_lines(path: Path) -> list[Any]:
    """Reads one JSON value a line; InputError names the file and line that is broken."""
    return [row for _, row in read_numbered_json_lines(path)]


def read_numbered_json_lines(path: Path) -> list[tuple[int, Any]]:
    """The JSON value of each line that is not blank, with the line's number from 1. InputError names the line that is broken."""
    rows: list[tuple[int, Any]] = []
    try:
        text = path.read_text(encoding=_TEXT)
    except FileNotFoundError as error:
        raise InputError("file not found", where=str(path), hint="check the path; it starts where you are") from error
    except UnicodeDecodeError as error:
        raise InputError("not UTF-8 text", where=str(path), hint="save the file as UTF-8") from error
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                rows.append((number, json.loads(line)))
            except json.JSONDecodeError as error:
                raise InputError(f"not JSON ({error.msg})", where=f"{path}:{number}", hint="one JSON object a line") from error
    return rows


class Journal:
    """Finished units of work in an append-only file of JSON lines: `{"unit": key, "value": …}`.

    A kill can tear only the last line, and opening the journal drops a torn one. A value that is in the journal
    is never computed again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._values: dict[str, Any] = {}
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            whole_bytes = self._load()
            self._file = path.open("ab")
            self._file.truncate(whole_bytes)

    def _load(self) -> int:
        if not self.path.exists():
            return 0
        whole_bytes = 0
        with self.path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    break
                row = json.loads(line)
                self._values[row["unit"]] = row["value"]
                whole_bytes += len(line)
        return whole_bytes

    def __contains__(self, unit: str) -> bool:
        return unit in self._values

    def __getitem__(self, unit: str) -> Any:
        return self._values[unit]

    def __len__(self) -> int:
        return len(self._values)

    def units(self) -> list[str]:
        """The keys of the finished units, in the order in which they were finished."""
        return list(self._values)

    def append(self, unit: str, value: Any) -> None:
        """Stores a unit's value on disk before it returns."""
        line = json.dumps({"unit": unit, "value": value}, ensure_ascii=False, allow_nan=False) + "\n"
        with storage_errors(self.path):
            self._file.write(line.encode())
            self._file.flush()
            os.fsync(self._file.fileno())
        self._values[unit] = value

    def close(self) -> None:
        self._file.close()
