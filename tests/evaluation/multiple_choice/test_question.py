"""Somebody's own questions are read strictly."""

import json
from pathlib import Path
from typing import Any

import pytest

from seodang.core.errors import InputError
from seodang.evaluation.multiple_choice.question import read_files

ROW: dict[str, Any] = {"question": "Which is larger?", "choices": ["a hen", "a cow"], "answer": "B", "subject": "animals"}


def written(folder: Path, *rows: Any) -> str:
    path = folder / "own.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def test_the_answer_is_a_letter_or_a_choice(tmp_path: Path):
    first, second = read_files([written(tmp_path, ROW, {**ROW, "answer": "a hen", "subject": None})])
    assert (first.answer, first.area, first.id) == (1, "animals", "own-1")
    assert (second.answer, second.area, second.id) == (0, "all", "own-2")


def test_a_folder_holds_files(tmp_path: Path):
    written(tmp_path, ROW)
    assert len(read_files([str(tmp_path)])) == 1


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ({"question": " "}, "`question`"),
        ({"choices": ["one"]}, "`choices`"),
        ({"choices": ["one", " one"]}, "`choices`"),
        ({"choices": ["one", ""]}, "`choices`"),
        ({"choices": "AB"}, "`choices`"),
        ({"answer": 1}, "count from 0 or from 1"),
        ({"answer": "C"}, "neither a choice"),
        ({"answer": None}, "neither a choice"),
        ({"subject": 3}, "`subject`"),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, fault: dict[str, Any], what: str):
    path = written(tmp_path, ROW, {**ROW, **fault})
    with pytest.raises(InputError, match=what) as caught:
        read_files([path])
    assert str(caught.value.where).endswith("own.jsonl:2")


def test_a_missing_copy_says_how_to_get_one(tmp_path: Path):
    for files in ([], [str(tmp_path / "absent.jsonl")], [str(tmp_path)]):
        with pytest.raises(InputError) as caught:
            read_files(files)
        assert "KMMLU" in str(caught.value.hint)
