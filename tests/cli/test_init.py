"""`seodang init` looks at a folder, writes a recipe and an exam, and says what a run will cost; errors are one line and a hint."""

import sys
from pathlib import Path

import pytest

from seodang.cli.main import main
from seodang.evaluation.exam import count_unapproved, load_exam
from seodang.pipeline.licenses import unknown_licenses
from seodang.pipeline.recipe import load_recipe

TEXT = "# Returns\nA damaged item may be returned within 14 days. Run reset_code() when the till is stuck.\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "my-docs").mkdir()
    (tmp_path / "my-docs" / "returns.md").write_text(TEXT)
    (tmp_path / "my-docs" / "page.html").write_text("<h1>Ovens</h1><p>An oven is tested for 48 hours before it is sold.</p>")
    (tmp_path / "my-docs" / "photo.png").write_bytes(b"\x89PNG")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def seodang(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["seodang", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def test_a_folder_becomes_a_recipe_and_an_exam(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert seodang(monkeypatch, "init", "my-docs/") == 0
    told = capsys.readouterr().out
    for part in (
        "my-docs: 2 documents",
        "returns.md: 98 characters, 2 passages, en",
        "not read: 1 .png",
        "actions: 1 (reset_code)",
        "wrote recipes/my_docs.yaml",
        "minutes",
        "tokens",
        "GB",
        "next: seodang run recipes/my_docs.yaml",
    ):
        assert part in told
    assert load_recipe(here / "recipes" / "my_docs.yaml").name == "my_docs"
    exam = here / "recipes" / "my_docs_exam.jsonl"
    assert count_unapproved([exam]) == len(load_exam([exam])) == 3


def test_a_dry_run_writes_nothing(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(here.rglob("*"))
    assert seodang(monkeypatch, "init", "my-docs", "--dry-run") == 0
    assert sorted(here.rglob("*")) == before
    told = capsys.readouterr().out
    assert "would cost" in told
    assert "wrote" not in told


def test_a_recipe_is_replaced_only_with_force(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert seodang(monkeypatch, "init", "my-docs", "--output", "a.yaml") == 0
    (here / "a.yaml").write_text("mine: true\n")
    assert seodang(monkeypatch, "init", "my-docs", "--output", "a.yaml") == 2
    assert (here / "a.yaml").read_text() == "mine: true\n"
    assert "error: a.yaml: exists already\nhint: " in capsys.readouterr().err
    assert seodang(monkeypatch, "init", "my-docs", "--output", "a.yaml", "--force") == 0
    assert load_recipe(here / "a.yaml").name == "a"


def test_a_licence_that_is_given_is_written_and_one_that_is_not_is_asked_for(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert seodang(monkeypatch, "init", "my-docs", "--license", "licenseRef-own") == 3
    assert "error: --license: `licenseRef-own` is not on the SPDX list" in capsys.readouterr().err
    assert seodang(monkeypatch, "init", "my-docs", "--license", "cc-by-4.0") == 0
    assert "not known yet" not in capsys.readouterr().out
    recipe = here / "recipes" / "my_docs.yaml"
    assert unknown_licenses(load_recipe(recipe)) == []
    assert load_recipe(recipe).documents[0].license == "CC-BY-4.0"
    options = ("--force", "--teacher", "http://127.0.0.1:9/v1", "--model", "A.X")
    assert seodang(monkeypatch, "init", "my-docs", *options) == 0
    assert capsys.readouterr().out.count("not known yet") == 2
    assert unknown_licenses(load_recipe(recipe)) == ["documents.0.license", "teacher.license"]
    assert "license: unknown  # FILL IN" in recipe.read_text(encoding="utf-8")
    assert seodang(monkeypatch, "run", str(recipe)) == 2
    told = capsys.readouterr().err
    line = 1 + next(number for number, text in enumerate(recipe.read_text(encoding="utf-8").splitlines()) if "license: unknown" in text)
    assert told.startswith(f"error: {recipe}:{line}: `documents.0.license`, `teacher.license`: unknown")
    assert "LicenseRef-own" in told
    assert seodang(monkeypatch, "init", "my-docs", *options, "--license", "LicenseRef-own", "--teacher-license", "LicenseRef-service") == 0
    assert unknown_licenses(load_recipe(recipe)) == []


def test_on_a_terminal_the_licence_is_asked_until_it_is_one(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = iter(["CC-BY", "LicenseRef-own"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.prompt", lambda *arguments, **options: next(answers))
    assert seodang(monkeypatch, "init", "my-docs") == 0
    assert "did you mean `CC-BY-4.0`?" in capsys.readouterr().err
    assert load_recipe(here / "recipes" / "my_docs.yaml").documents[0].license == "LicenseRef-own"
    assert list(answers) == []


def test_korean_documents_are_warned_about_on_stderr(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "ko").mkdir()
    (here / "ko" / "안내.txt").write_bytes("반품은 14일 안에 할 수 있습니다.\n".encode("cp949"))
    assert seodang(monkeypatch, "init", "ko") == 0
    told = capsys.readouterr()
    assert "cannot write Korean" in told.err
    assert "warning" not in told.out
    assert load_recipe(here / "recipes" / "ko.yaml").build.prompts == "ko"


@pytest.mark.parametrize(
    ("folder", "what"),
    [
        ("my-dosc", "my-dosc: no such folder\nhint: did you mean `my-docs`?"),
        ("C:\\my-docs", "C:\\my-docs: looks like a Windows path"),
        ("my-docs/returns.md", "my-docs/returns.md: a file, not a folder"),
        ("empty", "empty: an empty folder"),
        ("binary", "binary/a.txt: not a text file but a PDF file"),
        ("pictures", "pictures: no file matches"),
    ],
)
def test_a_folder_that_cannot_be_used_is_one_clear_error(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: str, what: str
) -> None:
    for name, file in (("binary", "a.txt"), ("pictures", "a.png")):
        (here / name).mkdir()
        (here / name / file).write_bytes(b"%PDF-1.7")
    (here / "empty").mkdir()
    assert seodang(monkeypatch, "init", folder) == 3
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"error: {what}")
    assert told.err.count("\n") == 2
    assert not (here / "recipes").exists()


def test_every_kind_of_file_is_taken_and_what_is_passed_over_is_told(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import docx
    import pyarrow
    from pyarrow import parquet
    from reportlab.pdfgen.canvas import Canvas

    docs = here / "my-docs"
    canvas = Canvas(str(docs / "manual.pdf"))
    canvas.drawString(72, 700, "The manual says that a lamp burns for 900 hours.")
    canvas.save()
    document = docx.Document()
    document.add_paragraph("The letter says that a desk is 75 cm high.")
    document.save(str(docs / "letter.docx"))
    (docs / "~$letter.docx").write_bytes(b"x")
    (docs / "rows.jsonl").write_text('{"text": "The row says that rain fell on 12 days.", "license": "MIT"}\n{"text": ""}\n')
    parquet.write_table(pyarrow.table({"text": ["The table says that 40 trains stop here."]}), docs / "table.parquet")
    (docs / "LICENSE").write_text("SPDX-License-Identifier: CC-BY-4.0\n")
    assert seodang(monkeypatch, "init", "my-docs", "--license", "CC-BY-4.0") == 0
    told = capsys.readouterr().out
    for part in (
        "my-docs: 6 documents",
        "manual.pdf:",
        "letter.docx:",
        "rows.jsonl#1:",
        "table.parquet#0:",
        "passed over: 1, left by Office while a file is open (my-docs/~$letter.docx)",
        "passed over: 1, a row without text (my-docs/rows.jsonl:2)",
        "licence evidence: LICENSE: 'CC-BY-4.0'; it is not taken over",
        "licence evidence: my-docs/rows.jsonl:1: license: 'MIT'",
        "not read: 1 LICENSE, 1 .png",
    ):
        assert part in told
    assert load_recipe(here / "recipes" / "my_docs.yaml").documents[0].license == "CC-BY-4.0"
