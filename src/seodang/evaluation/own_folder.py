"""Whether a folder may hold an evaluation: one that has another's files in it is never written to."""

import re
from pathlib import Path
from typing import Any

from seodang.core.artifact import MANIFEST
from seodang.core.errors import InputError
from seodang.core.files import read_json
from seodang.evaluation.result import ITEMS, RESULTS, STEP

_JOURNAL = re.compile(r"\.?[0-9a-f]{16}\.jsonl(?:\.\d+\.tmp)?")  # a journal of replies, or what a kill left of one
_OWN = re.compile(rf"\.lock|partial|{ITEMS}|{RESULTS}|\.(?:{ITEMS}|{RESULTS}|{MANIFEST})\.\d+\.tmp")
_HINT = "name another folder with `--out`, or remove this one"


def told_in(folder: Path) -> dict[str, Any]:
    """The manifest of the evaluation that is finished in a folder; empty where there is none, or the manifest is another program's."""
    if not (folder / MANIFEST).is_file():
        return {}
    try:
        told = read_json(folder / MANIFEST)
    except InputError:
        return {}
    return told if isinstance(told, dict) and told.get("step") == STEP and "key" in told else {}


def refuse_foreign(folder: Path, key: str) -> None:
    """InputError unless an evaluation may be kept here: the folder is absent or empty, holds the evaluation of this key, or what one left
    that was interrupted."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError("a file, not a folder", where=str(folder), hint="name a folder with `--out`")
    if (folder / MANIFEST).is_file():
        told = told_in(folder)
        if not told:
            raise InputError("another kind of work is kept here: its manifest is no evaluation's", where=str(folder), hint=_HINT)
        if told["key"] != key:
            raise InputError("another evaluation is kept here: its model, task or options differ", where=str(folder), hint=_HINT)
    elif any(folder.iterdir()) and not _is_unfinished(folder):
        raise InputError(
            "files are here that no evaluation wrote",
            where=str(folder),
            hint="name a new or empty folder with `--out`: an evaluation writes its own items.jsonl, results.jsonl and manifest.json",
        )


def _is_unfinished(folder: Path) -> bool:
    """Whether an interrupted evaluation left this: a journal of replies, or before there was one its lock and its own files alone."""
    partial, lock = folder / "partial", folder / ".lock"
    kept = [path.name for path in partial.iterdir()] if partial.is_dir() else []
    if not all(_JOURNAL.fullmatch(name) for name in kept):
        return False
    begun = lock.is_file() and not lock.stat().st_size and all(_OWN.fullmatch(path.name) for path in folder.iterdir())
    return bool(kept) or begun
