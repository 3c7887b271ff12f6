"""Files of rows: a document a row, with the way back to line, field and character; the packages that write such files are the oracles."""

import json
import re
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import lists, sampled_from, text
from pyarrow import parquet

from seodang.core.errors import InputError
from seodang.core.records import Passage
from seodang.data.documents import Document, FolderDocuments, Reading, matching_files, read_documents, source_bytes, sources_digest
from seodang.data.sources.places import CellRange, LineRange

ROWS: list[dict[str, Any]] = [
    {"text": "반품은 14일 안에 됩니다.", "id": "가-1", "license": "CC-BY-4.0"},
    {"text": " ", "id": "가-2", "license": None},
    {"text": "A lost receipt\r\nallows exchange.", "id": "가-3", "license": "cc0-1.0"},
]
UNICODE = ["utf-8", "utf-8-sig", "utf-16", "utf-16-be-mark", "utf-32"]


def read(folder: Path, name: str, content: bytes, **chosen: Any) -> Reading:
    (folder / "docs").mkdir(exist_ok=True)
    (folder / "docs" / name).write_bytes(content)
    return read_documents([FolderDocuments.model_validate({"folder": "docs", **chosen})], folder, folder)


def lines(rows: list[Any], **options: Any) -> bytes:
    return "".join(json.dumps(row, **options) + "\n" for row in rows).encode()


def all_of(document: Document) -> Passage:
    return Passage(document.name, 0, len(document.text), document.text, "", "", "", "ko", "x")


def of_value(row: Any, field: str) -> str:
    for name in re.findall(r"[^.\[\]]+", field):
        row = row[int(name)] if isinstance(row, list) else row[name]
    return row


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(
    lists(text(alphabet='가나"\\ \n\r\tab\U0001f600'), max_size=4),
    sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be-mark", "utf-32"]),
)
def test_each_line_is_found_again_by_its_bytes(tmp_path: Path, texts: list[str], encoding: str) -> None:
    """The oracle: the line's bytes alone, decoded and read by the standard library, hold the span at the characters that are told."""
    written = "".join(json.dumps({"text": each}, ensure_ascii=False) + "\r\n" for each in [*texts, "the last one"])
    content = b"\xfe\xff" + written.encode("utf-16-be") if encoding == "utf-16-be-mark" else written.encode(encoding)
    codec = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-16-be-mark": "utf-16-be", "utf-32": "utf-32-le"}.get(encoding, encoding)
    reading = read(tmp_path, "a.jsonl", content)
    kept = [(number, each) for number, each in enumerate([*texts, "the last one"], start=1) if each.strip()]
    assert [document.name for document in reading.documents] == [f"a.jsonl#{number}" for number, _ in kept]
    assert len(reading.documents) + len(reading.skipped) == len(texts) + 1
    for document, (number, each) in zip(reading.documents, kept, strict=True):
        assert document.text == each.replace("\r\n", "\n").replace("\r", "\n")
        for start in range(len(document.text)):
            (place,) = document.locate(start, len(document.text))
            assert isinstance(place, LineRange)
            assert (place.line, place.field) == (number, "text")
            value = json.loads(content[place.line_start : place.line_end].decode(codec))["text"]
            assert value[place.start : place.end].replace("\r\n", "\n").replace("\r", "\n") == document.text[start:]
        found = source_bytes(document, all_of(document)).content
        assert found is not None
        assert json.loads(found.decode(codec)) == {"text": each}


def test_lines_in_the_korean_encoding_of_old_files_are_read(tmp_path: Path) -> None:
    content = lines([{"text": "반품은 14일 안에 됩니다."}], ensure_ascii=False).decode().encode("cp949")
    (document,) = read(tmp_path, "a.ndjson", content).documents
    assert document.text == "반품은 14일 안에 됩니다."
    assert json.loads((source_bytes(document, all_of(document)).content or b"").decode("cp949")) == {"text": document.text}


def test_messages_are_read_below_their_roles_and_lead_back_to_their_content(tmp_path: Path) -> None:
    row = {
        "messages": [
            {"role": "user", "content": "영수증이 없어요."},
            {"role": "assistant", "content": None, "tool_calls": []},
            {"role": "assistant", "content": [{"type": "text", "text": "교환만 됩니다."}, {"type": "image_url", "image_url": {}}]},
        ]
    }
    (document,) = read(tmp_path, "a.jsonl", lines([row])).documents
    assert document.text == "# user\n\n영수증이 없어요.\n\n# assistant\n\n교환만 됩니다.\n"
    for words in ("영수증이 없어요.", "교환만"):
        (place,) = document.locate(document.text.index(words), document.text.index(words) + len(words))
        assert isinstance(place, LineRange)
        assert of_value(row, place.field)[place.start : place.end] == words


