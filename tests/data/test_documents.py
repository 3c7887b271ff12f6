"""Documents are read exactly, whatever their encoding; what is not text is refused by name."""

import hashlib
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import binary, text
from pydantic import TypeAdapter

from seodang.core.errors import InputError, RecipeError
from seodang.core.sections import Section, load_section
from seodang.data.documents import (
    Document,
    DocumentSource,
    FolderDocuments,
    WheelDocuments,
    guess_language,
    load_documents,
    sources_digest,
)
from seodang.data.html_text import html_to_text
from seodang.data.passages import split_passages
from seodang.data.text_decoding import decode_text

KOREAN = "# 환불\n구매 후 14일 안에 신청하세요. 영수증이 없으면 교환만 됩니다.\n"
ENGLISH = "# Returns\nAsk within 14 days. A lost receipt allows exchange only.\n"


def load(folder: Path, *sources: DocumentSource) -> list[Document]:
    return load_documents(sources or (FolderDocuments(folder="docs"),), folder / "store", folder)


def write(folder: Path, **files: bytes | str) -> None:
    """Files below `docs`; `__` in a name is a folder and the last `_` the dot before its ending."""
    for name, content in files.items():
        path = folder / "docs" / ".".join(name.replace("__", "/").rsplit("_", 1))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp949", "euc-kr"])
def test_korean_is_read_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    content = KOREAN.encode(encoding)
    write(tmp_path, rules_txt=content)
    (document,) = load(tmp_path)
    assert document == Document("rules.txt", KOREAN, hashlib.sha256(content).hexdigest(), "unknown", "ko", "docs/rules.txt")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_told_by_its_mark_alone(encoding: str) -> None:
    content = ENGLISH.encode(encoding)
    assert decode_text("\ufeff".encode(encoding) + content, "a.txt") == ENGLISH
    with pytest.raises(InputError, match="NUL bytes"):
        decode_text(content, "a.txt")


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(text(alphabet="가힣한글 abc.\n\r"))
def test_text_comes_back_as_python_reads_it(content: str) -> None:
    """The oracle is Python's own text mode, which turns every line end into one newline."""
    expected = content.replace("\r\n", "\n").replace("\r", "\n")
    assert decode_text(content.encode(), "a.txt") == expected


def refusal(read: Callable[[], str]) -> InputError | None:
    """None where it was read; any other exception is a fault."""
    try:
        read()
    except InputError as error:
        return error
    return None


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(binary())
def test_any_bytes_are_text_or_an_input_error(content: bytes) -> None:
    error = refusal(lambda: decode_text(content, "a.txt"))
    assert error is None or (error.where == "a.txt" and error.hint)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_spans_are_exact_in_either_form_of_hangul(tmp_path: Path, form: str) -> None:
    """Offsets count characters of the file as it is written; nothing is composed or decomposed on the way."""
    content = unicodedata.normalize(form, KOREAN)  # pyright: ignore[reportArgumentType]
    write(tmp_path, rules_md=content)
    (document,) = load(tmp_path)
    assert document.text == (tmp_path / "docs" / "rules.md").read_text(encoding="utf-8")
    passages = split_passages(document.name, document.text, language=document.language, license=document.license)
    assert [document.text[p.start : p.end] for p in passages] == [p.text for p in passages]
    assert len(passages) == 2
    assert document.language == "ko"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"%PDF-1.7 text", "a PDF file"),
        (b"PK\x03\x04rest", "a ZIP archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "HWP"),
        (b"\x89PNG\r\n", "a PNG picture"),
        (b"plain\0text", "NUL bytes"),
        (b"caf\xe9 au lait", "not text in UTF-8 (byte 3)"),
        (b"the customer\x92s bill isn\x92t due", "not text in UTF-8"),
        ("退款必须在十四天之内申请".encode("gbk"), "not text in UTF-8"),
        ("返品は十四日以内です".encode("euc-jp"), "not text in UTF-8"),
        (b"\xff\xfea", "not text in UTF-16"),
        (b"", "an empty document"),
        (b" \n\t\n", "an empty document"),
    ],
)
def test_what_is_not_text_is_refused_by_name(tmp_path: Path, content: bytes, what: str) -> None:
    write(tmp_path, good_md=ENGLISH, bad_txt=content)
    with pytest.raises(InputError) as caught:
        load(tmp_path)
    assert caught.value.where == "docs/bad.txt"
    assert what in caught.value.what
    assert caught.value.hint


