"""Files of JSON lines that people bring, read without holding them in memory. Which texts a row holds says `row_text`."""

import json
from codecs import BOM_UTF8
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError


class LinesFile:
    """The rows of a file of JSON lines by number, read from the disk when they are asked for; blank lines are no rows.

    Holds 16 bytes a row. `line(i)` is the row's bytes without the line's end, `number(i)` its line from 1, `row(i)` its value.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with _reading_errors(path):
            self._file = path.open("rb")
        self._places: list[int] = []
        self._numbers: list[int] = []
        place = 0
        for number, line in enumerate(self._file, start=1):
            if line.strip():
                self._places.append(place)
                self._numbers.append(number)
            place += len(line)

    def __enter__(self) -> "LinesFile":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._places)

    def number(self, index: int) -> int:
        return self._numbers[index]

    def line(self, index: int) -> bytes:
        self._file.seek(self._places[index])
        return self._file.readline().rstrip(b"\r\n")

    def row(self, index: int) -> Mapping[str, Any]:
        """InputError names the line that is not a JSON object."""
        return row_of_line(self.line(index), self.where(index))

    def where(self, index: int) -> str:
        return f"{self.path}:{self._numbers[index]}"


def numbered_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Each row of a file with its line from 1, in one pass, so that the file may be a pipe. InputError names the line that is no row."""
    with _reading_errors(path), path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, row_of_line(line, f"{path}:{number}")


def row_of_line(line: bytes, where: str) -> Mapping[str, Any]:
    """The row that a line holds, with or without a byte order mark. InputError for one that is not a JSON object."""
    try:
        row = json.loads(line.decode("utf-8-sig" if line.startswith(BOM_UTF8) else "utf-8"))
    except UnicodeDecodeError as error:
        raise InputError("not UTF-8 text", where=where, hint="save the file as UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON ({getattr(error, 'msg', error)})", where=where, hint="one JSON object a line") from error
    if not isinstance(row, dict):
        raise InputError(
            "not a row: a JSON object is needed", where=where, hint="one JSON object a line, such as a question and its answer"
        )
    return row


@contextmanager
def _reading_errors(path: Path) -> Generator[None]:
    """Turns what the operating system says of a path that cannot be opened into an InputError."""
    try:
        yield
    except FileNotFoundError as error:
        raise InputError("file not found", where=str(path), hint="check the path; it starts where you are") from error
    except IsADirectoryError as error:
        raise InputError("a folder, not a file", where=str(path), hint="name a file of JSON lines") from error
    except PermissionError as error:
        raise InputError("may not be read", where=str(path), hint="give yourself the right to read it") from error
