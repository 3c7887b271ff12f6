"""Word files give headings, paragraphs, lists and tables in order; every span leads back to a run; nothing in a file is run or fetched."""

import io
import re
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import docx
import pytest
from docx.oxml import OxmlElement

from seodang.core.errors import InputError
from seodang.data.documents import Document, FolderDocuments, read_documents
from seodang.data.passages import split_passages
from seodang.data.sources.places import RunRange

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def saved(document: Any) -> bytes:
    written = io.BytesIO()
    document.save(written)
    return written.getvalue()


def rewritten(content: bytes, change: dict[str, tuple[bytes, bytes]], **added: bytes) -> bytes:
    """The archive with bytes of its members replaced, and members added."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            before, after = change.get(name, (b"", b""))
            assert before in old.read(name)
            new.writestr(name, old.read(name).replace(before, after) if before else old.read(name))
        for name, data in added.items():
            new.writestr(name.replace("__", "/"), data)
    return written.getvalue()


def read(folder: Path, content: bytes) -> Document:
    (folder / "docs").mkdir(exist_ok=True)
    (folder / "docs" / "a.docx").write_bytes(content)
    (document,) = read_documents([FolderDocuments(folder="docs")], folder, folder).documents
    return document


def handbook() -> Any:
    document = docx.Document()
    document.add_heading("매장 안내", 0)
    document.add_paragraph("반품은 ").add_run("14일").bold = True
    document.paragraphs[-1].add_run(" 안에 됩니다.")
    document.add_heading("요금", 2)
    document.add_paragraph("상자는 그대로 둡니다.", style="List Bullet")
    document.add_paragraph("영수증을 넣습니다.", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for cell, words in zip([c for row in table.rows for c in row.cells], ["물건", "기한", "옷과 신발", "14일\n이내"], strict=True):
        cell.text = words
    document.add_paragraph("표 다음의 글입니다.\n둘째 줄입니다.")
    return document


def in_file(content: bytes, place: RunRange) -> str:
    """The oracle: another XML parser, which counts paragraphs and runs by itself."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        root = ElementTree.fromstring(archive.read(place.part))
    run = list(list(root.iter(f"{W}p"))[place.paragraph].iter(f"{W}r"))[place.run]
    letters = {f"{W}tab": "\t", f"{W}br": "\n", f"{W}cr": "\n"}
    return "".join(child.text or "" if child.tag == f"{W}t" else letters.get(child.tag, "") for child in run)[place.start : place.end]


def test_all_blocks_stand_in_order(tmp_path: Path) -> None:
    document = read(tmp_path, saved(handbook()))
    assert document.text == (
        "# 매장 안내\n\n반품은 14일 안에 됩니다.\n\n## 요금\n\n- 상자는 그대로 둡니다.\n- 영수증을 넣습니다.\n\n"
        "| 물건 | 기한 |\n| --- | --- |\n| 옷과 신발 | 14일 이내 |\n\n표 다음의 글입니다.\n둘째 줄입니다.\n"
    )
    statements = [p.statement for p in split_passages(document.name, document.text, language="ko", license="x")]
    assert "물건: 옷과 신발, 기한: 14일 이내" in statements


def test_every_word_leads_back_to_its_run(tmp_path: Path) -> None:
    content = saved(handbook())
    document = read(tmp_path, content)
    for word in re.finditer(r"[^\s|#-]+", document.text):
        assert "".join(in_file(content, place) for place in document.locate(*word.span())) == word[0]  # pyright: ignore[reportArgumentType]
    sentence = document.text.index("반품은 14일 안에 됩니다.")
    places = document.locate(sentence, sentence + len("반품은 14일 안에 됩니다."))
    assert [(place.paragraph, place.run) for place in places if isinstance(place, RunRange)] == [(1, 0), (1, 1), (1, 2)]


