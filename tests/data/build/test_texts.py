"""The texts of generators: what a language must have in common with the others."""

import pytest

from seodang.core.errors import RecipeError
from seodang.data.build.generator_texts import load_texts


def test_a_language_without_texts_is_told_with_those_that_there_are() -> None:
    with pytest.raises(RecipeError, match="`evolve` has no texts in the language `xx`") as caught:
        load_texts("evolve", "xx")
    assert caught.value.hint == "there are: en, ko"


@pytest.mark.parametrize("language", ["en", "ko"])
def test_seeds_of_tasks_are_enough_for_a_list_and_of_both_kinds(language: str) -> None:
    seeds = load_texts("self_instruct", language)["seeds"]
    assert len({row["task"] for row in seeds}) == len(seeds) >= 10
    assert 3 <= sum(row["label"] for row in seeds[:8]) <= 5
    assert sum(row["label"] for row in seeds) >= 4
    assert all(row["output"] for row in seeds)
