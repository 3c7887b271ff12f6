"""The kinds of constraints: how each is drawn and checked, and which do not go together.

A kind has one `aspect`, and no two kinds of one aspect are asked at once. `excludes` names kinds and aspects that it does not go with:
either they contradict each other, or one of them would make it unclear how the other is counted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from seodang.evaluation.constraints import korean_forms, layout, lengths, wording

Topic = Mapping[str, Any]
Draw = Callable[[Random, Topic, str], dict[str, Any]]
Check = Callable[[str, Mapping[str, Any]], bool]
_BOTH, _KOREAN, _ENGLISH = ("en", "ko"), ("ko",), ("en",)


@dataclass(frozen=True, slots=True)
class Kind:
    """`draw(random, topic, language)` gives parameters as JSON holds them; `check(text, parameters)` says whether an answer keeps to it."""

    check: Check
    draw: Draw
    aspect: str
    excludes: frozenset[str] = frozenset()
    languages: tuple[str, ...] = _BOTH


def _nothing(random: Random, topic: Topic, language: str) -> dict[str, Any]:
    return {}


def _n(*choices: int) -> Draw:
    return lambda random, topic, language: {"n": random.choice(choices)}


def _one_of(key: str, name: str) -> Draw:
    return lambda random, topic, language: {name: random.choice(topic[key])}


def _keyword(*choices: int) -> Draw:
    return lambda random, topic, language: {"word": random.choice(topic["keywords"]), "n": random.choice(choices)}


def _words(key: str) -> Draw:
    return lambda random, topic, language: {"words": random.sample(topic[key], 3)}


def _syllables(random: Random, topic: Topic, language: str) -> dict[str, Any]:
    low = random.choice((40, 60, 80, 100))
    return {"low": low, "high": low + 60}


def _letter(random: Random, topic: Topic, language: str) -> dict[str, Any]:
    return {"letter": random.choice("bcfgpvwy"), "n": random.choice((3, 4, 5, 6))}


def _consonant(random: Random, topic: Topic, language: str) -> dict[str, Any]:
    return {"consonant": random.choice("ㄱㄴㄷㅁㅂㅅㅇㅈㅎ")}


def _request(random: Random, topic: Topic, language: str) -> dict[str, Any]:
    return {"request": topic["request"]}


def _acrostic(random: Random, topic: Topic, language: str) -> dict[str, Any]:
    return {"word": topic["word"], "length": len(topic["word"])}


def _other_language(random: Random, topic: Topic, language: str) -> dict[str, Any]:
    return {"language": "ko" if language == "en" else "en"}


_SHAPE = frozenset({"shape"})
_EDGES = frozenset({"start", "end"})
_ALONE = frozenset({"length", "case", "start", "end", "speech", "commas", "brackets", "stars", "letter", "numerals", "script"})

KINDS: dict[str, Kind] = {
    "words_at_least": Kind(lengths.words_at_least, _n(30, 50, 80, 120), "length"),
    "words_at_most": Kind(lengths.words_at_most, _n(30, 40, 60), "length", frozenset({"repeated", "numerals"})),
    "sentences_exactly": Kind(lengths.sentences_exactly, _n(2, 3, 4, 5), "length", _SHAPE | _EDGES),
    "characters_at_least": Kind(lengths.characters_at_least, _n(80, 120, 200), "length", languages=_KOREAN),
    "characters_at_most": Kind(lengths.characters_at_most, _n(80, 100, 150), "length", _SHAPE | _EDGES | {"numerals"}, _KOREAN),
    "syllables_between": Kind(lengths.syllables_between, _syllables, "length", _SHAPE | _EDGES | {"numerals"}, _KOREAN),
    "paragraphs": Kind(layout.paragraphs, _n(2, 3, 4), "shape", _EDGES),
    "bullets": Kind(layout.bullets, _n(2, 3, 4, 5), "shape", frozenset({"quoted", "title", "repeated", "stars"})),
    "numbered": Kind(layout.numbered, _n(3, 4, 5), "shape", frozenset({"numerals", "quoted", "title", "repeated"})),
    "json_only": Kind(layout.json_only, _nothing, "shape", _ALONE),
    "two_answers": Kind(layout.two_answers, _nothing, "shape", _EDGES | {"stars"}),
    "acrostic": Kind(layout.acrostic, _acrostic, "shape", _ALONE | {"keyword"}),
    "title": Kind(layout.title, _nothing, "start", frozenset({"speech", "script"})),
    "quoted": Kind(layout.quoted, _nothing, "start", frozenset({"end"})),
    "repeated": Kind(layout.repeated, _request, "start", _ALONE | {"keyword", "avoided"}),
    "starts_with": Kind(wording.starts_with, _one_of("starts_with", "phrase"), "start", frozenset({"case", "script"})),
    "initial": Kind(korean_forms.initial, _consonant, "start", frozenset({"in_language", "shape"}), _KOREAN),
    "ends_with": Kind(wording.ends_with, _one_of("ends_with", "phrase"), "end", frozenset({"speech", "case", "script"})),
    "postscript": Kind(layout.postscript, _one_of("postscript", "mark"), "end", frozenset({"speech", "case", "script"})),
    "highlighted": Kind(layout.highlighted, _n(2, 3), "stars"),
    "placeholders": Kind(layout.placeholders, _n(2, 3), "brackets"),
    "keyword_at_least": Kind(wording.keyword_at_least, _keyword(2, 3), "keyword"),
    "keyword_exactly": Kind(wording.keyword_exactly, _keyword(2, 3), "keyword"),
    "forbidden": Kind(wording.forbidden, _words("avoid"), "avoided"),
    "no_loanwords": Kind(korean_forms.no_loanwords, _words("loanwords"), "avoided", languages=_KOREAN),
    "no_commas": Kind(wording.no_commas, _nothing, "commas"),
    "no_digits": Kind(wording.no_digits, _nothing, "numerals"),
    "native_numerals": Kind(korean_forms.native_numerals, _n(2, 3, 4), "numerals", frozenset({"in_language"}), _KOREAN),
    "letter_at_least": Kind(wording.letter_at_least, _letter, "letter", frozenset({"in_language"}), _ENGLISH),
    "lowercase": Kind(wording.lowercase, _nothing, "case", languages=_ENGLISH),
    "uppercase": Kind(wording.uppercase, _nothing, "case", languages=_ENGLISH),
    "capital_words": Kind(wording.capital_words, _n(2, 3, 4), "case", languages=_ENGLISH),
    "in_language": Kind(wording.in_language, _other_language, "script", frozenset({"keyword", "avoided", "case", "letter", "length"})),
    "hangul_only": Kind(korean_forms.hangul_only, _nothing, "script", languages=_KOREAN),
    "formal": Kind(korean_forms.formal, _nothing, "speech", frozenset({"in_language"}), _KOREAN),
    "polite": Kind(korean_forms.polite, _nothing, "speech", frozenset({"in_language"}), _KOREAN),
    "plain": Kind(korean_forms.plain, _nothing, "speech", frozenset({"in_language"}), _KOREAN),
    "nominal": Kind(korean_forms.nominal, _nothing, "speech", frozenset({"in_language"}), _KOREAN),
}  # fmt: skip


def go_together(one: str, other: str) -> bool:
    """Whether two kinds can be asked at once."""
    return KINDS[one].aspect != KINDS[other].aspect and not _excludes(one, other) and not _excludes(other, one)


def _excludes(one: str, other: str) -> bool:
    return not KINDS[one].excludes.isdisjoint({other, KINDS[other].aspect})
