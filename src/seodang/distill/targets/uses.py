"""Who used a cache: every step that captured into it or was taught from it, and what a folder of caches tells of itself."""

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError
from seodang.core.files import Journal
from seodang.distill.targets.folder import INDEX, TEACHER, USES, read_certificates, read_teacher


def record_use(folder: Path, *, run: str, step: str, key: str, student: str | None, num_sequences: int, num_reused: int) -> None:
    """Tells the cache that a step used it; once for each step's key, which names the work. `num_reused` were there before the step."""
    with closing(Journal(folder / USES)) as journal:
        unit = f"{run} {step} {key}"
        if unit not in journal:
            row = {"run": run, "step": step, "student": student, "num_sequences": num_sequences, "num_reused": num_reused}
            journal.append(unit, row)


def find_caches(root: Path) -> list[Path]:
    """The caches in a folder of them, by name."""
    return sorted(path.parent for path in root.glob(f"*/{INDEX}"))


def open_folder(cache: Path, root: Path) -> Path:
    """A cache by its folder or by its name, or the beginning of one, below `root`. InputError where there is none, or several."""
    if (cache / INDEX).is_file():
        return cache
    near = [path for path in find_caches(root) if path.name.startswith(str(cache))]
    if len(near) == 1:
        return near[0]
    known = ", ".join(path.name for path in near or find_caches(root))
    hint = f"caches there: {known}" if known else "a recipe with the arm `distilled` makes one"
    raise InputError("several caches begin like this" if near else "no cache of targets here", where=str(cache), hint=hint)


def describe_cache(folder: Path) -> dict[str, Any]:
    """Sizes, certificates, uses and hits of one cache. A hit is a sequence that a step asked for and found."""
    shards, uses = _read(folder / INDEX), _read(folder / USES)
    certificates = {str(sorted(row["codec"].items())): row for row in read_certificates(folder)}
    codecs: dict[str, dict[str, Any]] = {}
    for shard in shards:
        name = str(sorted(shard["codec"].items()))
        row = codecs.setdefault(name, {**_nothing(), "codec": shard["codec"], "certificate": certificates.get(name)})
        _add(row, [shard])
    for row in codecs.values():
        row["bytes_per_token"] = round(row["bytes"] / max(1, row["num_tokens"]), 2)
    asked, found = (sum(use[name] for use in uses) for name in ("num_sequences", "num_reused"))
    return {
        "cache": folder.name,
        "folder": str(folder),
        "teacher": read_teacher(folder) if (folder / TEACHER).is_file() else None,
        **_add(_nothing(), shards),
        "codecs": list(codecs.values()),
        "hits": {"asked": asked, "found": found, "captured": asked - found},
        "uses": uses,
    }


def _read(path: Path) -> list[dict[str, Any]]:
    """A journal's values, without opening it for writing: a step may be at work. A line that is not whole yet is left out."""
    if not path.is_file():
        return []
    text = path.read_bytes().decode()
    return list({row["unit"]: row["value"] for row in map(json.loads, text[: text.rfind("\n") + 1].splitlines())}.values())


def _nothing() -> dict[str, Any]:
    return {"num_sequences": 0, "num_tokens": 0, "bytes": 0}


def _add(row: dict[str, Any], shards: Sequence[dict[str, Any]]) -> dict[str, Any]:
    for shard in shards:
        row["num_sequences"] += len(shard["keys"])
        row["num_tokens"] += sum(shard["lengths"])
        row["bytes"] += shard["bytes"]
    return row
