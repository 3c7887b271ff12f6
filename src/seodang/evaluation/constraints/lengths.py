"""How long an answer is."""

from collections.abc import Mapping
from typing import Any

from seodang.evaluation.constraints.sentences import sentences_of, words_of

_HANGUL = ("가", "힣")


def words_at_least(text: str, params: Mapping[str, Any]) -> bool:
    """At least `n` words."""
    return len(words_of(text)) >= params["n"]


def words_at_most(text: str, params: Mapping[str, Any]) -> bool:
    """At most `n` words."""
    return len(words_of(text)) <= params["n"]


def sentences_exactly(text: str, params: Mapping[str, Any]) -> bool:
    """Exactly `n` sentences."""
    return len(sentences_of(text)) == params["n"]


def characters_at_least(text: str, params: Mapping[str, Any]) -> bool:
    """At least `n` characters other than white space."""
    return len("".join(text.split())) >= params["n"]


def characters_at_most(text: str, params: Mapping[str, Any]) -> bool:
    """At most `n` characters other than white space."""
    return len("".join(text.split())) <= params["n"]


def syllables_between(text: str, params: Mapping[str, Any]) -> bool:
    """From `low` to `high` syllables of Hangul; other characters do not count."""
    return params["low"] <= sum(_HANGUL[0] <= letter <= _HANGUL[1] for letter in text) <= params["high"]
