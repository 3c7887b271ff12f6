"""Functions are found by their file's name, or by `package.module:name`."""

import math

import pytest

from seodang.core.errors import RecipeError
from seodang.core.registry import find_function, names_in


def test_a_function_is_found_by_its_files_name() -> None:
    from seodang.data.verify.grounded import grounded

    assert find_function("seodang.data.verify", "grounded") is grounded
    assert "grounded" in names_in("seodang.data.verify")


def test_a_function_of_other_people_is_found_by_its_place() -> None:
    assert find_function("seodang.data.verify", "math:sqrt") is math.sqrt


def test_an_unknown_name_gets_a_near_match() -> None:
    with pytest.raises(RecipeError) as caught:
        find_function("seodang.data.verify", "gruonded")
    assert caught.value.hint == "did you mean `grounded`?"


def test_a_name_like_no_other_gets_the_list() -> None:
    with pytest.raises(RecipeError) as caught:
        find_function("seodang.data.verify", "zzzz")
    assert "grounded" in str(caught.value.hint)


@pytest.mark.parametrize("name", ["no_such_module:f", "math:no_such_function"])
def test_a_place_that_cannot_be_imported_is_a_recipe_error(name: str) -> None:
    with pytest.raises(RecipeError, match="cannot import"):
        find_function("seodang.data.verify", name)