def test_html_becomes_headings_lines_and_bullets() -> None:
    page = """<!doctype html><html><head><title>Shop</title><style>p {}</style><script>var a = "<p>x</p>";</script></head>
    <body><nav><ul><li>Home<li>Shop</ul></nav><h1>Returns &amp; <em>refunds</em></h1><p>Ask within
    14&nbsp;days.<br>Keep the receipt.</p><ul><li><p>One <b>box</b></p></li><li>Two<br>boxes<ol><li>inside</ol></li></ul>
    <table><tr><th>Plan<th>Data</tr><tr> <td>Basic</td><td>2&nbsp;GB</td></tr></table><pre>a  b
c</pre></body></html>"""
    assert html_to_text(page, "a.html").split("\n") == [
        "# Returns & refunds",
        "",
        "Ask within 14 days.",
        "Keep the receipt.",
        "- One box",
        "- Two boxes",
        "  - inside",
        "Plan | Data",
        "Basic | 2 GB",
        "a b",
        "c",
        "",
    ]


def test_navigation_that_is_never_closed_ends_with_what_it_stands_in() -> None:
    assert html_to_text("<div><nav><a>Home</a></div><p>Text of the page.", "a.html") == "Text of the page.\n"


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(text(alphabet="<>/!&;p li\"'=-[]#h1a"))
def test_any_page_is_read_or_an_input_error(page: str) -> None:
    error = refusal(lambda: html_to_text(page, "a.html"))
    assert error is None or error.where == "a.html"


def test_spans_of_a_page_refer_to_its_text(tmp_path: Path) -> None:
    content = "<h2>환불</h2><p>구매 후 14일 안에 신청하세요.</p>".encode("cp949")
    write(tmp_path, rules_htm=content)
    (document,) = load(tmp_path)
    (passage,) = split_passages(document.name, document.text, language="ko", license="x")
    assert document.text[passage.start : passage.end] == "구매 후 14일 안에 신청하세요."
    assert passage.heading == "환불"
    assert document.sha256 == hashlib.sha256(content).hexdigest()


def test_names_are_the_shortest_that_tell_documents_apart(tmp_path: Path) -> None:
    write(tmp_path, a__rules_md=ENGLISH, b__rules_md=ENGLISH, b__c__more_md=ENGLISH)
    (tmp_path / "docs" / unicodedata.normalize("NFD", "환불.md")).write_text(KOREAN, encoding="utf-8")
    assert [document.name for document in load(tmp_path)] == ["a/rules.md", "more.md", "b/rules.md", "환불.md"]
    with pytest.raises(InputError, match="named twice"):
        load(tmp_path, *[FolderDocuments(folder="docs")] * 2)


def test_patterns_choose_files_whatever_their_case_and_hidden_ones_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path, a__RULES_MD=ENGLISH, b_text=ENGLISH, notes__c_md=ENGLISH)
    (tmp_path / "docs" / ".git").mkdir()
    (tmp_path / "docs" / ".git" / "d.md").write_text(ENGLISH)
    (tmp_path / "docs" / ".e.md").write_text(ENGLISH)
    assert [document.name for document in load(tmp_path)] == ["RULES.MD", "c.md"]
    chosen = FolderDocuments(folder="docs", files=("*.text", "**/notes/*.md"), license="MIT", language="en")
    assert [(d.name, d.license, d.origin) for d in load(tmp_path, chosen)] == [
        ("b.text", "MIT", "docs/b.text"),
        ("c.md", "MIT", "docs/notes/c.md"),
    ]


def test_documents_that_are_held_out_are_marked(tmp_path: Path) -> None:
    write(tmp_path, a_md=ENGLISH, b_md=ENGLISH)
    assert [document.taught for document in load(tmp_path, FolderDocuments(folder="docs", held_out=("B.md",)))] == [True, False]
    with pytest.raises(InputError, match=r"no document matches `c\.md` of `held_out`"):
        load(tmp_path, FolderDocuments(folder="docs", held_out=("c.md",)))


