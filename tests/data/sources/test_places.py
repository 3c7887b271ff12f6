"""Every span of a text file or a page leads back to bytes that decode to it, in every encoding and every form of Hangul."""

import html
import re
import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import data, lists, sampled_from, text

from seodang.core.errors import InputError
from seodang.core.records import Passage
from seodang.data.documents import Document, FolderDocuments, load_documents, source_bytes
from seodang.data.html_text import html_stretches, html_to_text
from seodang.data.passages import split_passages
from seodang.data.sources.places import ByteRange, PageRange
from seodang.data.sources.source_map import Run, build_map, composed
from seodang.data.text_decoding import decode, split_line_ends

ENCODINGS = {
    "utf-8": b"",
    "utf-8-sig": b"\xef\xbb\xbf",
    "utf-16-le": b"\xff\xfe",
    "utf-16-be": b"\xfe\xff",
    "utf-32-le": b"\xff\xfe\0\0",
    "utf-32-be": b"\0\0\xfe\xff",
    "cp949": b"",
}
LETTERS = "가간각나다 abc.\r\n"
PAGE_PARTS = [
    *["<p>", "</p>", "<li>", "<ul>", "<td>", "<h2>", "</h2>", "<br>", "<pre>", "</pre>", "<b>", "</>", "<!-- c -->", "<", "|"],
    *["&amp;", "&lt", "&notit;", "&#44032;", "&#x41;", "&", "&amp;amp;", "&nbsp;", "가나", "다 라", "x", ";", " ", "\n", " \r\n "],
]


def encoded(content: str, encoding: str) -> bytes:
    return ENCODINGS[encoding] + content.encode(encoding.removesuffix("-sig"))


def load_one(folder: Path, name: str, content: bytes, **settings: object) -> Document:
    (folder / "docs").mkdir(exist_ok=True)
    for old in (folder / "docs").iterdir():
        old.unlink()
    (folder / "docs" / name).write_bytes(content)
    (document,) = load_documents([FolderDocuments.model_validate({"folder": "docs", **settings})], folder, folder)
    return document


def original(document: Document, content: bytes, start: int, end: int) -> str:
    (place,) = document.locate(start, end)
    assert isinstance(place, ByteRange)
    return content[place.start : place.end].decode(place.encoding)


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(text(alphabet=LETTERS, min_size=1), sampled_from(sorted(ENCODINGS)), data())
def test_the_bytes_of_any_span_decode_to_it(tmp_path: Path, content: str, encoding: str, drawn: object) -> None:
    written = "한글입니다 " * 250 + content  # over a checkpoint, and Korean enough to be told from other eight-bit encodings
    raw = encoded(written, encoding)
    document = load_one(tmp_path, "a.txt", raw)
    assert document.text == written.replace("\r\n", "\n").replace("\r", "\n")
    start, end = sorted(drawn.draw(lists(sampled_from(range(len(document.text) + 1)), min_size=2, max_size=2)))  # pyright: ignore
    found = original(document, raw, start, end)
    assert found.replace("\r\n", "\n").replace("\r", "\n") == document.text[start:end]
    assert original(document, raw, 0, len(document.text)) == written


def test_spans_that_touch_share_no_byte_and_leave_none_out(tmp_path: Path) -> None:
    raw = encoded("가나\r\n다 b\rc\n" * 500, "utf-16-le")
    document = load_one(tmp_path, "a.md", raw)
    places = [document.locate(place, place + 1)[0] for place in range(len(document.text))]
    assert places[0].start == 2
    assert all(one.end == other.start for one, other in pairwise(places))
    assert places[-1].end == len(raw)


def test_every_character_of_cp949_stands_for_its_own_bytes() -> None:
    """The map measures bytes by encoding again; the oracle is the codec in the other direction, for all its double bytes."""
    for first in range(0x81, 0xFF):
        for second in range(0x41, 0xFF):
            pair = bytes([first, second])
            letter = pair.decode("cp949", errors="replace")
            assert "\ufffd" in letter or letter.encode("cp949") == pair


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(lists(sampled_from([*"가각a\u1100\u1161\u11a8\u0301e\u0327\u212b\u0344\u1112", "\r\n", " "]), max_size=30))
def test_composing_gives_nfc_and_every_character_its_bytes(parts: list[str]) -> None:
    """The oracle is the standard library's normalisation of the whole, and of the bytes that a character is said to come from."""
    raw = "".join(parts).encode()
    decoded = decode(raw, "a.txt")
    kinds = (ByteRange("utf-8"),)
    runs: list[Run] = []
    place = 0
    for now, written in split_line_ends(decoded.text):
        runs.append(Run(now, place, place + len(written.encode()), now == written))
        place += len(written.encode())
    content, source = build_map(composed(runs, kinds), kinds)
    assert content == unicodedata.normalize("NFC", decoded.text.replace("\r\n", "\n"))
    pieces = [source.locate(content, place, place + 1)[0] for place in range(len(content))]
    for letter, piece in zip(content, pieces, strict=True):
        assert letter in unicodedata.normalize("NFC", raw[piece.start : piece.end].decode().replace("\r\n", "\n"))
    if content:
        assert source.locate(content, 0, len(content)) == (ByteRange("utf-8", 0, len(raw)),)


