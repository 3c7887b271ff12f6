"""PDF files give the text of their pages, and spans lead back to page and character; what has no text says what to do."""

import io
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pypdf
import pytest
from pypdf.generic import NameObject
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from seodang.core.errors import InputError
from seodang.data.documents import FolderDocuments, read_documents, source_bytes
from seodang.data.passages import split_passages
from seodang.data.sources.places import PageRange

KOREAN = [["반품은 14일 안에 됩니다.", "영수증이 없으면 교환만 됩니다."], ["보증 기간은 1년입니다."]]


def pdf(pages: Sequence[Sequence[str]], **options: Any) -> bytes:
    """A file with a line of text for each string."""
    pdfmetrics.registerFont(UnicodeCIDFont("HYSMyeongJo-Medium"))
    written = io.BytesIO()
    canvas = Canvas(written, invariant=1, **options)
    for lines in pages:
        canvas.setFont("HYSMyeongJo-Medium", 14)
        for number, line in enumerate(lines):
            canvas.drawString(72, 720 - 20 * number, line)
        canvas.showPage()
    canvas.save()
    return written.getvalue()


def read(folder: Path, content: bytes) -> Any:
    (folder / "docs").mkdir(exist_ok=True)
    (folder / "docs" / "a.pdf").write_bytes(content)
    return read_documents([FolderDocuments(folder="docs")], folder, folder)


def test_korean_pages_are_read_in_order_and_passages_know_page_and_characters(tmp_path: Path) -> None:
    """The oracle is pypdf's own text of each page, and the words that were drawn."""
    content = pdf(KOREAN)
    (document,) = read(tmp_path, content).documents
    assert [line.strip() for line in document.text.split("\n") if line.strip()] == [*KOREAN[0], *KOREAN[1]]
    assert document.language == "ko"
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages]
    passages = split_passages(document.name, document.text, language="ko", license="x")
    assert [p.text for p in passages] == [*KOREAN[0], *KOREAN[1]]
    for passage, number in zip(passages, (1, 1, 2), strict=True):
        (place,) = document.locate(passage.start, passage.end)
        assert isinstance(place, PageRange)
        assert place.page == number
        assert pages[place.page - 1][place.start : place.end] == passage.text
        assert source_bytes(document, passage).content is None


def test_a_span_over_two_pages_has_two_places(tmp_path: Path) -> None:
    content = pdf(KOREAN)
    (document,) = read(tmp_path, content).documents
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages]
    places = document.locate(0, len(document.text))
    assert [place.page for place in places] == [1, 2]
    assert [pages[p.page - 1][p.start : p.end] for p in places] == pages


def test_pages_without_text_are_told_and_a_scan_is_an_error(tmp_path: Path) -> None:
    reading = read(tmp_path, pdf([["One page has words on it."], [], ["And a third one too."]]))
    assert [(passed.where, passed.reason) for passed in reading.skipped] == [("docs/a.pdf, page 2", "a page without text")]
    assert [place.page for place in reading.documents[0].locate(0, len(reading.documents[0].text))] == [1, 3]
    with pytest.raises(InputError, match="no text on its 2 pages: it seems to be a scan") as caught:
        read(tmp_path, pdf([[], []]))
    assert "ocrmypdf" in str(caught.value.hint)


def locked(content: bytes, user_password: str) -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(content))
    writer.encrypt(user_password, "owner", algorithm="AES-256")
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def test_a_password_locks_a_file_but_only_where_reading_needs_it(tmp_path: Path) -> None:
    content = pdf(KOREAN)
    (document,) = read(tmp_path, locked(content, "")).documents
    assert "반품은 14일" in document.text
    with pytest.raises(InputError, match="locked by a password") as caught:
        read(tmp_path, locked(content, "secret"))
    assert caught.value.where == "docs/a.pdf"


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"no PDF at all", b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer<</Root 1 0 R>>\n%%EOF"])
def test_a_broken_file_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, content)
    assert str(caught.value.where).startswith("docs/a.pdf")
    assert caught.value.hint


def test_any_torn_file_is_read_or_an_input_error(tmp_path: Path) -> None:
    whole = pdf(KOREAN)
    errors = 0
    for end in range(0, len(whole), 97):
        try:
            read(tmp_path, whole[:end])
        except InputError as error:
            errors += bool(error.hint)
    assert errors > 5


def test_a_stream_that_unpacks_without_end_is_refused(tmp_path: Path) -> None:
    bomb = zlib.compress(b" " * (80 << 20), 9)
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf([["x"]], pageCompression=0)))
    stream: Any = writer.pages[0]["/Contents"].get_object()
    stream._data = bomb
    stream[NameObject("/Filter")] = NameObject("/FlateDecode")
    written = io.BytesIO()
    writer.write(written)
    with pytest.raises(InputError, match=r"docs/a\.pdf, page 1: not a PDF file that can be read"):
        read(tmp_path, written.getvalue())
