"""Rows of all forms give what is asked and what is answered, and files are read line by line."""

from pathlib import Path
from typing import Any

import pytest

from seodang.core.errors import InputError
from seodang.data.lines_file import LinesFile
from seodang.data.row_text import Texts, parts_of_row


@pytest.mark.parametrize(
    ("row", "parts"),
    [
        ({"question": "Q", "answer": "A"}, ("Q", "A")),
        ({"question": "Q", "answer": 42}, ("Q", "42")),
        ({"question": "Q"}, ("Q", "")),
        ({"question": "Q", "choices": ["x", 2], "answer": "B"}, ("Q\n(A) x\n(B) 2", "B")),
        ({"question": "Q", "choices": {"text": ["x", "y"], "label": ["A", "B"]}, "answer": None}, ("Q\n(A) x\n(B) y", "")),
        ({"prompt": "P", "completion": "C"}, ("P", "C")),
        ({"instruction": "I", "input": "N", "output": "O"}, ("I\nN", "O")),
        ({"text": "T", "id": 1}, ("", "T")),
        (
            {"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}, {"role": "assistant", "content": "A"}]},
            ("S\nU", "A"),
        ),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "U"}, {"type": "image_url"}]}]}, ("U", "")),
        (
            {"messages": [{"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}]},
            ("", '{"name": "f", "arguments": "{}"}'),
        ),
    ],
)
def test_all_forms_are_read(row: dict[str, Any], parts: tuple[str, str]) -> None:
    assert parts_of_row(row, "here") == parts


@pytest.mark.parametrize("row", [{}, {"text": 1}, {"messages": []}, {"messages": ["x"]}, {"question": "Q", "answer": {"a": 1}}])
def test_what_is_no_row_is_refused_with_its_place(row: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        parts_of_row(row, "file:7")
    assert caught.value.where == "file:7"


def test_a_named_field_is_read_alone() -> None:
    assert parts_of_row({"text": "T", "body": "B"}, "here", "body") == ("", "B")
    with pytest.raises(InputError, match="no text in `body`"):
        parts_of_row({"text": "T", "body": 3}, "here", "body")


def test_lines_are_read_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes('\ufeff{"text": "a"}\r\n\n{"text":  "b\u2028c"}'.encode())
    with LinesFile(path) as lines:
        texts = Texts(lines)
        assert (len(lines), list(texts), texts[0:2], lines.number(1)) == (2, ["a", "b\u2028c"], ["a", "b\u2028c"], 3)
        assert lines.line(1) == '{"text":  "b\u2028c"}'.encode()


@pytest.mark.parametrize(("content", "what"), [(b"{", "not JSON"), (b"[1]", "not a row"), (b'{"text": "\xff"}', "not UTF-8")])
def test_a_broken_line_is_named(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"text": "a"}\n' + content)
    with LinesFile(path) as lines, pytest.raises(InputError, match=what) as caught:
        lines.row(1)
    assert caught.value.where == f"{path}:2"


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="file not found"):
        LinesFile(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="a folder"):
        LinesFile(tmp_path)
