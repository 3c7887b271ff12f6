"""Which words, letters and marks an answer has."""

import re
from collections.abc import Mapping
from typing import Any

from seodang.evaluation.adherence import script_share
from seodang.evaluation.constraints.sentences import words_of

_SHARE = 0.9  # of the letters that an answer in a language has in its script


def count_of(word: str, text: str) -> int:
    """How often a word stands in a text: whole words in Latin letters whatever their case, anywhere in Korean, where particles follow."""
    if re.search(r"[가-힣]", word):
        return text.count(word)
    return len(re.findall(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE))


def keyword_at_least(text: str, params: Mapping[str, Any]) -> bool:
    """`word` at least `n` times."""
    return count_of(params["word"], text) >= params["n"]


def keyword_exactly(text: str, params: Mapping[str, Any]) -> bool:
    """`word` exactly `n` times."""
    return count_of(params["word"], text) == params["n"]


def forbidden(text: str, params: Mapping[str, Any]) -> bool:
    """None of `words`."""
    return not any(count_of(word, text) for word in params["words"])


def no_commas(text: str, params: Mapping[str, Any]) -> bool:
    """No comma of any width."""
    return not re.search("[,，、]", text)


def no_digits(text: str, params: Mapping[str, Any]) -> bool:
    """No digit of any script."""
    return not any(letter.isdigit() for letter in text)


def starts_with(text: str, params: Mapping[str, Any]) -> bool:
    """`phrase` first, and something after it."""
    whole = text.strip()
    return whole.startswith(params["phrase"]) and len(whole) > len(params["phrase"])


def ends_with(text: str, params: Mapping[str, Any]) -> bool:
    """`phrase` last, and something before it."""
    whole = text.strip()
    return whole.endswith(params["phrase"]) and len(whole) > len(params["phrase"])


def letter_at_least(text: str, params: Mapping[str, Any]) -> bool:
    """The letter `letter` at least `n` times, whatever its case."""
    return text.lower().count(params["letter"]) >= params["n"]


def lowercase(text: str, params: Mapping[str, Any]) -> bool:
    """Latin letters, and all of them small."""
    return text.islower()


def uppercase(text: str, params: Mapping[str, Any]) -> bool:
    """Latin letters, and all of them capital."""
    return text.isupper()


def capital_words(text: str, params: Mapping[str, Any]) -> bool:
    """At least `n` words of two or more letters in capitals alone."""
    return sum(word.isupper() and sum(map(str.isalpha, word)) > 1 for word in words_of(text)) >= params["n"]


def in_language(text: str, params: Mapping[str, Any]) -> bool:
    """In the script of `language`, but for a tenth of its letters."""
    share = script_share(text, params["language"])
    return share is not None and share >= _SHARE