def test_what_was_deleted_is_not_read_and_what_was_inserted_or_linked_is(tmp_path: Path) -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("It stays. ")
    for tag, words in (("w:del", "It goes. "), ("w:moveFrom", "It moves. "), ("w:ins", "It comes. "), ("w:hyperlink", "It links.")):
        wrapper, run, text = OxmlElement(tag), OxmlElement("w:r"), OxmlElement("w:delText" if tag == "w:del" else "w:t")
        text.text = words
        run.append(text)
        wrapper.append(run)
        paragraph._p.append(wrapper)
    content = saved(document)
    found = read(tmp_path, content)
    assert found.text.replace("  ", " ") == "It stays. It comes. It links.\n".replace("  ", " ")
    (place,) = found.locate(found.text.index("links"), found.text.index("links") + 5)
    assert isinstance(place, RunRange)
    assert (place.run, in_file(content, place)) == (4, "links")


def test_notes_stand_at_the_end(tmp_path: Path) -> None:
    note = '<w:footnote w:id="1"><w:p><w:r><w:t>A note says more.</w:t></w:r></w:p></w:footnote>'
    notes = f'<w:footnotes xmlns:w="{W[1:-1]}">{note}</w:footnotes>'
    relation = (
        b'<Relationship Id="rId99" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"'
        b' Target="footnotes.xml"/></Relationships>'
    )
    kind = (
        b'<Override PartName="/word/footnotes.xml"'
        b' ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"/></Types>'
    )
    change = {"word/_rels/document.xml.rels": (b"</Relationships>", relation), "[Content_Types].xml": (b"</Types>", kind)}
    document = read(tmp_path, rewritten(saved(handbook()), change, **{"word__footnotes.xml": notes.encode()}))
    assert document.text.endswith("\n\nA note says more.\n")
    assert document.locate(len(document.text) - 5, len(document.text) - 1) == (RunRange("word/footnotes.xml", 0, 0, 13, 17),)


def test_entities_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("do not read this")
    start = b"<?xml version='1.0' encoding='UTF-8' standalone='yes'?>"
    entity = start + b'<!DOCTYPE d [<!ENTITY x SYSTEM "' + secret.as_uri().encode() + b'">]>'
    content = rewritten(saved(handbook()), {"word/document.xml": (start, entity)})
    content = rewritten(content, {"word/document.xml": ("표 다음의".encode(), "표 &x; 다음의".encode())})
    assert "do not read" not in read(tmp_path, content).text


def test_macros_stay_where_they_are(tmp_path: Path) -> None:
    content = rewritten(saved(handbook()), {}, word__vbaProject_bin=b"Sub AutoOpen()")
    assert "AutoOpen" not in read(tmp_path, content).text
    main = b"wordprocessingml.document.main+xml"
    kind = {"[Content_Types].xml": (b"openxmlformats-officedocument." + main, b"ms-word.document.macroEnabled.main+xml")}
    with pytest.raises(InputError, match="not a Word file that can be read") as caught:
        read(tmp_path, rewritten(saved(handbook()), kind))
    assert caught.value.hint


def bomb() -> bytes:
    return rewritten(saved(handbook()), {}, word__media__a_bin=b"\0" * (40 << 20))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "not a Word file"),
        (b"PK\x03\x04 torn", "not a Word file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "locked by a password, or an old Word file"),
        (saved(docx.Document()), "an empty document"),
    ],
)
def test_what_cannot_be_read_says_so(tmp_path: Path, content: bytes, what: str) -> None:
    with pytest.raises(InputError, match=what) as caught:
        read(tmp_path, content)
    assert caught.value.where == "docs/a.docx"
    assert caught.value.hint


def test_a_file_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unpacks to 40 MiB"):
        read(tmp_path, bomb())


def test_what_office_leaves_behind_is_passed_over_and_told(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "~$a.docx").write_bytes(b"x")
    (tmp_path / "docs" / ".hidden.md").write_text("hidden")
    (tmp_path / "docs" / "a.docx").write_bytes(saved(handbook()))
    reading = read_documents([FolderDocuments(folder="docs")], tmp_path, tmp_path)
    assert [document.name for document in reading.documents] == ["a.docx"]
    assert {passed.where: passed.reason for passed in reading.skipped} == {
        "docs/.hidden.md": "a hidden file",
        "docs/~$a.docx": "left by Office while a file is open",
    }
