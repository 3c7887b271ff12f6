"""Answers of an endpoint that were paid for, on disk: the same request is never sent twice, whatever ended the run that sent it."""

import fcntl
import threading
from pathlib import Path
from typing import Any

from seodang.core.files import Journal, storage_errors
from seodang.core.hashing import digest


class KeptAnswers:
    """The answers in one folder, by the digest of their request; used from several threads at once.

    One process at a time keeps answers there. Another one that opens the folder meanwhile works without: it asks anew and keeps nothing.
    """

    def __init__(self, folder: Path) -> None:
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._lock_file = (folder / ".lock").open("w")
        self._lock = threading.Lock()
        self._journal: Journal | None = None
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._journal = Journal(folder / "answers.jsonl")
        except BlockingIOError:
            self._lock_file.close()

    @property
    def keeps(self) -> bool:
        return self._journal is not None

    def get(self, url: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """What was answered to this very request, or None."""
        unit = digest([url, body])
        return self._journal[unit] if self._journal is not None and unit in self._journal else None

    def add(self, url: str, body: dict[str, Any], value: dict[str, Any]) -> None:
        """Stores an answer, on disk before it returns."""
        with self._lock:
            if self._journal is not None:
                self._journal.append(digest([url, body]), value)

    def close(self) -> None:
        """Gives the folder free."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        self._lock_file.close()
