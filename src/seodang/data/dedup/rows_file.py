"""A file without its duplicates, and beside it what was removed and why: together they are the file as it was."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from seodang.core.errors import InputError
from seodang.core.files import storage_errors
from seodang.data.dedup.clusters import Duplicate, find_duplicates
from seodang.data.lines_file import LinesFile
from seodang.data.row_text import Texts


@dataclass(frozen=True, slots=True)
class Removal:
    """Counts that add up: kept + removed_exact + removed_near = input. `clusters` are the kept rows that displaced others."""

    input: int
    kept: int
    removed_exact: int
    removed_near: int
    clusters: int


def removed_path(out: Path) -> Path:
    """Beside `OUT.jsonl`, `OUT.removed.jsonl`."""
    return out.with_name(f"{out.stem}.removed{out.suffix}")


def write_without_duplicates(source: Path, out: Path, threshold: float, field: str | None, workers: int) -> Removal:
    """Writes the kept rows, byte for byte and in order, and the removed ones with reason, the line kept for each and the exact similarity.

    InputError where a file would be written over the one that is read.
    """
    if source.resolve() in (out.resolve(), removed_path(out).resolve()):
        raise InputError("would be written over the file that is read", where=str(out), hint="name another file to write")
    with LinesFile(source) as lines:
        found = find_duplicates(Texts(lines, field), threshold, workers=workers)
        gone = {duplicate.index for duplicate in found}
        write_lines(removed_path(out), (_removed(lines, duplicate) for duplicate in found))
        write_lines(out, (lines.line(index) for index in range(len(lines)) if index not in gone))
        exact = sum(duplicate.exact for duplicate in found)
        return Removal(len(lines), len(lines) - len(found), exact, len(found) - exact, len({duplicate.kept for duplicate in found}))


def _removed(lines: LinesFile, duplicate: Duplicate) -> bytes:
    told = {
        "line": lines.number(duplicate.index),
        "reason": "exact" if duplicate.exact else "near",
        "kept_line": lines.number(duplicate.kept),
        "similarity": duplicate.similarity,
        "row": lines.row(duplicate.index),
    }
    return json.dumps(told, ensure_ascii=False).encode("utf-8", "surrogatepass")


def write_lines(path: Path, lines: Iterable[bytes]) -> None:
    """Whole or absent: by way of a temporary neighbour and a rename."""
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            with temporary.open("wb") as file:
                file.writelines(line + b"\n" for line in lines)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
