"""Every language has the same texts, with the same places to fill in."""

import re
from importlib import resources
from typing import Any

import pytest

from seodang.core.errors import RecipeError
from seodang.data.build.prompt_text import load_prompts

LANGUAGES = sorted(file.name.removesuffix(".yaml") for file in (resources.files("seodang.data.build") / "prompts").iterdir())


def shape(value: Any) -> Any:
    """Keys, lengths of lists (openers apart), and the fields that a text has."""
    if isinstance(value, dict):
        return {key: "openers" if key == "openers" else shape(child) for key, child in value.items()}
    return [shape(child) for child in value] if isinstance(value, list) else set(re.findall(r"\{(\w+)\}", value))


def test_english_and_korean_are_there() -> None:
    assert {"en", "ko"} <= set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_the_same_texts_and_fields_as_english(language: str) -> None:
    assert shape(load_prompts(language)) == shape(load_prompts("en"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["question", "utterance"])
def test_openers_are_distinct_and_at_least_sixteen(language: str, kind: str) -> None:
    openers = load_prompts(language)[kind]["openers"]
    assert len(openers) == len(set(openers)) >= 16
    assert all(isinstance(opener, str) and opener == opener.strip() for opener in openers)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_worked_examples_are_laid_out_as_what_is_asked(language: str) -> None:
    """The preamble shows the marks that the asked text ends with, and ends with a whole line."""
    texts = load_prompts(language)
    for kind in ("question", "answer", "utterance"):
        preamble = texts[kind]["preamble"]
        assert preamble.endswith("\n")
        for line in texts[kind]["ask"].split("\n"):
            assert f"\n{line.split('{')[0].strip()} " in preamble


def test_a_language_without_texts_is_named() -> None:
    with pytest.raises(RecipeError, match="no build prompts for language `xx`"):
        load_prompts("xx")
