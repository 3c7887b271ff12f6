"""The recipes that come with seodang can be read, and agree with one another where they say so."""

from pathlib import Path

import pytest

from seodang.models.source import LocalTeacher
from seodang.pipeline.recipe import ARMS, Recipe, load_recipe

FOLDER = Path(__file__).parent.parent / "recipes"
RECIPES = sorted(FOLDER.glob("*.yaml"))


def recipe(name: str) -> Recipe:
    return load_recipe(FOLDER / f"{name}.yaml")


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_is_named_like_its_file_and_its_exams_exist(path: Path) -> None:
    read = load_recipe(path)
    assert read.name == path.stem
    assert all((FOLDER / exam).is_file() for exam in (*read.evaluate.exam, *read.evaluate.general))


def test_the_full_recipe_trains_as_the_demo_does() -> None:
    """Only what is built, kept and asked is more: every arm, every item, three seeds."""
    demo, full = recipe("telecom_demo"), recipe("telecom_helpdesk")
    for part in ("teacher", "student_model", "student", "targets", "distill", "export"):
        assert getattr(full, part) == getattr(demo, part), part
    assert full.evaluate.arms == ARMS
    assert full.evaluate.seeds == (0, 1, 2)
    assert full.evaluate.max_items is None
    assert full.evaluate.max_general is None


def test_the_pruned_student_is_taught_what_the_demo_teaches() -> None:
    """All that comes before training, and the untaught arms, are reused."""
    demo, pruned = recipe("telecom_demo"), recipe("telecom_pruned")
    for part in ("seed", "documents", "teacher", "student_model", "build", "verify", "targets", "evaluate"):
        assert getattr(pruned, part) == getattr(demo, part), part
    assert pruned.student.method == "depth_prune"


def test_the_student_with_its_own_tokenizer_is_taught_what_the_demo_teaches() -> None:
    demo, own = recipe("telecom_demo"), recipe("telecom_own_tokenizer")
    for part in ("seed", "documents", "teacher", "student_model", "build", "verify", "evaluate"):
        assert getattr(own, part) == getattr(demo, part), part
    assert own.student.vocabulary_size == 8192
    assert (own.distill.loss, own.targets.codec) == ("alm", "likelihoods")


def test_terms_that_bind_what_is_taught_are_named_where_weights_stand_under_them() -> None:
    """The Gemma terms ask for it; the student's weights are free of them, and get them by being taught."""
    gemma = recipe("telecom_gemma")
    assert isinstance(gemma.teacher, LocalTeacher)
    assert gemma.student_model == recipe("telecom_demo").teacher
    assert gemma.teacher.terms is not None
    assert gemma.teacher.chat_template is not None
    assert (FOLDER / gemma.teacher.chat_template).is_file()
    assert len(gemma.teacher.parts) == 4
