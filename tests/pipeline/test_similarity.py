"""How like items are to taught records: copies, paraphrases, containment in both directions, and unrelated texts."""

import json
from pathlib import Path

import pytest

from seodang.core.errors import InputError
from seodang.core.files import read_json_lines
from seodang.core.records import Record
from seodang.evaluation.task import Item
from seodang.pipeline.similarity import TRIGRAMS, similarities, taught_records, write_similarities

LONG = (
    "A customer of the northern region reports that the handset shows no signal since the morning, although the line is active and the "
    "bill of last month was paid in full at the counter. Which of the documented steps does the agent take first"
)
FILLER = " ".join(f"Paragraph {number} of the appendix concerns matter {number * 7919 % 1000} of another kind." for number in range(60))
KOREAN = "고객이 어제 저녁부터 휴대전화의 데이터 통신이 전혀 되지 않는다고 할 때 상담원이 가장 먼저 확인해야 하는 것은?"


def record(question: str, answer: str = "Yes.") -> Record:
    return Record.from_row({"kind": "know", "question": question, "answer": answer, "passages": [], "language": "en"})


RECORDS = [
    record("Which date counts as today?"),
    record("Tell me what to do.", f"First an example. {LONG}? The agent checks the status bar, as the manual says on its second page."),
    record(KOREAN),
]


def test_each_item_has_its_nearest_record_and_the_way_in_which_it_is_near() -> None:
    items = [
        Item("copy", "p", "Which date counts as today?"),
        Item("inside", "p", f"{LONG}?"),
        Item("korean", "p", KOREAN),
        Item("other", "p", "Prove that the square root of seven is irrational."),
    ]
    copy, inside, korean, other = similarities(items, RECORDS)
    assert (copy.similarity, copy.record, copy.method) == (1, RECORDS[0].id, TRIGRAMS)
    assert inside.similarity > 0.9
    assert (inside.record, inside.method) == (RECORDS[1].id, "item_in_row")
    assert (korean.similarity, korean.record) == (1, RECORDS[2].id)
    assert other.similarity < 0.3


def test_a_record_inside_of_a_longer_item_is_found() -> None:
    (found,) = similarities([Item("long", "p", f"{FILLER} {LONG}? {FILLER[:500]}")], [record(LONG, "")])
    assert (found.record, found.method) == (record(LONG, "").id, "row_in_item")
    assert found.similarity > 0.9


def test_a_file_of_records_is_read_and_the_result_written(tmp_path: Path) -> None:
    rows = [{"question": one.question, "answer": one.answer} for one in RECORDS]
    (tmp_path / "records.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = similarities([Item("copy", "p", "Which date counts as today?")], taught_records(tmp_path / "records.jsonl"))
    write_similarities(tmp_path / "out.jsonl", found)
    (row,) = read_json_lines(tmp_path / "out.jsonl")
    assert row.keys() == {"item", "similarity", "record", "method"}
    assert row["similarity"] == 1


def test_no_records_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="no records"):
        taught_records(tmp_path / "empty.jsonl")
    with pytest.raises(InputError, match="no run here"):
        taught_records(tmp_path)