def test_the_recipe_says_which_fields_are_text_id_and_licence(tmp_path: Path) -> None:
    rows = [{"meta": {"body": "One long sentence."}, "nr": 7, "terms": "MIT"}, {"meta": {"body": "Another long one."}, "nr": 8}]
    chosen = {"text_field": "meta.body", "id_field": "nr", "license_field": "terms", "license": "CC-BY-4.0"}
    one, other = read(tmp_path, "a.jsonl", lines(rows), **chosen).documents
    assert (one.text, one.row_id, one.license) == ("One long sentence.", "7", "MIT")
    assert (other.text, other.row_id, other.license) == ("Another long one.", "8", "CC-BY-4.0")
    assert str(one.permissions.attribution) == "required"
    assert [told.says for told in one.evidence] == ["MIT"]
    with pytest.raises(InputError, match=r"`terms`: .*SPDX") as caught:
        read(tmp_path, "a.jsonl", lines([{**rows[0], "terms": "Gemma 2"}]), **chosen)
    assert caught.value.where == "docs/a.jsonl:1"


def test_what_a_row_says_of_its_licence_is_evidence_and_no_more(tmp_path: Path) -> None:
    documents = read(tmp_path, "a.jsonl", lines(ROWS)).documents
    assert [document.license for document in documents] == ["unknown", "unknown"]
    assert [(told.kind, told.says, told.where) for document in documents for told in document.evidence] == [
        ("row", "CC-BY-4.0", "docs/a.jsonl:1: license"),
        ("row", "cc0-1.0", "docs/a.jsonl:3: license"),
    ]


