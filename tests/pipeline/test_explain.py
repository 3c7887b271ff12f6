"""Every key of a recipe is told in words."""

from seodang.pipeline.explain import explain_recipe, recipe_keys


def test_sections_by_name_and_their_keys_are_told() -> None:
    text = explain_recipe("distill.variants", width=200)
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
    assert [key.path for key in recipe_keys() if key.kind and not key.description and not key.path.endswith("kind")] == []