@pytest.mark.parametrize(
    ("folder", "what", "hint"),
    [
        ("dcos", "no such folder", "`docs`"),
        ("C:\\docs", "Windows path", "forward slashes"),
        ("docs/empty", "an empty folder", "put"),
        ("docs/a.png", "a file, not a folder", "folder"),
        ("docs", "no file matches", ".png"),
    ],
)
def test_a_folder_without_documents_says_what_to_do(tmp_path: Path, folder: str, what: str, hint: str) -> None:
    write(tmp_path, a_png=b"\x89PNG")
    (tmp_path / "docs" / "empty").mkdir()
    with pytest.raises(InputError, match=what) as caught:
        load(tmp_path, FolderDocuments(folder=folder))
    assert caught.value.where == folder
    assert hint in str(caught.value.hint)


def make_wheel(folder: Path) -> str:
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "shop-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("shop/rules.md", ENGLISH)
    return hashlib.sha256((folder / "shop-1.0-py3-none-any.whl").read_bytes()).hexdigest()


def test_documents_of_a_package_are_read_from_its_wheel(tmp_path: Path) -> None:
    sha256 = make_wheel(tmp_path / "store" / "wheels")
    source = WheelDocuments(package="shop", version="1.0", sha256=sha256, files=("shop/rules.md",), license="MIT")
    (document,) = load(tmp_path, source)
    assert (document.name, document.text, document.license, document.language) == ("rules.md", ENGLISH, "MIT", "en")
    assert document.origin == "shop==1.0/shop/rules.md"
    with pytest.raises(InputError, match=r"no file `shop/absent\.md`"):
        load(tmp_path, source.model_copy(update={"files": ("shop/absent.md",)}))


def test_the_digest_changes_with_the_bytes_and_the_settings_and_needs_no_wheel(tmp_path: Path) -> None:
    write(tmp_path, a_md=ENGLISH)
    wheel = WheelDocuments(package="shop", version="1.0", sha256="0" * 64, files=("a",), license="MIT")
    folder = FolderDocuments(folder="docs")
    first = sources_digest([wheel, folder], tmp_path)
    assert first == sources_digest([wheel, folder], tmp_path)
    others = [sources_digest([wheel], tmp_path), sources_digest([wheel, folder.model_copy(update={"license": "MIT"})], tmp_path)]
    write(tmp_path, a_md=ENGLISH + " ")
    others.append(sources_digest([wheel, folder], tmp_path))
    assert len({first, *others}) == 4


class _Recipe(Section):
    documents: tuple[DocumentSource, ...]


@pytest.mark.parametrize(
    ("source", "what", "line"),
    [
        ({"folder": "docs", "fils": ["*.md"]}, r"`documents.0.fils`: unknown key", 3),
        ({"license": "MIT"}, r"`documents.0.folder`: missing", 2),
        ({"package": "shop", "version": "1.0"}, r"`documents.0.sha256`: missing", 2),
        ({"folder": "docs", "language": "Korean"}, r"`documents.0.language`", 3),
    ],
)
def test_a_fault_in_a_source_is_about_the_kind_that_was_meant(tmp_path: Path, source: dict[str, object], what: str, line: int) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump({"documents": [source]}, sort_keys=False))
    with pytest.raises(RecipeError, match=what) as caught:
        load_section(_Recipe, path)
    assert caught.value.where == f"{path}:{line}"


def test_a_source_survives_json() -> None:
    adapter: TypeAdapter[DocumentSource] = TypeAdapter(DocumentSource)
    for source in (FolderDocuments(folder="docs"), WheelDocuments(package="a", version="1", sha256="0" * 64, files=("b",), license="MIT")):
        assert adapter.validate_json(adapter.dump_json(source)) == source


@pytest.mark.parametrize(
    ("content", "language"),
    [(KOREAN, "ko"), (ENGLISH, "en"), ("1 2 3", "en"), ("한글 word", "ko"), ("한 words many", "en")],
)
def test_a_document_is_korean_from_three_letters_in_ten(content: str, language: str) -> None:
    assert guess_language(content) == guess_language(unicodedata.normalize("NFD", content)) == language