def test_jamo_are_composed_only_where_it_is_asked_for(tmp_path: Path) -> None:
    written = unicodedata.normalize("NFD", "반품은 14일 안에 됩니다.\n")
    assert load_one(tmp_path, "a.txt", written.encode()).text == written
    document = load_one(tmp_path, "a.txt", written.encode(), unicode_form="nfc")
    assert document.text == "반품은 14일 안에 됩니다.\n"
    assert original(document, written.encode(), 0, 3) == unicodedata.normalize("NFD", "반품은")
    assert document.language == "ko"


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=300)
@given(lists(sampled_from(PAGE_PARTS), max_size=14))
def test_a_pages_text_leads_back_to_the_page(parts: list[str]) -> None:
    """What is verbatim stands there letter by letter; a decoded reference or white space is what the standard library makes of the page."""
    page = "".join(parts).replace("\r\n", "\n")
    stretches = html_stretches(page, "a.html")
    assert "".join(stretch.text for stretch in stretches) == html_to_text(page, "a.html")
    place = 0
    for stretch in stretches:
        assert place <= stretch.start <= stretch.end
        place = stretch.start
        written = page[stretch.start : stretch.end]
        if stretch.verbatim:
            assert written == stretch.text
        elif stretch.text.strip() and written and not set(stretch.text) & set("#-|"):
            assert html.unescape(written) == stretch.text


@pytest.mark.parametrize("encoding", ["utf-8", "cp949", "utf-16-be"])
def test_passages_of_a_page_have_their_exact_bytes(tmp_path: Path, encoding: str) -> None:
    page = (
        "<html><body><h1>반품 &amp; 환불</h1>\r\n<p>구매 후 <b>14일</b> 안에\r\n  신청하세요 &lt;영수증&gt;.</p>"
        "<ul><li>상자는&nbsp;그대로 둡니다.</li></ul></body>"
    )
    raw = encoded(page, encoding)
    document = load_one(tmp_path, "a.html", raw)
    found = {p.text: source_bytes(document, p) for p in split_passages(document.name, document.text, language="ko", license="x")}
    codec = encoding
    assert {words: told.content.decode(codec) for words, told in found.items() if told.content is not None} == {
        "구매 후 14일 안에 신청하세요 <영수증>.": "구매 후 <b>14일</b> 안에\r\n  신청하세요 &lt;영수증&gt;.",
        "상자는 그대로 둡니다.": "상자는&nbsp;그대로 둡니다.",
    }


def test_a_real_korean_page_in_pieces(tmp_path: Path) -> None:
    """Each word of the text is found in the bytes it is said to come from, once tags are taken out and entities decoded."""
    page = Path(__file__).with_name("page_ko.html").read_bytes()
    document = load_one(tmp_path, "page.html", page)
    words = list(re.finditer(r"[가-힣]{2,}", document.text))
    assert len(words) > 80
    for word in words:
        written = original(document, page, word.start(), word.end())
        assert html.unescape(re.sub(r"<[^>]*>", "", written)) == word[0]
    references = {"…": "&hellip;", "한": "&#54620;", "<": "&lt;", "&": "&amp;", "‘": "&lsquo;"}
    for letter, reference in references.items():
        place = document.text.index(f"{letter}글도" if letter == "한" else letter)
        assert original(document, page, place, place + 1) == reference


def test_a_file_that_was_changed_since_is_told(tmp_path: Path) -> None:
    document = load_one(tmp_path, "a.txt", b"Ask within 14 days.\n")
    passage = Passage("a.txt", 0, 3, "Ask", "", "", "Ask", "en", "x")
    assert source_bytes(document, passage).content == b"Ask"
    (tmp_path / "docs" / "a.txt").write_bytes(b"Ask within 15 days.\n")
    with pytest.raises(InputError, match="was changed"):
        source_bytes(document, passage)
    (tmp_path / "docs" / "a.txt").unlink()
    with pytest.raises(InputError, match="cannot be read again"):
        source_bytes(document, passage)


def test_a_span_outside_of_the_text_and_a_document_without_a_source_are_refused(tmp_path: Path) -> None:
    document = load_one(tmp_path, "a.txt", b"abc")
    with pytest.raises(ValueError, match="no span"):
        document.locate(1, 4)
    with pytest.raises(InputError, match="not at hand"):
        Document("a", "abc", "", "MIT", "en", "a").locate(0, 1)


def test_what_was_added_between_two_parts_has_no_place_of_its_own() -> None:
    runs = [Run("ab", 0, 2, True, 0), Run("\n", 2, 2, False, 0), Run("cd", 5, 7, True, 1)]
    content, source = build_map(runs, (PageRange(1), PageRange(2)))
    assert source.locate(content, 1, 4) == (PageRange(1, 1, 2), PageRange(2, 5, 6))
    assert source.locate(content, 2, 3) == (PageRange(1, 2, 2),)
    assert source.locate(content, 5, 5) == (PageRange(2, 7, 7),)
