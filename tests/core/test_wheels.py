"""A wheel is taken only with the hash that the recipe names."""

import hashlib
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from seodang.core.errors import InputError
from seodang.core.wheels import fetch_wheel, read_from_wheel


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "made" / "pack-1.0-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("pack/text.md", "Some text.")
    return path


def deliver(monkeypatch: pytest.MonkeyPatch, wheel: Path | None, stderr: str = "") -> list[list[str]]:
    """Lets pip deliver `wheel`, or fail with `stderr`; returns the commands that were run."""
    commands: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        if wheel is None:
            return subprocess.CompletedProcess(command, 1, "", stderr)
        (Path(command[command.index("--dest") + 1]) / wheel.name).write_bytes(wheel.read_bytes())
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_a_wheel_is_downloaded_once_and_without_what_it_needs(tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = deliver(monkeypatch, wheel)
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    first = fetch_wheel("pack", "1.0", sha256, tmp_path / "store")
    assert fetch_wheel("pack", "1.0", sha256, tmp_path / "store") == first
    assert len(commands) == 1
    assert {"--no-deps", "--only-binary=:all:", "pack==1.0"} <= set(commands[0])
    assert read_from_wheel(first, "pack/text.md") == b"Some text."
    with pytest.raises(InputError, match="no file `other`"):
        read_from_wheel(first, "other")


def test_another_hash_is_refused_and_nothing_is_kept(tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(monkeypatch, wheel)
    with pytest.raises(InputError, match="as the recipe says") as caught:
        fetch_wheel("pack", "1.0", "0" * 64, tmp_path / "store")
    assert "do not use it" in str(caught.value.hint)
    assert list((tmp_path / "store").iterdir()) == []


def test_a_failing_download_gives_pips_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(monkeypatch, None, "WARNING: slow\nERROR: No matching distribution found for pack==1.0\n")
    with pytest.raises(InputError, match="No matching distribution"):
        fetch_wheel("pack", "1.0", "0" * 64, tmp_path / "store")
