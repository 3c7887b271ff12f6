"""An artifact is done when its manifest stands in it, and is computed by one process at a time."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from seodang.core.artifact import Artifact
from seodang.core.errors import InputError, StorageError
from seodang.core.files import write_atomically


def test_files_without_a_manifest_are_not_done(tmp_path: Path) -> None:
    artifact = Artifact(tmp_path / "step")
    assert not artifact.done
    write_atomically(artifact.folder / "records.jsonl", "{}\n")
    assert not artifact.done
    with pytest.raises(InputError, match="file not found"):
        _ = artifact.manifest


def test_a_manifest_names_every_finished_file_and_no_partial_one(tmp_path: Path) -> None:
    artifact = Artifact(tmp_path / "step")
    with artifact.locked():
        write_atomically(artifact.folder / "records.jsonl", "{}\n")
        write_atomically(artifact.folder / "checkpoint" / "config.json", "[]")
        write_atomically(artifact.folder / "partial" / "journal.jsonl", "half")
        artifact.finish(step="build", key="k", summary={"n": 1}, measured={"seconds": 2.0}, synthetic=True)
    assert artifact.done
    manifest = artifact.manifest
    assert manifest["files"] == {
        "checkpoint/config.json": {"sha256": hashlib.sha256(b"[]").hexdigest(), "bytes": 2},
        "records.jsonl": {"sha256": hashlib.sha256(b"{}\n").hexdigest(), "bytes": 3},
    }
    assert (manifest["step"], manifest["key"], manifest["synthetic"], manifest["summary"]) == ("build", "k", True, {"n": 1})


def test_a_second_process_is_refused_and_let_in_afterwards(tmp_path: Path) -> None:
    folder = tmp_path / "step"
    hold = (
        "import fcntl, sys, pathlib\n"
        "file = pathlib.Path(sys.argv[1]).open('w')\n"
        "fcntl.flock(file, fcntl.LOCK_EX)\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
    )
    folder.mkdir()
    command = [sys.executable, "-I", "-c", hold, str(folder / ".lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(StorageError, match="another process is working"), Artifact(folder).locked():
            pass
        other.communicate("")
    with Artifact(folder).locked():
        pass


def test_a_lock_is_let_go_when_the_work_fails(tmp_path: Path) -> None:
    artifact = Artifact(tmp_path / "step")
    with pytest.raises(KeyError), artifact.locked():
        raise KeyError("work")
    with artifact.locked():
        assert not artifact.done
