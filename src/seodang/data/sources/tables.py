"""Tables: Parquet files, and Hugging Face data sets as `save_to_disk` leaves them. One document a row, read a batch at a time."""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError
from seodang.core.hashing import digest_bytes
from seodang.data.sources.document import LicenseEvidence
from seodang.data.sources.evidence import file_date
from seodang.data.sources.extract import Extract, missing_extra
from seodang.data.sources.found import Found, Skipped
from seodang.data.sources.places import CellRange
from seodang.data.sources.rows import read_row, wanted_columns

_BATCH_ROWS = 512
_SAVE_AGAIN = "write it again: `save_to_disk` of the package datasets does, or save it as Parquet or JSON lines"


def read_parquet(file: Found) -> Iterator[Extract | Skipped]:
    """One text for each row with one. InputError for a file that is no Parquet or has no column with a text."""
    try:
        from pyarrow import ArrowException, parquet
    except ModuleNotFoundError as error:
        raise missing_extra("pyarrow", "Parquet files", file.origin) from error
    number = 0
    with file.open() as opened:
        try:
            table = parquet.ParquetFile(opened)
            columns = wanted_columns(list(table.schema_arrow.names), file)
            for batch in table.iter_batches(batch_size=_BATCH_ROWS, columns=columns):
                yield from _rows(batch.to_pylist(), number, file)
                number += batch.num_rows
        except (ArrowException, OSError) as error:
            raise InputError(
                f"not Parquet that can be read ({_first_line(error)})", where=file.origin, hint="write the file again"
            ) from error


def read_data_set(file: Found) -> Iterator[Extract | Skipped]:
    """One text for each row with one of a split: the folder of `file`, which is its state.json. Arrow files are mapped, not loaded."""
    try:
        import pyarrow
    except ModuleNotFoundError as error:
        raise missing_extra("pyarrow", "Hugging Face data sets", file.origin) from error
    number = 0
    evidence = _dataset_license(file)
    for path in data_files(file):
        try:
            with pyarrow.memory_map(str(path)) as mapped, pyarrow.ipc.open_stream(mapped) as stream:
                columns = wanted_columns(list(stream.schema.names), file)
                for batch in stream:
                    for start in range(0, batch.num_rows, _BATCH_ROWS):
                        rows = batch.slice(start, _BATCH_ROWS).select(columns).to_pylist()
                        for found in _rows(rows, number, file):
                            yield found if isinstance(found, Skipped) else _with_evidence(found, evidence)
                        number += len(rows)
        except (pyarrow.ArrowException, OSError) as error:
            where = f"{file.origin}/{path.name}"
            raise InputError(f"not an Arrow stream that can be read ({_first_line(error)})", where=where, hint=_SAVE_AGAIN) from error


def is_data_set(path: Path) -> bool:
    """Whether a file named state.json is that of a data set."""
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(state, dict) and "_data_files" in state


def data_files(file: Found) -> list[Path]:
    """The Arrow files of a split, in order. InputError where they are not named as `save_to_disk` names them, or rows are chosen."""
    if file.member:
        raise InputError("a data set inside a package", where=file.origin, hint="name it as Parquet or JSON lines, or as a folder")
    state: Any = json.loads(file.path.read_text(encoding="utf-8"))
    if state.get("_indices_data_files"):
        raise InputError("rows of it are chosen by an index", where=file.origin, hint="`flatten_indices()` before `save_to_disk`")
    found: list[Path] = []
    for row in state["_data_files"] if isinstance(state["_data_files"], list) else [None]:
        name = row.get("filename") if isinstance(row, dict) else None
        if not isinstance(name, str) or Path(name).name != name:
            raise InputError("its state.json names no files beside it", where=file.origin, hint=_SAVE_AGAIN)
        if not (file.path.parent / name).is_file():
            raise InputError(f"its file {name} is missing", where=file.origin, hint=_SAVE_AGAIN)
        found.append(file.path.parent / name)
    return found


def _rows(rows: list[dict[str, Any]], start: int, file: Found) -> Iterator[Extract | Skipped]:
    for number, row in enumerate(rows, start=start):
        where = f"{file.origin}#{number}"
        found = read_row(row, file, where, partial(CellRange, number))
        if not found.text.strip():
            yield Skipped(where, "a row without text")
            continue
        sha256 = digest_bytes(found.text.encode())
        yield Extract(found.text, found.source, sha256, str(number), found.row_id, found.license, found.evidence)


def _dataset_license(file: Found) -> tuple[LicenseEvidence, ...]:
    """What dataset_info.json says."""
    path = file.path.with_name("dataset_info.json")
    try:
        told = json.loads(path.read_text(encoding="utf-8")).get("license")
    except (OSError, ValueError, AttributeError, RecursionError):
        return ()
    if not isinstance(told, str) or not told.strip():
        return ()
    return (LicenseEvidence("package", " ".join(told.split())[:100], f"{file.origin}/{path.name}", file_date(path)),)


def _with_evidence(found: Extract, evidence: tuple[LicenseEvidence, ...]) -> Extract:
    return replace(found, evidence=(*found.evidence, *evidence)) if evidence else found


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
