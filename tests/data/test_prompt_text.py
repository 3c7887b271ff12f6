"""Every language has the same texts, with the same places to fill in."""

import re
from importlib import resources
from typing import Any

import pytest

from seodang.core.errors import RecipeError
from seodang.core.records import Action
from seodang.data.build.prompt_text import load_prompts
from seodang.data.build.utterances import only_shows

PROMPTS = resources.files("seodang.data.build") / "prompts"
LANGUAGES = sorted(file.name.removesuffix(".yaml") for file in PROMPTS.iterdir() if file.is_file())


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


def asking(texts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every text that ends with an opener: its worked examples, its openers and how it asks."""
    ways = {way: {"ask": texts["utterance"]["ask"], **texts["utterance"][way]} for way in ("looking", "changing")}
    return {"question": texts["question"], "next_step": texts["next_step"], "general": texts["general"], **ways}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["question", "looking", "changing", "next_step", "general"])
def test_openers_are_distinct_and_at_least_sixteen(language: str, kind: str) -> None:
    openers = asking(load_prompts(language))[kind]["openers"]
    assert len(openers) == len(set(openers)) >= 16
    assert all(isinstance(opener, str) and opener == opener.strip() for opener in openers)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_worked_examples_are_laid_out_as_what_is_asked(language: str) -> None:
    """The preamble shows the marks that the asked text ends with, and ends with a whole line."""
    texts = load_prompts(language)
    for text in [*asking(texts).values(), texts["answer"]]:
        assert text["preamble"].endswith("\n")
        for line in text["ask"].split("\n"):
            assert f"\n{line.split('{')[0].strip()} " in text["preamble"]


@pytest.mark.parametrize(
    ("language", "name", "description", "shows"),
    [
        ("en", "check_card", "Does something to a card.", True),
        ("en", "card_report", "Shows the state of a card.", True),
        ("en", "freeze_card", "Freezes a card. Shows nothing.", False),
        ("en", "gettysburg_call", "Rings Gettysburg.", False),
        ("ko", "card_report", "카드의 상태를 보여 줍니다.", True),
        ("ko", "freeze_card", "카드를 정지합니다.", False),
    ],
)
def test_an_action_that_only_shows_something_is_told_from_one_that_changes_it(
    language: str, name: str, description: str, shows: bool
) -> None:
    assert only_shows(load_prompts(language)["utterance"], Action(name, ("p",), (description,))) == shows


def test_a_language_without_texts_is_named() -> None:
    with pytest.raises(RecipeError, match="no build prompts for language `xx`"):
        load_prompts("xx")
