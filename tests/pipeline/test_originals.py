"""A span in the ledger is looked up in its original again: its very bytes, and whether that is what was read."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from reportlab.pdfgen.canvas import Canvas

from seodang.cli.main import cli
from seodang.core.files import write_json
from seodang.data.documents import FolderDocuments, read_documents
from seodang.data.ledger.enter import by_name, document_entity, enter_made, span_entity
from seodang.data.ledger.facts import Activity
from seodang.data.ledger.ledger import Ledger
from seodang.data.passages import split_passages
from seodang.data.sources.document import place_rows

SENTENCES = ["반품은 구매한 날부터 14일 안에 신청합니다.", "상자와 영수증은 버리지 말고 그대로 둡니다."]


def make_run(root: Path, folder: dict[str, Any]) -> tuple[Path, dict[str, str]]:
    """A run's record and a ledger with the spans of its documents; the spans' texts by id."""
    documents = read_documents([FolderDocuments.model_validate(folder)], root, root).documents
    ledger = root / "runs" / ".store" / "ledger" / "k"
    rows = [{"name": d.name, "sha256": d.sha256, "origin": d.origin, "language": d.language, "license": d.license} for d in documents]
    entered = by_name(document_entity(row, document.text) for row, document in zip(rows, documents, strict=True))
    spans = {
        passage.id: span_entity(passage, entered, place_rows(document, passage))
        for document in documents
        for passage in split_passages(document.name, document.text, language="ko", license="CC0-1.0")
    }
    with Ledger(ledger, create=True) as opened:
        enter_made(opened, Activity("ingest", "1", "c"), [*entered.values(), *spans.values()], None, 0.0)
    run = {"name": "small", "base": str(root), "student_source": {}, "synthetic": True, "steps": [{"name": "build", "key": "k"}]}
    write_json(root / "runs" / "small" / "run.json", {**run, "recipe": {"documents": [folder]}})
    return root / "runs", {span.id: str(span.content["text"]) for span in spans.values()}


def show(runs: Path, span: str, *options: str) -> str:
    done = CliRunner().invoke(cli, ["data", "show", span, "--runs", str(runs), *options], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def original(runs: Path, span: str) -> dict[str, Any]:
    return json.loads(show(runs, span, "--json"))["original"]


@pytest.mark.parametrize("encoding", ["cp949", "utf-8", "utf-16"])
def test_the_bytes_named_decode_to_the_spans_text(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    path = tmp_path / "docs" / "반품.txt"
    path.write_bytes("\r\n\r\n".join(SENTENCES).encode(encoding))
    runs, spans = make_run(tmp_path, {"folder": "docs"})
    assert sorted(spans.values()) == sorted(SENTENCES)
    for span, text in spans.items():
        found = original(runs, span)
        content = bytes.fromhex(found["content"])
        assert (found["state"], found["text"], found["path"]) == ("unchanged", text, str(path))
        assert content in path.read_bytes()
        assert content.decode("utf-16-le" if encoding == "utf-16" else encoding) == text
        printed = show(runs, span)
        assert f"its {len(content)} bytes there: {text}" in printed
        assert f"the original is unchanged, {path}" in printed


@pytest.mark.parametrize("form", ["as_written", "nfc"])
def test_hangul_that_is_written_as_jamo_is_shown_as_it_stands_there(form: str, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    written = [unicodedata.normalize("NFD", sentence) for sentence in SENTENCES]
    (tmp_path / "docs" / unicodedata.normalize("NFD", "반품.md")).write_text("\n\n".join(written), encoding="utf-8")
    runs, spans = make_run(tmp_path, {"folder": "docs", "unicode_form": form})
    found = [bytes.fromhex(original(runs, span)["content"]).decode() for span in spans]
    assert sorted(found) == sorted(written)
    assert [text if form == "as_written" else unicodedata.normalize("NFC", text) for text in found] == list(spans.values())


def test_a_line_of_json_is_shown_and_a_change_of_another_line_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    path = tmp_path / "docs" / "rows.jsonl"
    lines = [json.dumps({"text": sentence}, ensure_ascii=False) for sentence in SENTENCES]
    path.write_text("\n".join(lines), encoding="utf-8")
    runs, spans = make_run(tmp_path, {"folder": "docs"})
    first, second = (next(span for span, text in spans.items() if text == sentence) for sentence in SENTENCES)
    assert original(runs, first)["text"] == lines[0]
    path.write_text("\n".join([lines[0], lines[1].replace("영수증", "보증서")]), encoding="utf-8")
    assert original(runs, first)["state"] == "unchanged"
    assert original(runs, second)["state"] == "changed"


def test_of_a_packed_file_the_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    page = Canvas(str(tmp_path / "docs" / "a.pdf"))
    page.drawString(72, 700, "Return it within fourteen days of the purchase.")
    page.save()
    runs, spans = make_run(tmp_path, {"folder": "docs"})
    (span,) = spans
    assert original(runs, span).keys() == {"state", "path"}
    printed = show(runs, span)
    assert "PageRange" in printed
    assert "the original is unchanged" in printed


def test_a_row_of_a_table_is_compared_with_what_was_read(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    (tmp_path / "docs").mkdir()
    path = tmp_path / "docs" / "a.parquet"
    pq.write_table(pa.table({"text": SENTENCES}), path)
    runs, spans = make_run(tmp_path, {"folder": "docs"})
    assert [original(runs, span)["state"] for span in spans] == ["unchanged", "unchanged"]
    pq.write_table(pa.table({"text": [SENTENCES[0], "다른 문장이 여기에 서 있습니다."]}), path)
    assert [original(runs, span)["state"] for span in spans] == ["unchanged", "changed"]


def test_an_original_that_changed_or_has_gone_is_told_and_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    path = tmp_path / "docs" / "a.txt"
    path.write_text(SENTENCES[0], encoding="utf-8")
    runs, spans = make_run(tmp_path, {"folder": "docs"})
    (span,) = spans
    path.write_text(SENTENCES[0].replace("14", "15"), encoding="utf-8")
    assert original(runs, span).keys() == {"state", "why", "path"}
    assert "the original is changed since: its SHA-256 is" in show(runs, span)
    path.unlink()
    assert original(runs, span) == {"state": "gone", "why": "it is not where the recipe says"}
    assert "the original is gone" in show(runs, span)
    path.write_text(SENTENCES[0], encoding="utf-8")
    assert original(runs, span)["state"] == "unchanged"
    (runs / "small" / "run.json").unlink()
    assert original(runs, span) == {"state": "gone", "why": "no run that read it is here"}
