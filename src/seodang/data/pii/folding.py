"""A text as its reader sees it, with the place of each of its characters in the original.

Wide and circled digits are digits, all dashes are `-`, all spaces are one kind, decomposed Hangul is composed, what cannot be seen is
left out, and letters that stand among digits and look like digits are digits. Every recogniser reads the folded text.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

# A Hangul syllable in conjoining jamo, or a character with the combining marks that belong to it.
_CLUSTER = re.compile(r"[\u1100-\u115f][\u1160-\u11a7][\u11a8-\u11ff]?|[^\u0300-\u036f][\u0300-\u036f]+")
_LOOKS_LIKE = str.maketrans("OoОоΟο〇○lI|ІіΙ", "00000000111111")
_AMONG_DIGITS = re.compile(r"(?<![A-Za-z])[0-9OoОоΟο〇○lI|ІіΙ][0-9OoОоΟο〇○lI|ІіΙ .()-]{6,28}[0-9OoОоΟο〇○lI|ІіΙ](?![A-Za-z])")
_LONG_DASHES = "ー―─━〜～"
_LEAST_DIGITS = 5  # in a run of digits and letters that look like them, from which the letters are read as digits


@dataclass(frozen=True, slots=True)
class Folded:
    """`text[i]` was made of `original[starts[i]:ends[i]]`. `starts` and `ends` are as long as `text`, offsets in characters."""

    original: str
    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The part of the original of which `text[start:end]` was made; `end` above `start`."""
        return self.starts[start], self.ends[end - 1]


def fold(text: str) -> Folded:
    """The text as recognisers read it. Plain ASCII stays as it is, but for letters among digits."""
    if text.isascii():
        return Folded(text, _read_digits(text.replace("\t", " ")), range(len(text)), range(1, len(text) + 1))
    folded: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    place = 0
    for start, end, made in _pieces(text):
        if start > place:
            _add_characters(text, place, start, folded, starts, ends)
        folded.extend(made)
        starts.extend([start] * len(made))
        ends.extend([end] * len(made))
        place = end
    _add_characters(text, place, len(text), folded, starts, ends)
    return Folded(text, _read_digits("".join(folded)), starts, ends)


def _pieces(text: str) -> list[tuple[int, int, str]]:
    """Clusters of several characters that are read as one: where they stand, and what is read."""
    found = [(match.start(), match.end(), unicodedata.normalize("NFC", match[0])) for match in _CLUSTER.finditer(text)]
    return [(start, end, "".join(map(fold_character, made))) for start, end, made in found]


def _add_characters(text: str, first: int, last: int, folded: list[str], starts: list[int], ends: list[int]) -> None:
    for index in range(first, last):
        made = fold_character(text[index])
        if len(made) == 1:
            folded.append(made)
            starts.append(index)
            ends.append(index + 1)
        else:
            folded.extend(made)
            starts.extend([index] * len(made))
            ends.extend([index + 1] * len(made))


@lru_cache(maxsize=20_000)
def fold_character(character: str) -> str:
    """What is read of one character: nothing for what cannot be seen, and for marks over other characters."""
    category = unicodedata.category(character)
    if category in ("Cf", "Mn", "Me", "Cs") or character in "\u115f\u1160\u3164\uffa0":
        return ""
    if category == "Pd" or character in _LONG_DASHES or character == "\u2212":
        return "-"
    if category == "Zs" or character == "\t":
        return " "
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    return unicodedata.normalize("NFKC", character) if unicodedata.decomposition(character) and not _is_syllable(character) else character


def _is_syllable(character: str) -> bool:
    return "가" <= character <= "힣"


def _read_digits(text: str) -> str:
    """The text with letters that look like digits read as digits, where most of their neighbours are digits."""

    def read(match: re.Match[str]) -> str:
        run = match[0]
        digits = sum(letter.isdigit() for letter in run)
        alike = sum(letter.isalpha() or letter in "|〇○" for letter in run)
        return run.translate(_LOOKS_LIKE) if digits >= _LEAST_DIGITS and digits > alike else run

    return _AMONG_DIGITS.sub(read, text)
