"""What takes up space below the runs' folder: the runs, and the entries of their store with who uses them. And how it is removed."""

import fcntl
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seodang.core.artifact import Artifact
from seodang.core.errors import InputError
from seodang.core.files import read_json, storage_errors
from seodang.core.hashing import digest_file
from seodang.models.openai_http import OpenAIHTTPTeacher
from seodang.models.source import LocalTeacher
from seodang.pipeline.workspace import LEDGERS, REMOTE_ANSWERS, RUN_FILE, TARGET_CACHES, Run, Workspace, read_run

CACHES = (
    "models",
    REMOTE_ANSWERS,
    TARGET_CACHES,
    "targets",
    "wheels",
)  # made or fetched again when needed; `targets` cannot do without its cache


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run. `score` is the distilled student's share of right answers, None before the end; `num_bytes` of its own folder."""

    name: str
    finished: bool
    score: float | None
    num_bytes: int
    folder: Path


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """One entry of the store, of a step or a cache, with the names of the runs that refer to it."""

    kind: str
    folder: Path  # or a file
    num_bytes: int
    runs: tuple[str, ...]


def list_runs(workspace: Workspace) -> list[StoredRun]:
    """The runs by name."""
    return [_stored_run(run) for run in _open_runs(workspace)]


def list_store(workspace: Workspace) -> list[StoredEntry]:
    """The entries of the store, by kind and name."""
    users: dict[tuple[str, str], list[str]] = {}
    for run in _open_runs(workspace):
        for key in _references(run):
            users.setdefault(key, []).append(run.folder.name)
    entries: list[StoredEntry] = []
    for kind in sorted(path for path in workspace.store.iterdir() if path.is_dir()) if workspace.store.is_dir() else []:
        for path in sorted(kind.iterdir()):
            name = digest_file(path) if kind.name == "wheels" and path.is_file() else path.name
            entries.append(StoredEntry(kind.name, path, num_bytes(path), tuple(users.get((kind.name, name), ()))))
    return entries


def choose(
    workspace: Workspace, *, run: str | None = None, unused: bool = False, caches: bool = False
) -> tuple[list[StoredRun], list[StoredEntry]]:
    """What would be removed: a run with the entries that only it refers to, the entries that no run refers to, all caches.

    InputError where there is no such run.
    """
    runs, entries = list_runs(workspace), list_store(workspace)
    if run is not None and run not in [found.name for found in runs]:
        known = ", ".join(found.name for found in runs) or "none"
        raise InputError(f"no run `{run}`", where=str(workspace.root), hint=f"runs there: {known}")
    chosen = [
        entry
        for entry in entries
        if (unused and not entry.runs) or (caches and entry.kind in CACHES) or (run is not None and entry.runs == (run,))
    ]
    return [found for found in runs if found.name == run], chosen


def remove(runs: Sequence[StoredRun], entries: Sequence[StoredEntry]) -> list[StoredEntry]:
    """Removes runs and entries from the disk. Returns the entries that another process is working on: they stay."""
    kept = [entry for entry in entries if _in_use(entry.folder)]
    for entry in entries:
        if entry not in kept:
            with storage_errors(entry.folder):
                # The manifest goes first: what a kill leaves behind counts as unfinished.
                (entry.folder / "manifest.json").unlink(missing_ok=True) if entry.folder.is_dir() else None
                shutil.rmtree(entry.folder) if entry.folder.is_dir() else entry.folder.unlink(missing_ok=True)
    for run in runs:
        with storage_errors(run.folder):
            shutil.rmtree(run.folder)
    return kept


def num_bytes(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; links are not followed."""
    files: Collection[Path] = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file() and not p.is_symlink()]
    return sum(file.stat().st_size for file in files)


def _open_runs(workspace: Workspace) -> list[Run]:
    return [read_run(path.parent) for path in sorted(workspace.root.glob(f"*/{RUN_FILE}"))]


def _stored_run(run: Run) -> StoredRun:
    report = run.folder / "report.json"
    finished = report.is_file() and all(run.artifact(row["name"]).done for row in run.row["steps"])
    arms: list[dict[str, Any]] = read_json(report)["arms"] if finished else []
    score = next((arm["score"] for arm in arms if arm["name"] == "distilled"), None)
    return StoredRun(run.folder.name, finished, score, num_bytes(run.folder), run.folder)


def _references(run: Run) -> set[tuple[str, str]]:
    """The entries that a run refers to, as kind and name; a wheel's name is its SHA-256."""
    recipe = run.row["recipe"]
    found = {(row["name"].split(".", 1)[0], row["key"][:16]) for row in run.row["steps"]}
    found |= {(LEDGERS, row["key"][:16]) for row in run.row["steps"] if row["name"] == "build"}
    sources = [source for source in (recipe["teacher"], recipe["student_model"], run.row["student_source"]) if source]
    found |= {("wheels", source["sha256"]) for source in [*sources, *recipe["documents"]] if source.get("sha256")}
    found |= {("wheels", part["sha256"]) for source in sources for part in source.get("parts", ())}
    found |= {("models", LocalTeacher(**source).key()[:16]) for source in sources if source.get("package") or source.get("parts")}
    if any(source.get("chat_template") for source in sources):
        found |= {("models", folder.name) for folder in run.folder.parent.glob(".store/models/*") if _has_template(folder)}
    captured = [run.artifact(row["name"]) for row in run.row["steps"] if row["name"].split(".")[0] == "targets"]
    found |= {(TARGET_CACHES, artifact.manifest["summary"]["cache"]) for artifact in captured if artifact.done}
    if recipe["teacher"]["kind"] == "openai_http":
        found.add((REMOTE_ANSWERS, OpenAIHTTPTeacher(**recipe["teacher"]).key()[:16]))
    return found


def _has_template(model: Path) -> bool:
    """Whether a recipe's chat template was put into this model's folder."""
    artifact = Artifact(model)
    return artifact.done and "template" in artifact.manifest["summary"]


def _in_use(folder: Path) -> bool:
    lock = folder / ".lock"
    if Artifact(folder).done or not lock.is_file():
        return False
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