@pytest.mark.parametrize(
    ("content", "what", "where"),
    [
        (b'{"text": "a b c"}\n{"text": ', "not JSON", "docs/a.jsonl:2"),
        (b"[1]\n", "not a JSON object", "docs/a.jsonl:1"),
        (b'\n\n{"body": "x", "n": 1}\n', "neither `text` nor `messages`", "docs/a.jsonl:3"),
        (b'{"text": 3}\n', "is no text but int", "docs/a.jsonl:1"),
        (b'{"messages": [{"content": "x"}]}\n', "is no message", "docs/a.jsonl:1"),
        (b'{"messages": [{"role": "user", "content": 3}]}\n', "is no text", "docs/a.jsonl:1"),
        (b'{"text": "caf\xe9 au lait"}\n', r"not text in UTF-8 \(byte 13\)", "docs/a.jsonl:1"),
        (b'{"text": ' + b"[" * 100_000, "not JSON that can be read", "docs/a.jsonl:1"),
        (b'{"n": ' + b"9" * 5_000 + b"}", "not JSON that can be read", "docs/a.jsonl:1"),
        (b'{"text": ""}\n', "all of its rows are empty", "docs/a.jsonl"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, content: bytes, what: str, where: str) -> None:
    with pytest.raises(InputError, match=what) as caught:
        read(tmp_path, "a.jsonl", content)
    assert caught.value.where == where
    assert caught.value.hint


def test_what_no_file_can_hold_becomes_a_replacement_character(tmp_path: Path) -> None:
    (document,) = read(tmp_path, "a.jsonl", b'{"text": "one \\ud800 two \\u0000 three"}').documents
    assert document.text == "one \ufffd two \ufffd three"
    assert document.text.encode()


def test_parquet_gives_what_pyarrow_wrote(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    rows = [*ROWS, *({"text": f"Row {number} of many rows.", "id": str(number), "license": "MIT"} for number in range(1_500))]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "docs" / "a.parquet", row_group_size=400)
    reading = read_documents([FolderDocuments(folder="docs", license_field="license")], tmp_path, tmp_path)
    kept = [(number, row) for number, row in enumerate(rows) if row["text"].strip()]
    assert [(d.name, d.row_id) for d in reading.documents] == [(f"a.parquet#{number}", row["id"]) for number, row in kept]
    assert [passed.where for passed in reading.skipped] == ["docs/a.parquet#1"]
    for document, (number, row) in zip(reading.documents, kept, strict=True):
        (place,) = document.locate(2, len(document.text))
        assert isinstance(place, CellRange)
        assert (place.row, place.column) == (number, "text")
        assert row["text"][place.start : place.end].replace("\r\n", "\n") == document.text[2:]
    assert [d.license for d in reading.documents][:3] == ["CC-BY-4.0", "CC0-1.0", "MIT"]


@pytest.mark.parametrize(
    ("columns", "what"),
    [({"body": ["a"]}, "neither `text` nor `messages`"), ({"text": [1]}, "is no text but int"), ({"text": [b"x"]}, "is no text but bytes")],
)
def test_a_table_without_a_text_says_so(tmp_path: Path, columns: dict[str, Any], what: str) -> None:
    (tmp_path / "docs").mkdir()
    parquet.write_table(pyarrow.table(columns), tmp_path / "docs" / "a.parquet")
    with pytest.raises(InputError, match=what):
        read_documents([FolderDocuments(folder="docs")], tmp_path, tmp_path)


def test_any_torn_table_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    parquet.write_table(pyarrow.Table.from_pylist(ROWS), tmp_path / "docs" / "a.parquet")
    whole = (tmp_path / "docs" / "a.parquet").read_bytes()
    for end in range(0, len(whole), 53):
        with pytest.raises(InputError, match="not Parquet that can be read"):
            read(tmp_path, "a.parquet", whole[:end])


def saved_data_set(folder: Path, rows: list[dict[str, Any]]) -> Any:
    """What the package datasets leaves on disk: a dictionary of two splits, one of them in three files."""
    import datasets

    splits = {"train": datasets.Dataset.from_list(rows), "test": datasets.Dataset.from_list(rows[:1])}
    both: Any = datasets.DatasetDict(list(splits.items()))
    both.save_to_disk(folder, num_shards={"train": 3, "test": 1})
    return both


def test_a_data_set_gives_what_the_package_datasets_reads(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    rows = [{"text": f"{number}번 문장은 이렇게 끝납니다.", "label": number, "id": f"r{number}"} for number in range(700)]
    expected = saved_data_set(tmp_path / "docs" / "corpus", rows)
    chosen = FolderDocuments(folder="docs", held_out=("corpus/test",))
    documents = read_documents([chosen], tmp_path, tmp_path).documents
    by_split = {split: [d for d in documents if d.name.startswith(f"{split}#")] for split in ("train", "test")}
    for split, found in by_split.items():
        assert [(d.text, d.row_id) for d in found] == [(row["text"], row["id"]) for row in expected[split]]
        for number in (0, len(found) - 1):
            (place,) = found[number].locate(1, 3)
            assert isinstance(place, CellRange)
            assert expected[split][place.row][place.column][place.start : place.end] == found[number].text[1:3]
    assert {d.taught for d in by_split["train"]} == {True}
    assert {d.taught for d in by_split["test"]} == {False}
    assert documents[0].origin == "docs/corpus/test#0"
    assert matching_files(tmp_path / "docs", chosen.files)[1] == []


def test_a_data_set_that_is_not_whole_is_an_error_and_its_bytes_are_in_the_digest(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    saved_data_set(tmp_path / "docs" / "corpus", [{"text": "A sentence of five words."}] * 9)
    source = FolderDocuments(folder="docs")
    before = sources_digest([source], tmp_path)
    (shard,) = (tmp_path / "docs" / "corpus" / "test").glob("*.arrow")
    shard.write_bytes(shard.read_bytes()[:-40])
    assert sources_digest([source], tmp_path) != before
    shard.write_bytes(b"no arrow")
    with pytest.raises(InputError, match="not an Arrow stream"):
        read_documents([source], tmp_path, tmp_path)
    shard.unlink()
    with pytest.raises(InputError, match="is missing"):
        read_documents([source], tmp_path, tmp_path)
    state = shard.with_name("state.json")
    state.write_text(json.dumps({"_data_files": [{"filename": "../secret.arrow"}]}))
    with pytest.raises(InputError, match="names no files beside it"):
        read_documents([source], tmp_path, tmp_path)


def test_a_state_file_of_something_else_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "state.json").write_text("{}")
    reading = read(tmp_path, "a.txt", b"Some words of text.\n")
    assert [document.name for document in reading.documents] == ["a.txt"]
    assert [passed.reason for passed in reading.skipped] == ["not of a Hugging Face data set"]
