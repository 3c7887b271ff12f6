"""What stands beside and inside of documents about their licence is kept as evidence and never becomes the licence."""

import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from seodang.core.errors import InputError, RecipeError
from seodang.core.hashing import digest_file
from seodang.core.sections import Section, load_section
from seodang.data.documents import Document, DocumentSource, FolderDocuments, WheelDocuments, load_documents, sources_digest
from seodang.data.sources.section import settings_row

DAY = 1_769_600_000  # 2026-01-28


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (DAY, DAY))


def load(folder: Path, **chosen: Any) -> dict[str, Document]:
    source = FolderDocuments.model_validate({"folder": "docs", "files": ["*.md", "*.html"], **chosen})
    return {document.name: document for document in load_documents([source], folder, folder)}


def test_the_nearest_licence_file_front_matter_and_a_pages_link_are_evidence(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    write(docs / "LICENSE", "\n  Creative Commons   Attribution 4.0\nlong text\n")
    write(docs / "inner" / "COPYING.txt", "# SPDX-License-Identifier: GFDL-1.3-or-later\n")
    write(docs / "a.md", "---\ntitle: Rules\nlicense: 'CC-BY-SA-4.0'\n---\nA rule is a rule for everybody.\n")
    write(docs / "inner" / "b.md", "license: MIT\nA rule is a rule for everybody.\n")
    write(docs / "c.html", '<link href="https://example.org/by" rel="license"><p>A rule is a rule for everybody.</p>')
    found = load(tmp_path)
    assert {name: [(told.kind, told.says, told.where, told.date) for told in d.evidence] for name, d in found.items()} == {
        "a.md": [
            ("front_matter", "CC-BY-SA-4.0", "docs/a.md", "2026-01-28"),
            ("license_file", "Creative Commons Attribution 4.0", "LICENSE", "2026-01-28"),
        ],
        "b.md": [("license_file", "GFDL-1.3-or-later", "inner/COPYING.txt", "2026-01-28")],
        "c.html": [
            ("page", "https://example.org/by", "docs/c.html", "2026-01-28"),
            ("license_file", "Creative Commons Attribution 4.0", "LICENSE", "2026-01-28"),
        ],
    }
    assert {document.license for document in found.values()} == {"unknown"}
    assert {str(document.permissions.train) for document in found.values()} == {"unknown"}


def test_the_recipe_says_who_says_so_and_what_else_was_agreed(tmp_path: Path) -> None:
    write(tmp_path / "docs" / "a.md", "A rule is a rule for everybody.\n")
    told = {"where": "https://example.org/terms", "date": "2026-02-01"}
    agreed = {"redistribute": "allow", "ai_label": "required"}
    (document,) = load(tmp_path, license="LicenseRef-own", evidence=told, permissions=agreed).values()
    assert [(e.kind, e.says, e.where, e.date) for e in document.evidence] == [
        ("recipe", "LicenseRef-own", "https://example.org/terms", "2026-02-01")
    ]
    assert document.permissions.row() == {
        "train": "allow",
        "redistribute": "allow",
        "commercial": "allow",
        "derive": "allow",
        "attribution": "not_required",
        "ai_label": "required",
    }


def test_a_packages_metadata_is_evidence(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    with zipfile.ZipFile(wheels / "shop-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("shop/rules.md", "A rule is a rule for everybody.\n")
        archive.writestr(
            zipfile.ZipInfo("shop-1.0.dist-info/METADATA", (2026, 1, 2, 0, 0, 0)),
            "Name: shop\nClassifier: License :: OSI Approved :: MIT\n",
        )
    sha256 = digest_file(wheels / "shop-1.0-py3-none-any.whl")
    source = WheelDocuments(package="shop", version="1.0", sha256=sha256, files=("shop/rules.md",), license="CC0-1.0")
    (document,) = load_documents([source], tmp_path, tmp_path)
    (told,) = document.evidence
    assert (told.kind, told.says, told.date) == ("package", "License :: OSI Approved :: MIT", "2026-01-02")
    assert document.license == "CC0-1.0"
    assert document.original is not None
    assert document.original.read() == b"A rule is a rule for everybody.\n"


def test_recipes_from_before_keep_the_keys_of_their_steps(tmp_path: Path) -> None:
    """The digest that the version before other kinds of files gave for the same folder and package."""
    write(tmp_path / "docs" / "a.md", "# 환불\n구매 후 14일 안에 신청하세요.\n")
    (tmp_path / "docs" / "b.html").write_bytes("<p>반품은 됩니다.</p>".encode("cp949"))
    wheel = WheelDocuments(package="shop", version="1.0", sha256="0" * 64, files=("a",), license="MIT")
    chosen = FolderDocuments(folder="docs", license="MIT", language="ko", files=("*.md",), held_out=("a.md",))
    found = sources_digest([wheel, FolderDocuments(folder="docs"), chosen], tmp_path)
    assert found == "3f4249fe2485109aff71a134e5184f1ac053c969a0a638381c922e63ae3b7e93"


def test_what_changes_a_text_changes_the_digest_and_evidence_does_not(tmp_path: Path) -> None:
    write(tmp_path / "docs" / "a.md", "A rule is a rule for everybody.\n")
    plain = FolderDocuments(folder="docs")
    told = FolderDocuments.model_validate({"folder": "docs", "evidence": {"where": "a letter"}})
    assert settings_row(told) == settings_row(plain)
    before = sources_digest([plain], tmp_path)
    for change in ({"unicode_form": "nfc"}, {"text_field": "body"}, {"permissions": {"train": "allow"}}):
        assert sources_digest([FolderDocuments.model_validate({"folder": "docs", **change})], tmp_path) != before
    write(tmp_path / "docs" / "b.jsonl", '{"text": "One more sentence."}\n')
    assert sources_digest([plain], tmp_path) != before


class _Recipe(Section):
    documents: tuple[DocumentSource, ...]


def test_a_misspelt_permission_is_told_with_its_line(tmp_path: Path) -> None:
    write(tmp_path / "r.yaml", "documents:\n  - folder: docs\n    permissions:\n      train: yes please\n")
    with pytest.raises(RecipeError, match=r"`documents\.0\.permissions\.train`") as caught:
        load_section(_Recipe, tmp_path / "r.yaml")
    assert caught.value.where == f"{tmp_path / 'r.yaml'}:4"


@pytest.mark.parametrize(("name", "module"), [("a.pdf", "pypdf"), ("a.docx", "docx"), ("a.parquet", "pyarrow")])
def test_a_reader_that_is_not_installed_is_named_with_what_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, module: str
) -> None:
    write(tmp_path / "docs" / name, "x")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match="which is not installed") as caught:
        load(tmp_path, files=[name])
    assert caught.value.where == f"docs/{name}"
    assert caught.value.hint == "pip install 'seodang[data]'"
