"""The only folder that a job may write to."""

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from seodang.scoring.sandbox import namespaces
from seodang.scoring.sandbox.limits import Limits

_FIRST_OWNER = 1_500_000_000  # far above what systems give to users
_OWNERS = 1 << 28


@dataclass(frozen=True, slots=True)
class Scratch:
    """A folder, the user that a job becomes in it, and how often its size is to be looked at."""

    folder: str
    owner: int
    max_bytes: int
    max_files: int
    look_every_s: float
    bounded: bool  # by the file system itself

    def is_too_full(self) -> bool:
        """Whether there is more in it than the limits allow."""
        if self.bounded:
            return False
        files = [file for file in Path(self.folder).rglob("*") if not file.is_symlink()]
        return len(files) > self.max_files or sum(_size(file) for file in files) > self.max_bytes


@contextmanager
def scratch_for(confinement: str, base: str, limits: Limits, number: int) -> Generator[Scratch]:
    """An empty scratch folder for the next child process. In namespaces it is in memory, of a fixed size, and goes with the child."""
    if confinement in ("namespaces", "user_namespaces"):
        own = _FIRST_OWNER + (hash(base) % (_OWNERS >> 10) << 10) + number % 1024
        owner = own if confinement == "namespaces" else namespaces.INSIDE
        namespaces.own_scratch(limits.scratch_bytes, limits.scratch_files, owner)
        yield Scratch(namespaces.SCRATCH, owner, limits.scratch_bytes, limits.scratch_files, 3600.0, bounded=True)
        return
    folder = mkdtemp(dir=base)
    try:
        yield Scratch(folder, os.geteuid(), limits.scratch_bytes, limits.scratch_files, 0.05, bounded=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _size(file: Path) -> int:
    try:
        return file.lstat().st_size
    except OSError:  # gone in the meantime
        return 0
