"""Whether a free answer is right: an accepted answer stands in it as whole words, and no wrong alternative does."""

import re
import unicodedata
from collections.abc import Iterable

_ARTICLES = frozenset({"a", "an", "the"})
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_NUMBER_AND_UNIT = re.compile(r"(\d+(?:\.\d+)*)([^\W\d].*)")
_TRAILING_ZEROS = re.compile(r"(\d+)(?:\.0+|(\.\d*[1-9])0+)")


def normalise(text: str) -> str:
    """Words in lower case, NFKC, with one space between them.

    Every punctuation mark and symbol is a space, but an underscore inside a name stays (`check_sim_status` is one word),
    so does the point inside a number, and `1,000` is `1000`. A number is parted from a unit: `2GB` and `2.0 GB` are both `2 gb`.
    The articles a, an and the are dropped.
    """
    seen = "".join(character for character in unicodedata.normalize("NFKC", text) if not _is_invisible(character))
    composed = _THOUSANDS.sub("", unicodedata.normalize("NFKC", seen.lower()))
    spaced = "".join(_character_or_space(composed, index) for index in range(len(composed)))
    words = (part for word in spaced.split() for part in _split_unit(word.strip("_")))
    return " ".join(word for word in words if word and word not in _ARTICLES)


def _is_invisible(character: str) -> bool:
    """Joiners, soft hyphens and variation selectors, which choose how a neighbour looks."""
    return unicodedata.category(character) == "Cf" or unicodedata.name(character, "").startswith("VARIATION SELECTOR")


def _character_or_space(text: str, index: int) -> str:
    """The character where it belongs to a word, otherwise a space. An accent belongs to the letter before it."""
    character = text[index]
    category = unicodedata.category(character)
    if category[0] in "LN" or character == "_":
        return character
    if category in ("Mn", "Mc") and index and unicodedata.category(text[index - 1])[0] in "LM":
        return character
    if character == "." and text[index - 1 : index].isdecimal() and text[index + 1 : index + 2].isdecimal():
        return character
    return " "


def _split_unit(word: str) -> tuple[str, ...]:
    found = None if "_" in word else _NUMBER_AND_UNIT.fullmatch(word)
    number, unit = (found[1], found[2]) if found else (word, "")
    zeros = _TRAILING_ZEROS.fullmatch(number)
    return (zeros[1] + (zeros[2] or "") if zeros else number, unit)


def contains_answer(answer: str, accepted: Iterable[str], wrong: Iterable[str]) -> bool:
    """Whether some accepted text stands in `answer` as whole words and no wrong one does, all of them normalised.

    A wrong text that is a part of a longer accepted one (wrong "covered", accepted "not covered") counts only where it stands
    outside of it. A text without any word stands nowhere.
    """
    words = normalise(answer).split()
    right_places = [place for text in accepted for place in _places(words, normalise(text).split())]
    wrong_places = [place for text in wrong for place in _places(words, normalise(text).split())]
    return bool(right_places) and all(any(_is_part_of(place, longer) for longer in right_places) for place in wrong_places)


def _places(words: list[str], wanted: list[str]) -> list[tuple[int, int]]:
    """Every (start, end) in `words` where `wanted` stands."""
    size = len(wanted)
    return [(start, start + size) for start in range(len(words) - size + 1) if words[start : start + size] == wanted] if size else []


def _is_part_of(place: tuple[int, int], longer: tuple[int, int]) -> bool:
    return place != longer and longer[0] <= place[0] and place[1] <= longer[1]
