"""An artifact: a folder that is done when, and only when, its manifest stands in it."""

import fcntl
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seodang.core.errors import StorageError
from seodang.core.files import read_json, remove_torn, storage_errors, write_json
from seodang.core.hashing import digest_file

MANIFEST = "manifest.json"
_NOT_HASHED = {"partial", "events"}  # folders of what is unfinished, and of curves, which hold the times of their points


@dataclass(frozen=True, slots=True)
class Artifact:
    """The folder of a finished or unfinished step.

    The manifest is written last, by rename. Times and costs stand under `measured`, outside of what is hashed.
    """

    folder: Path

    @property
    def done(self) -> bool:
        return (self.folder / MANIFEST).is_file()

    @property
    def manifest(self) -> dict[str, Any]:
        return read_json(self.folder / MANIFEST)

    def finish(self, *, step: str, key: str, summary: dict[str, Any], measured: dict[str, Any], synthetic: bool) -> None:
        """Records every file's hash and marks the artifact as done. Files that a killed process had half written are removed first."""
        remove_torn(self.folder)
        files = {
            path.relative_to(self.folder).as_posix(): {"sha256": digest_file(path), "bytes": path.stat().st_size}
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and path.name not in (MANIFEST, ".lock") and _NOT_HASHED.isdisjoint(path.relative_to(self.folder).parts)
        }
        write_json(
            self.folder / MANIFEST,
            {"step": step, "key": key, "synthetic": synthetic, "summary": summary, "measured": measured, "files": files},
        )

    @contextmanager
    def locked(self) -> Generator[None]:
        """Keeps two processes from computing one artifact at once; the second is told, it does not wait."""
        with storage_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / ".lock").open("w")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise StorageError(
                    "another process is working on this step",
                    where=str(self.folder),
                    hint="wait for it to end, then run the same command again: its work will be reused",
                ) from error
            yield
