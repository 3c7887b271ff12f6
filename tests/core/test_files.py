"""Files are whole or absent, and a journal survives a kill at any byte."""

import errno
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seodang.core.errors import InputError, StorageError
from seodang.core.files import (
    Journal,
    read_json,
    read_json_lines,
    read_numbered_json_lines,
    remove_torn,
    write_atomically,
    write_json,
    write_json_lines,
)

UNITS = st.lists(st.tuples(st.text(min_size=1, max_size=6), st.integers() | st.text(max_size=6)), max_size=6, unique_by=lambda row: row[0])


def filled(path: Path, rows: list[tuple[str, Any]]) -> None:
    journal = Journal(path)
    for unit, value in rows:
        journal.append(unit, value)
    journal.close()


def kept(path: Path) -> list[tuple[str, Any]]:
    journal = Journal(path)
    journal.close()
    return [(unit, journal[unit]) for unit in journal.units()]


@settings(max_examples=60, deadline=None)
@given(UNITS, st.floats(0, 1))
def test_a_journal_cut_anywhere_holds_a_prefix_of_its_units(rows: list[tuple[str, Any]], share: float) -> None:
    """A kill can cut the file at any byte; what opens is a prefix, and as long a one as its whole lines allow."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "journal.jsonl"
        filled(path, rows)
        whole = path.read_bytes()
        cut = whole[: round(share * len(whole))]
        path.write_bytes(cut)
        assert kept(path) == rows[: cut.count(b"\n")]


def test_after_a_torn_line_work_goes_on_as_if_it_had_never_been(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    filled(path, [("a", 1), ("b", 2)])
    path.write_bytes(path.read_bytes()[:-3])
    filled(path, [("b", 3), ("c", 4)])
    assert kept(path) == [("a", 1), ("b", 3), ("c", 4)]
    assert len(read_json_lines(path)) == 3


def test_a_unit_is_on_disk_before_append_returns(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "journal.jsonl"
    journal = Journal(path)
    journal.append("a", {"text": "요금"})
    assert read_json_lines(path) == [{"unit": "a", "value": {"text": "요금"}}]
    assert ("a" in journal, "b" in journal, len(journal)) == (True, False, 1)
    journal.close()


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.json"
    write_json(path, {"old": 1})

    def full(number: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="no space left") as caught:
        write_json(path, {"new": 2})
    assert caught.value.where == str(path)
    assert "run the same command again" in str(caught.value.hint)
    assert read_json(path) == {"old": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.json"]


def test_a_full_disk_keeps_the_journal_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.append("a", 1)

    def full(number: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageError):
            journal.append("b", 2)
    assert "b" not in journal
    assert journal.units() == ["a"]
    journal.close()


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(StorageError, match="cannot be written"):
        write_atomically(tmp_path / "deep" / "file", "text")


def test_other_failures_of_the_system_are_not_renamed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        write_atomically(tmp_path / "folder", "text")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


@given(st.lists(st.dictionaries(st.text(max_size=4), st.text(max_size=6), max_size=3), max_size=5))
def test_json_lines_read_back_as_written(rows: list[dict[str, str]]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        write_json_lines(path, rows)
        assert read_json_lines(path) == rows


def test_a_mark_of_the_encoding_before_the_text_is_no_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": "가"}\r\n{"b": "\ufeff"}\r\n', encoding="utf-8-sig", newline="")
    assert read_numbered_json_lines(path) == [(1, {"a": "가"}), (2, {"b": "\ufeff"})]
    path.write_text('{"a": "가"}', encoding="utf-8-sig")
    assert read_json(path) == {"a": "가"}


def test_a_broken_line_is_named_by_its_number(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": 1}\n\n{"a": \n')
    with pytest.raises(InputError) as caught:
        read_json_lines(path)
    assert caught.value.where == f"{path}:3"


@pytest.mark.parametrize("read", [read_json, read_json_lines])
def test_a_file_that_is_absent_or_no_text_is_an_input_error(tmp_path: Path, read: Any) -> None:
    path = tmp_path / "file"
    with pytest.raises(InputError, match="file not found"):
        read(path)
    path.write_bytes(b"\xff\xfe\x00{")
    with pytest.raises(InputError, match="not"):
        read(path)


def test_what_a_kill_left_half_written_is_removed_and_nothing_else(tmp_path: Path) -> None:
    torn = [tmp_path / ".shard.safetensors.12.tmp", tmp_path / ".tmpHsHjC6", tmp_path / "partial" / ".latest.json.7.tmp"]
    whole = [tmp_path / name for name in ("shard.safetensors", "partial/latest.json", ".lock", ".tmp_notes", "partial/.draft.tmp")]
    (tmp_path / "partial").mkdir()
    for path in (*torn, *whole):
        path.write_bytes(b"x")
    remove_torn(tmp_path)
    assert not any(path.exists() for path in torn)
    assert all(path.exists() for path in whole)
