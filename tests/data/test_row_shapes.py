"""One conversation reads alike in every shape that people write, for every command, and a misspelt key is told with the one meant."""

import json
from pathlib import Path
from typing import Any

import pytest

from seodang.core.errors import InputError
from seodang.data.lines_file import numbered_rows, row_of_line
from seodang.data.record_texts import asked_text, asked_texts, parts_of_record
from seodang.data.records_file import read_numbered_records, record_of_row
from seodang.data.row_text import parts_of_row

ASKED, ANSWERED = "When can a suspended line be lifted?", "After all bills are paid."
SHAPES: list[dict[str, Any]] = [
    {"question": ASKED, "answer": ANSWERED},
    {"prompt": ASKED, "completion": ANSWERED},
    {"prompt": ASKED, "response": ANSWERED},
    {"instruction": ASKED, "input": "", "output": ANSWERED},
    {"instruction": ASKED, "response": ANSWERED},
    {"input": ASKED, "output": ANSWERED},
    {"messages": [{"role": "user", "content": ASKED}, {"role": "assistant", "content": ANSWERED}]},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": ASKED}]}, {"role": "assistant", "content": ANSWERED}]},
    {"conversations": [{"from": "human", "value": ASKED}, {"from": "gpt", "value": ANSWERED}]},
    {"conversations": [{"role": "user", "content": ASKED}, {"role": "assistant", "content": ANSWERED}]},
    {"prompt": [{"role": "user", "content": ASKED}], "completion": [{"role": "assistant", "content": ANSWERED}]},
]
CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize("row", SHAPES)
def test_every_shape_is_the_same_record_and_the_same_text(row: dict[str, Any]) -> None:
    record = record_of_row(row, "here")
    assert record.id == record_of_row(SHAPES[0], "here").id
    assert (record.question, record.answer, record.turns) == (ASKED, ANSWERED, ())
    assert parts_of_row(row, "here") == parts_of_record(record) == (ASKED, ANSWERED)


def test_a_conversation_keeps_its_messages_and_has_the_same_text_for_all_commands() -> None:
    said = [("system", "Be short."), ("user", "Hello."), ("assistant", "Yes?"), ("user", ASKED), ("assistant", ANSWERED)]
    names = {"system": "system", "user": "human", "assistant": "gpt"}
    rows: list[dict[str, Any]] = [
        {"messages": [{"role": role, "content": text} for role, text in said]},
        {"conversations": [{"from": names[role], "value": text} for role, text in said]},
    ]
    for row in rows:
        record = record_of_row(row, "here")
        assert (record.question, record.answer) == (ASKED, ANSWERED)
        assert [(turn["role"], turn["content"]) for turn in record.turns] == said[:-1]
        assert parts_of_row(row, "here") == parts_of_record(record) == ("\n".join(text for _, text in said[:-1]), ANSWERED)
        assert asked_texts(record) == [ASKED, "Hello."]


@pytest.mark.parametrize("content", [None, "I look."])
def test_a_conversation_that_ends_with_a_call_keeps_it(content: str | None) -> None:
    row = {"messages": [{"role": "user", "content": ASKED}, {"role": "assistant", "content": content, "tool_calls": [CALL]}]}
    record = record_of_row(row, "here")
    assert (record.answer, record.turns[-1]["tool_calls"]) == ("", [CALL])
    assert parts_of_row(row, "here") == parts_of_record(record)
    assert '"name": "f"' in parts_of_record(record)[1]


def test_a_text_stands_for_itself() -> None:
    record = record_of_row({"text": "T"}, "here")
    assert (parts_of_record(record), asked_text(record), asked_texts(record)) == (("", "T"), "T", ["T"])


def test_context_and_options_belong_to_the_question() -> None:
    row = {"question": "Which?", "context": "C", "options": ["x", "y"], "answer": 2}
    record = record_of_row(row, "here")
    assert (record.question, record.answer) == parts_of_row(row, "here") == ("C\nWhich?\n(A) x\n(B) y", "2")


@pytest.mark.parametrize(
    ("row", "meant"),
    [
        ({"qestion": "Q", "answer": "A"}, "question"),
        ({"question": "Q", "anwser": "A"}, "answer"),
        ({"Question": "Q", "Answer": "A"}, "question"),
        ({"prompt": "Q", "compleation": "A"}, "completion"),
        ({"instruction": "Q", "ouput": "A"}, "output"),
        ({"mesages": [{"role": "user", "content": "Q"}]}, "messages"),
        ({"messages": [{"rol": "user", "content": "Q"}]}, "role"),
        ({"messages": [{"role": "user", "contnet": "Q"}]}, "content"),
        ({"conversations": [{"from": "humna", "value": "Q"}]}, "human"),
        ({"conversations": [{"from": "human", "vlaue": "Q"}]}, "value"),
    ],
)
def test_a_misspelt_key_is_told_to_all_commands_with_the_one_meant(row: dict[str, Any], meant: str) -> None:
    for read in (parts_of_row, record_of_row):
        with pytest.raises(InputError) as caught:
            read(row, "rows.jsonl:3")
        assert caught.value.where == "rows.jsonl:3"
        assert f"did you mean `{meant}`" in str(caught.value.hint)


def test_a_misspelt_field_of_a_record_is_told() -> None:
    with pytest.raises(InputError) as caught:
        record_of_row({"question": "Q", "answer": "A", "thruth": {"final_answer": 3}}, "rows.jsonl:3")
    assert caught.value.hint == "did you mean `truth`?"


@pytest.mark.parametrize("key", ["answers", "question_id", "passage", "sample", "id", "source", "difficulty", "context_id", "languages"])
def test_keys_that_may_be_meant_otherwise_are_passed_over(key: str) -> None:
    row = {"question": "Q", key: "x"}
    assert parts_of_row(row, "here") == ("Q", "")
    assert record_of_row(row, "here").question == "Q"


@pytest.mark.parametrize(
    "row",
    [
        {"answer": "A"},
        {"question": 5, "answer": "A"},
        {"question": "Q", "answer": {"a": 1}},
        {"question": "Q", "turns": 5},
        {"messages": "Q"},
        {"messages": [{"content": "Q"}]},
        {"conversations": [{"from": "human"}]},
        {"text": ["T"]},
    ],
)
def test_what_is_in_no_shape_is_refused_by_all_commands_with_its_place(row: dict[str, Any]) -> None:
    for read in (parts_of_row, record_of_row):
        with pytest.raises(InputError) as caught:
            read(row, "rows.jsonl:3")
        assert caught.value.where == "rows.jsonl:3"
        assert caught.value.hint


def test_a_byte_order_mark_and_other_line_ends_are_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes("\r\n".join(["\ufeff" + json.dumps(SHAPES[0]), "", json.dumps(SHAPES[3]), "  "]).encode())
    assert [number for number, _ in numbered_rows(path)] == [1, 3]
    assert [(number, record.question) for number, record in read_numbered_records(path)] == [(1, ASKED), (3, ASKED)]


@pytest.mark.parametrize("line", [b"{" * 100_000, b'{"a":' * 100_000, b"9" * 5000, b'{"a": 1', b"\xff"])
def test_a_line_that_no_parser_takes_is_told(line: bytes) -> None:
    with pytest.raises(InputError, match=r"^rows.jsonl:7: not (JSON|UTF-8|a row)"):
        row_of_line(line, "rows.jsonl:7")


def test_a_path_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    for path, what in ((tmp_path / "none.jsonl", "file not found"), (tmp_path, "a folder")):
        with pytest.raises(InputError, match=what):
            read_numbered_records(path)
