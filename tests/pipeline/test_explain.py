"""Every key of a recipe is told in words."""

import pytest

from seodang.core.errors import RecipeError
from seodang.pipeline.explain import explain, gate_keys, recipe_keys


def test_sections_by_name_and_their_keys_are_told() -> None:
    text = explain("distill.variants", width=200)
    assert "sections by name; each: further distilled arms by their names" in text
    assert "distill.variants.NAME.loss" in text
    assert "distill.variants.NAME.loss_settings  (number by name or null; default null)" in text


def test_a_key_with_a_value_of_its_own_making_is_not_required() -> None:
    told = {key.path: key for key in recipe_keys()}
    assert (told["distill.loss_settings"].kind, told["distill.loss_settings"].default) == ("number by name", "none")
    assert told["distill.learning_rate"].kind == "number or list of number"
    assert told["evaluate.guard.margin"].default == "0.1"
    assert told["gold.license"].default == "required"


def test_every_key_has_a_description() -> None:
    keys = recipe_keys() + gate_keys()
    kinds = ("kind", "rules.rule")  # which of several forms a section has
    assert [key.path for key in keys if key.kind and not key.description and not key.path.endswith(kinds)] == []


def test_a_gate_is_told_as_a_recipe_is() -> None:
    text = explain("gate", width=200)
    assert "alpha  (number, above 0, at most 0.05; default 0.025)" in text
    assert "tasks.rules.margin  (number, above 0, below 1; required)" in text
    assert "tasks.options  (value by name; default none)" in text
    part = explain("gate.regression", width=200)
    assert "regression.family" in part
    assert "tasks.task" not in part
    assert explain("gate.margin")


@pytest.mark.parametrize(("asked", "near"), [("gate.alhpa", "alpha"), ("gat", "gate"), ("distil", "distill")])
def test_a_key_that_is_misspelt_gets_a_near_match(asked: str, near: str) -> None:
    with pytest.raises(RecipeError) as caught:
        explain(asked)
    assert caught.value.hint == f"did you mean `{near}`?"
