"""The words of a text that carry its meaning, and those that must not be invented."""

import math
import re
from collections import Counter
from collections.abc import Sequence

from seodang.scoring.text_match import normalise

_FUNCTION_WORDS_TEXT = (
    "and or of to in on at by for from with without as is are was were be been being am do does did done have has had can could "
    "will would shall should may might must not no nor so if then than that this these those there here it its i me my mine you "
    "your yours he him his she her we us our they them their what which who whom whose when where why how many much some any "
    "each every all both either neither such same other another about into over under up down out off again also just only "
    "very too more most less least get got make made use used using want need like know help please"
)
_FUNCTION_WORDS = frozenset(_FUNCTION_WORDS_TEXT.split())
_MARKED = re.compile(r"\d[\w.]*|\b[a-z]+(?:_[a-z]+)+\b|(?<=[a-z,] )[A-Z][A-Za-z-]+|[A-Z]{2,}")


def content_words(text: str) -> set[str]:
    """The words that carry the meaning, without endings of number and tense: a rough stem of English, words as they are otherwise."""
    return {_stem(word) for part in normalise(text).split() for word in part.split("_") if word not in _FUNCTION_WORDS}


def _stem(word: str) -> str:
    for ending in ("ings", "ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word


def marked_words(text: str) -> set[str]:
    """Numbers, names of tools, capitalised names inside a sentence and abbreviations, normalised: what must not be invented."""
    return {normalise(word) for word in _MARKED.findall(text)} - {""}


def rarity(texts: Sequence[str]) -> dict[str, float]:
    """Inverse document frequency of each content word: log(number of texts / texts that have it)."""
    counts = Counter(word for text in texts for word in content_words(text))
    return {word: math.log(1 + len(texts) / count) for word, count in counts.items()}
