"""Records that anyone brings: JSON lines in the forms that other tools write."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError
from seodang.core.records import Record
from seodang.data.language import guess_language
from seodang.data.lines_file import numbered_rows
from seodang.data.misspelt_keys import misspelt_key
from seodang.data.row_shapes import spoken_in_row

_TEXTS = ("action", "author", "reasoning", "domain", "capability")
_LISTS = ("passages", "samples")
_OWN = (*_LISTS, *_TEXTS, "truth")
_KEYS = (*_OWN, "kind", "language", "turns")


def read_numbered_records(path: Path) -> list[tuple[int, Record]]:
    """One record for each line that is not blank, in order, with the line's number from 1. InputError names the line that is none."""
    return [(number, record_of_row(row, f"{path}:{number}")) for number, row in numbered_rows(path)]


def record_of_row(row: Mapping[str, Any], where: str) -> Record:
    """The record that a row stands for. InputError names the place of one that is none, and a key that is nearly one of a record's."""
    _refuse_types(row, where)
    if found := misspelt_key(row, _KEYS):
        raise InputError(f"unknown key `{found[0]}`", where=where, hint=f"did you mean `{found[1]}`?")
    question, answer, turns = spoken_in_row(row, where)
    own = {name: row[name] for name in _OWN if name in row}
    language = row.get("language") or guess_language(f"{question} {answer}")
    spoken = {"question": question, "answer": answer, "turns": turns, "language": language}
    return Record.from_row({"kind": row.get("kind", "sample"), "passages": (), **own, **spoken})


def _refuse_types(row: Mapping[str, Any], where: str) -> None:
    """InputError names the first field that is of another type than a record's."""
    faults = [(name, "a text") for name in (*_TEXTS, "kind", "language") if not isinstance(row.get(name, ""), str)]
    faults += [(name, "a list of texts") for name in _LISTS if not _is_list(row.get(name, []), str)]
    faults += [("truth", "a JSON object")] * (not isinstance(row.get("truth", {}), dict))
    faults += [("turns", "a list of messages, each an object")] * (not _is_list(row.get("turns", []), dict))
    if faults:
        name, needed = faults[0]
        raise InputError(
            f"`{name}` must be {needed}, not {json.dumps(row[name], ensure_ascii=False)[:60]}", where=where, hint="mend that line"
        )


def _is_list(value: Any, kind: type) -> bool:
    return isinstance(value, list) and all(isinstance(one, kind) for one in value)
