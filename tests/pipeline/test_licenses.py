"""A run is refused before any work while a licence of its recipe is unknown, and its report says under which terms the student stands."""

from pathlib import Path
from typing import Any

import pytest

from seodang.core.errors import RecipeError
from seodang.core.licenses import UNKNOWN
from seodang.data.documents import load_documents
from seodang.models.source import LocalTeacher
from seodang.pipeline.context import RunContext
from seodang.pipeline.licenses import licenses, refuse_unknown_documents, refuse_unknown_licenses, unknown_licenses
from seodang.pipeline.recipe import LicensesSection, Recipe, load_recipe
from seodang.pipeline.run import run_recipe
from seodang.pipeline.workspace import Workspace
from small_project import small_recipe, write_project

REMOTE = {"kind": "openai_http", "url": "http://127.0.0.1:9/v1", "model": "A.X"}


def recipe_of(model: Path, **changes: Any) -> Recipe:
    return Recipe.model_validate({**small_recipe(model), **changes})


def test_every_place_without_a_licence_is_named(tmp_path: Path) -> None:
    row = small_recipe(tmp_path)
    student = {**row["teacher"], "license": "NOASSERTION"}
    documents = [*row["documents"], {"folder": "more"}]
    assert unknown_licenses(recipe_of(tmp_path)) == []
    found = unknown_licenses(recipe_of(tmp_path, documents=documents, teacher=REMOTE, student_model=student))
    assert found == ["documents.1.license", "teacher.license", "student_model.license"]
    gold = {"files": ["gold.jsonl"], "license": "unknown", "origin": "the help desk"}
    assert unknown_licenses(recipe_of(tmp_path, gold=gold)) == ["gold.license"]


def test_the_first_place_is_named_with_its_line(tmp_path: Path) -> None:
    def unlicensed(recipe: dict[str, Any]) -> None:
        recipe["teacher"]["license"] = "unknown"

    path = write_project(tmp_path, tmp_path / "no-model", unlicensed)
    with pytest.raises(RecipeError) as caught:
        run_recipe(RunContext(load_recipe(path), tmp_path, Workspace(tmp_path / "runs"), file=path))
    lines = path.read_text(encoding="utf-8").splitlines()
    assert caught.value.where == f"{path}:{lines.index('  license: unknown') + 1}"


@pytest.mark.parametrize("stated", [None, "unknown", ""])
def test_a_run_without_the_documents_licence_ends_before_anything_is_written(tmp_path: Path, stated: str | None) -> None:
    def unlicensed(recipe: dict[str, Any]) -> None:
        recipe["documents"][0] = {"folder": "documents"} | ({} if stated is None else {"license": stated})

    path = write_project(tmp_path, tmp_path / "no-model", unlicensed)
    with pytest.raises(RecipeError, match=r"`documents\.0\.license`: unknown") as caught:
        run_recipe(RunContext(load_recipe(path), tmp_path, Workspace(tmp_path / "runs")))
    assert caught.value.hint is not None
    assert "LicenseRef-own" in caught.value.hint
    assert not (tmp_path / "runs").exists()


def test_the_reports_licences_join_documents_teacher_and_student(tmp_path: Path) -> None:
    student = LocalTeacher(name="small", license="LicenseRef-gemma", path="x")
    found = licenses(recipe_of(tmp_path, teacher={**REMOTE, "license": "apache-2.0"}, student_model=student), student)
    assert found["documents"] == [{"source": "documents", "license": "CC0-1.0"}]
    assert found["teacher"] == {"name": "A.X", "license": "Apache-2.0"}
    assert found["combined"] == "Apache-2.0 AND CC0-1.0 AND LicenseRef-gemma"
    assert all(part in found["statement"] for part in ("small (LicenseRef-gemma)", "documents (CC0-1.0)", "A.X (Apache-2.0)"))
    assert licenses(recipe_of(tmp_path, documents=[{"folder": "d"}]), student)["combined"] == UNKNOWN


def test_a_run_may_train_on_what_is_unknown_and_its_student_stays(tmp_path: Path) -> None:
    student = LocalTeacher(name="small", license="MIT", path="x")
    recipe = recipe_of(tmp_path, documents=[{"folder": "d"}], licenses={"unknown": "train"})
    refuse_unknown_licenses(recipe)
    found = licenses(recipe, student)
    assert found["release_blocked_by"]["model"] == ["train: unknown", "commercial: unknown", "derive: unknown"]
    assert "Passing on the student for profit is blocked (train: unknown" in found["statement"]
    with pytest.raises(RecipeError, match="unknown") as caught:
        refuse_unknown_licenses(recipe_of(tmp_path, documents=[{"folder": "d"}]))
    assert "licenses: {unknown: train}" in str(caught.value.hint)


def test_what_denies_teaching_is_refused_whatever_else_the_recipe_says(tmp_path: Path) -> None:
    documents = [{"folder": "d", "license": "LicenseRef-contract", "permissions": {"train": "deny"}}]
    with pytest.raises(RecipeError, match=r"`documents\.0\.license`: does not allow a model to be taught"):
        refuse_unknown_licenses(recipe_of(tmp_path, documents=documents, licenses={"unknown": "train"}))


def test_permissions_are_joined_over_documents_teacher_and_student(tmp_path: Path) -> None:
    student = LocalTeacher(name="small", license="Apache-2.0", path="x")
    documents = [{"folder": "a", "license": "CC0-1.0"}, {"folder": "b", "license": "LicenseRef-KOGL-2"}]
    found = licenses(recipe_of(tmp_path, documents=documents), student)
    assert found["permissions"]["commercial"] == "deny"
    assert found["permissions"]["attribution"] == found["permissions"]["ai_label"] == "required"
    assert found["release_blocked_by"] == {"model": ["commercial: deny"], "data": ["commercial: deny"]}
    agreed = [documents[0], {**documents[1], "permissions": {"commercial": "allow"}}]
    assert licenses(recipe_of(tmp_path, documents=agreed), student)["release_blocked_by"] == {"model": [], "data": []}


def test_rows_with_licences_of_their_own_are_judged_by_them(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    rows = '{"text": "One long sentence.", "terms": "MIT"}\n{"text": "Another long one.", "terms": "CC-BY-NC-4.0"}\n'
    (tmp_path / "d" / "a.jsonl").write_text(rows)
    recipe = recipe_of(tmp_path, documents=[{"folder": "d", "license_field": "terms"}])
    assert unknown_licenses(recipe) == []
    documents = load_documents(recipe.documents, tmp_path, tmp_path)
    refuse_unknown_documents(recipe, documents)
    told = [{"origin": document.origin, "license": document.license} for document in documents]
    student = LocalTeacher(name="small", license="MIT", path="x")
    found = licenses(recipe, student, told)
    assert found["documents"] == [{"source": "d", "license": "CC-BY-NC-4.0 AND MIT"}]
    assert found["release_blocked_by"]["model"] == ["commercial: deny"]
    (tmp_path / "d" / "a.jsonl").write_text('{"text": "One long sentence."}\n')
    documents = load_documents(recipe.documents, tmp_path, tmp_path)
    with pytest.raises(RecipeError, match="states no licence") as caught:
        refuse_unknown_documents(recipe, documents)
    assert caught.value.where == "d/a.jsonl#1"
    refuse_unknown_documents(recipe.model_copy(update={"licenses": LicensesSection(unknown="train")}), documents)
