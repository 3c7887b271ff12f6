"""Texts as arrays of code points without what does not change their wording: composition, width, case, invisible marks, white space."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

OTHER, WORD, CJK = 0, 1, 2  # kinds of characters: punctuation and space; letters and digits of words; characters that stand alone
TABLE_SIZE = 0x20000  # the first two planes; beyond them are only Han characters and marks, which fold to themselves
_NARROW = re.compile("[\uff61-\uffdc]+")
_DROPPED = 0xFFFFFFFF
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0")


@dataclass(frozen=True, slots=True)
class Folded:
    """The code points of several texts one after the other: text i is `codes[offsets[i]:offsets[i + 1]]`."""

    codes: NDArray[np.uint32]
    offsets: NDArray[np.int64]


def fold(texts: Sequence[str], *, collapse: bool = True) -> Folded:
    """NFC, full and half width made one, simple case folding, invisible characters dropped, white space as one space and none at the ends.

    Case folding keeps one character one (`ß` stays), so that positions can be counted. Without `collapse` each white space is one space.
    """
    composed = [unicodedata.normalize("NFC", text) for text in texts]
    codes = _codes(composed)
    if ((codes >= 0xFF61) & (codes <= 0xFFDC)).any():  # one letter of narrow kana or jamo can be two characters
        composed = [unicodedata.normalize("NFC", _NARROW.sub(_widened, text)) for text in composed]
        codes = _codes(composed)
    ends = np.cumsum(np.fromiter(map(len, composed), np.int64, len(composed)))
    folds, _ = _tables()
    found = folds.take(codes.astype(np.int64), mode="clip")
    codes = np.where(codes < TABLE_SIZE, found, codes) if codes.size and int(codes.max()) >= TABLE_SIZE else found
    codes, ends = _keep(codes, ends, codes != _DROPPED)
    return _collapse(codes, ends) if collapse else Folded(codes, np.concatenate([np.zeros(1, np.int64), ends]))


def kinds(codes: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """OTHER, WORD or CJK for each folded code point. Marks such as accents belong to the word that they stand in."""
    _, table = _tables()
    found = table.take(codes.astype(np.int64), mode="clip")
    return np.where(codes < TABLE_SIZE, found, np.uint8(CJK)) if codes.size and int(codes.max()) >= TABLE_SIZE else found


def owners_of(places: NDArray[np.int64], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """The text that each of the ascending places is in, where text i begins at `offsets[i]`."""
    return np.repeat(np.arange(offsets.size - 1), np.diff(np.searchsorted(places, offsets)))


def only(folded: Folded, keep: NDArray[np.bool_]) -> Folded:
    """The code points for which `keep` is true, text by text."""
    codes, ends = _keep(folded.codes, folded.offsets[1:], keep)
    return Folded(codes, np.concatenate([np.zeros(1, np.int64), ends]))


def _codes(texts: Sequence[str]) -> NDArray[np.uint32]:
    return np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), "<u4")


def _widened(found: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", found[0])


def _keep(codes: NDArray[np.uint32], ends: NDArray[np.int64], keep: NDArray[np.bool_]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    if keep.all():
        return codes, ends
    kept = np.flatnonzero(keep)
    return codes.take(kept), np.searchsorted(kept, ends)


def _collapse(codes: NDArray[np.uint32], ends: NDArray[np.int64]) -> Folded:
    """White space as one space between words, none at the ends of a text."""
    space = codes == 0x20
    offsets = np.concatenate([np.zeros(1, np.int64), ends])
    first = np.zeros(codes.size + 1, np.bool_)
    first[offsets[:-1]] = True
    keep = ~space
    keep[1:] |= ~space[:-1]
    keep &= ~(space & first[:-1])
    codes, ends = _keep(codes, ends, keep)
    last = ends[np.diff(ends, prepend=0) > 0] - 1
    trailing = last[codes[last] == 0x20]
    keep = np.ones(codes.size, np.bool_)
    keep[trailing] = False
    codes, ends = _keep(codes, ends, keep)
    return Folded(codes, np.concatenate([np.zeros(1, np.int64), ends]))


@cache
def _tables() -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """For each code point of the first two planes what it folds to, and the kind of what it folds to."""
    folds = np.arange(TABLE_SIZE, dtype=np.uint32)
    table = np.zeros(TABLE_SIZE, np.uint8)
    for code in range(TABLE_SIZE):
        character = chr(code)
        category = unicodedata.category(character)
        if character.isspace():
            folds[code] = 0x20
        elif category in ("Cf", "Cc") or character in _FILLERS or 0xFE00 <= code <= 0xFE0F:
            folds[code] = _DROPPED
        elif category not in ("Cn", "Co", "Cs"):
            folds[code] = ord(_folded(character))
            table[code] = _kind(character, category)
    return folds, table


def _folded(character: str) -> str:
    if unicodedata.decomposition(character).startswith(("<wide>", "<narrow>")):
        widened = unicodedata.normalize("NFKC", character)
        character = widened if len(widened) == 1 else character
    return next((changed for changed in (character.casefold(), character.lower()) if len(changed) == 1), character)


def _kind(character: str, category: str) -> int:
    name = unicodedata.name(character, "")
    if category[0] == "L" and name.startswith(("HANGUL", "CJK", "HIRAGANA", "KATAKANA", "IDEOGRAPHIC", "BOPOMOFO")):
        return CJK
    return WORD if category[0] in "LNM" else OTHER
