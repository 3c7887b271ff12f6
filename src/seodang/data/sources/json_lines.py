"""JSON lines: one document a line, read line by line."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from io import TextIOWrapper
from typing import Any, BinaryIO

from seodang.core.errors import InputError
from seodang.core.hashing import digest_bytes
from seodang.data.sources.extract import Extract
from seodang.data.sources.found import Found, Skipped
from seodang.data.sources.places import LineRange
from seodang.data.sources.rows import read_row
from seodang.data.text_decoding import decode_korean, mark_of

_MAX_LINE_BYTES = 64 << 20


def read_json_lines(file: Found) -> Iterator[Extract | Skipped]:
    """One text for each line with one. A line's bytes are those before its end; blank lines are none.

    InputError names the line that is no JSON object, or has no text where one should be.
    """
    with file.open() as opened:
        for number, start, line, text in _lines(opened, file.origin):
            where = f"{file.origin}:{number}"
            if not text.strip():
                continue
            row = _object(text, where)
            at = partial(_place, number=number, start=start, end=start + len(line))
            found = read_row(row, file, where, at)
            if not found.text.strip():
                yield Skipped(where, "a row without text")
                continue
            yield Extract(found.text, found.source, digest_bytes(line), str(number), found.row_id, found.license, found.evidence)


def _place(field: str, *, number: int, start: int, end: int) -> LineRange:
    return LineRange(number, field, start, end)


def _object(text: str, where: str) -> dict[str, Any]:
    try:
        row = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON ({error.msg}, column {error.colno})", where=where, hint="one JSON object a line") from error
    except (RecursionError, ValueError) as error:
        raise InputError(
            f"not JSON that can be read ({error})", where=where, hint="look for nesting without end or very long numbers"
        ) from error
    if not isinstance(row, dict):
        raise InputError("not a JSON object", where=where, hint='one JSON object a line, such as {"text": "..."}')
    return row


def _lines(file: BinaryIO, where: str) -> Iterator[tuple[int, int, bytes, str]]:
    """Each line: its number from 1, its place in the file, its bytes without the line end, and its text."""
    encoding, num_mark_bytes = mark_of(file.read(4))
    file.seek(num_mark_bytes)
    if encoding == "utf-8":
        yield from _numbered(partial(file.readline, _MAX_LINE_BYTES + 1), encoding, num_mark_bytes, where)
    else:
        with TextIOWrapper(file, encoding=encoding, newline="\n") as wide:
            yield from _numbered(partial(_next_wide, wide, encoding, where), encoding, num_mark_bytes, where)


def _numbered(read: Callable[[], bytes], encoding: str, place: int, where: str) -> Iterator[tuple[int, int, bytes, str]]:
    for number, line in enumerate(iter(read, b""), start=1):
        at = f"{where}:{number}"
        if len(line) > _MAX_LINE_BYTES:
            raise InputError(f"a line of more than {_MAX_LINE_BYTES >> 20} MiB", where=at, hint="a document a line: split it")
        text = _decoded(line, encoding, at, place)
        kept = text.removesuffix("\n").removesuffix("\r")
        ends = len(text[len(kept) :].encode(encoding))
        yield number, place, line[: len(line) - ends], kept
        place += len(line)


def _next_wide(file: TextIOWrapper, encoding: str, where: str) -> bytes:
    try:
        return file.readline(_MAX_LINE_BYTES + 1).encode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(f"not text in {encoding}", where=where, hint="save the file as UTF-8") from error


def _decoded(line: bytes, encoding: str, where: str, place: int) -> str:
    try:
        return line.decode(encoding)
    except UnicodeDecodeError as error:
        korean = decode_korean(line) if encoding == "utf-8" else None
        if korean is None:
            raise InputError(f"not text in UTF-8 (byte {place + error.start})", where=where, hint="save the file as UTF-8") from error
        return korean
