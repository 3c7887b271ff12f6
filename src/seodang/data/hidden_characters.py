"""Characters that a reader does not see, or takes for others, with their places: carriers of hidden orders and of triggers.

Source of the classes: Unicode Technical Reports 36 and 39, Unicode Technical Standard 51 (emoji), Trojan Source (arXiv 2111.00169).
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

_INVISIBLE = frozenset("\u200b\u2060\u2061\u2062\u2063\u2064\u00ad\u180e\u034f\u17b4\u17b5\u3164\uffa0\ufff9\ufffa\ufffb") | {
    chr(code) for code in range(0x206A, 0x2070)
}
_JOINERS = "\u200c\u200d"
_MARKS = "\u200e\u200f\u061c"  # direction of one place
_ISOLATES = "\u2066\u2067\u2068\u2069\u202a\u202b\u202c"
_OVERRIDES = "\u202d\u202e"
_FLAGS = ("gbeng", "gbsct", "gbwls")  # the flags that are written in tags (UTS 51)
_SUSPECT = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800"
    r"\u3164\ud800-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U0001bca0-\U0001bcaf\U0001d173-\U0001d17a\U000e0000-\U0010ffff]"
)
_ZALGO = re.compile(
    r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{5,}"
)  # more marks on one letter than a language needs
_JAMO = re.compile(r"[\u1100-\u115f\ua960-\ua97c][\u1160-\u11a7\ud7b0-\ud7c6]")
_WORD = re.compile(r"[^\W\d_]{3,}")
# Letters that most fonts draw like a Latin one.
_CYRILLIC = frozenset("АВЕЅІЈКМНОРСТУХЬаеѕіјорсухһԁԛԝѵьӏҮүЗ")
_GREEK = frozenset("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧονιυκραγϲϳ")


@dataclass(frozen=True, slots=True)
class Hidden:
    """`text[start:end]` is hidden or misleading. `says` is what tags or selectors spell, where they spell something in ASCII."""

    kind: str
    start: int
    end: int
    says: str = ""


def hidden_characters(text: str) -> list[Hidden]:
    """What hides in a text, in order; runs of one kind are one find. Emoji and scripts that need joiners do not hide."""
    if text.isascii() and not _SUSPECT.search(text):
        return []
    singles = [(match.start(), kind) for match in _SUSPECT.finditer(text) if (kind := _kind(text, match.start()))]
    singles += [(index, "unassigned") for index, letter in enumerate(text) if _is_unassigned(letter) and not _SUSPECT.match(letter)]
    found = list(_runs(text, sorted(singles)))
    found += [Hidden("combining marks", match.start(), match.end()) for match in _ZALGO.finditer(text)]
    found += _lookalikes(text)
    return sorted(found, key=lambda hidden: (hidden.start, hidden.end))


def num_decomposed(text: str) -> int:
    """Hangul syllables that are written in conjoining jamo (NFD). They are seen as they are, but compare unequal to composed ones."""
    return len(_JAMO.findall(text))


def _kind(text: str, place: int) -> str:
    """What the character at a place hides as; empty where it belongs there."""
    letter = text[place]
    code = ord(letter)
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    if letter == "\ufeff":
        return "" if place == 0 else "zero width"
    if letter in _JOINERS:
        return "" if _joins(text, place) else "zero width"
    if letter in "\u115f\u1160":
        return "" if _is_jamo(before) or _is_jamo(after) else "zero width"
    if letter == "\u2800":
        return "" if "\u2800" <= (before or " ") <= "\u28ff" and "\u2801" <= (after or " ") <= "\u28ff" else "zero width"
    if letter in _INVISIBLE:
        return "zero width"
    if letter in _MARKS or letter in _ISOLATES:
        return "" if any(unicodedata.bidirectional(other) in ("R", "AL") and other.isalpha() for other in text) else "direction"
    if letter in _OVERRIDES:
        return "direction"
    if 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF or 0x180B <= code <= 0x180F:
        return "" if _is_variant(before, code) else "variation selector"
    if 0xE0000 <= code <= 0xE007F:
        return "" if _in_flag(text, place) else "tag"
    category = unicodedata.category(letter)
    names = {"Cc": "control", "Cs": "surrogate", "Co": "private use", "Cf": "zero width", "Cn": "unassigned"}
    return "" if letter in "\t\n\r" else names.get(category, "")


def _is_unassigned(letter: str) -> bool:
    """Whether a character has no meaning in Unicode. Blocks that later versions fill with emoji and ideographs are let through."""
    code = ord(letter)
    if code < 0x370 or unicodedata.category(letter) != "Cn":
        return False
    return code & 0xFFFE == 0xFFFE or not (0x1F000 <= code <= 0x1FBFF or 0x1FC00 <= code <= 0x1FFFD or 0x20000 <= code <= 0x3FFFD)


def _is_jamo(letter: str) -> bool:
    return bool(letter) and (0x1100 <= ord(letter) <= 0x11FF or 0xA960 <= ord(letter) <= 0xA97C or 0xD7B0 <= ord(letter) <= 0xD7FB)


def _is_pictograph(letter: str) -> bool:
    return bool(letter) and (
        unicodedata.category(letter) in ("So", "Sk") or 0x1F000 <= ord(letter) <= 0x1FAFF or letter in "‼⁉©®〰〽ℹ↔↕↩↪▪▫▶◀◻◼◽◾➡⬅⬆⬇♀♂⚕⚖✈❤"
    )


def _joins(text: str, place: int) -> bool:
    """Whether a joiner stands between parts of an emoji, or in a script whose letters join (Arabic, Indic)."""
    before = text[:place].rstrip("\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")[-1:]
    after = text[place + 1 : place + 2]
    if _is_pictograph(before):
        return text[place] == "\u200d" and _is_pictograph(after)
    close = text[place - 1 : place]
    return bool(close) and (
        0x0600 <= ord(close) <= 0x08FF or 0x0900 <= ord(close) <= 0x0DFF or 0x1000 <= ord(close) <= 0x109F or 0x1780 <= ord(close) <= 0x18AF
    )


def _is_variant(before: str, code: int) -> bool:
    """Whether a variation selector stands on what has variants: one on a symbol, digit, ideograph or Mongolian letter."""
    if not before:
        return False
    base = ord(before)
    if code in (0xFE0E, 0xFE0F):
        return (
            _is_pictograph(before)
            or before in "0123456789#*"
            or unicodedata.category(before) in ("Sm", "Po", "Pd", "So")
            or 0x2000 <= base <= 0x3300
        )
    if 0x180B <= code <= 0x180F:
        return 0x1800 <= base <= 0x18AF
    ideograph = 0x3400 <= base <= 0x9FFF or 0xF900 <= base <= 0xFAFF or 0x20000 <= base <= 0x3FFFD
    return ideograph or (code <= 0xFE02 and unicodedata.category(before) in ("Sm", "So"))


def _in_flag(text: str, place: int) -> bool:
    """Whether a tag is part of one of the flags that are written in tags."""
    start = text.rfind("\U0001f3f4", 0, place)
    if start < 0:
        return False
    end = text.find("\U000e007f", start)
    said = "".join(chr(ord(letter) - 0xE0000) for letter in text[start + 1 : end] if ord(letter) > 0xE0000)
    return start < place <= end and said in _FLAGS and end - start == len(said) + 1


def _runs(text: str, singles: list[tuple[int, str]]) -> Iterator[Hidden]:
    index = 0
    while index < len(singles):
        start, kind = singles[index]
        last = index
        while last + 1 < len(singles) and singles[last + 1] == (singles[last][0] + 1, kind):
            last += 1
        end = singles[last][0] + 1
        yield Hidden(kind, start, end, _spelled(text[start:end], kind))
        index = last + 1


def _spelled(run: str, kind: str) -> str:
    """ASCII that tags, or bytes that variation selectors, spell; empty where it is not to be read."""
    codes: list[int] = []
    if kind == "tag":
        codes = [ord(letter) - 0xE0000 for letter in run]
    elif kind == "variation selector":
        codes = [ord(letter) - 0xFE00 if ord(letter) <= 0xFE0F else ord(letter) - 0xE0100 + 16 for letter in run]
    said = "".join(chr(code) for code in codes if 0x20 <= code < 0x7F)
    return said[:60] if len(said) >= 3 else ""


def _lookalikes(text: str) -> list[Hidden]:
    """Words in which letters of another script stand for Latin ones, and words made of such letters alone in a Latin text."""
    found: list[Hidden] = []
    words = [(match, match[0]) for match in _WORD.finditer(text) if not match[0].isascii()]
    if not words:
        return found
    cyrillic = [letter for letter in text if "\u0400" <= letter <= "\u052f"]
    only_alike = bool(cyrillic) and all(letter in _CYRILLIC for letter in cyrillic)
    num_latin = sum(letter.isascii() and letter.isalpha() for letter in text)
    for match, word in words:
        latin = sum(letter.isascii() for letter in word)
        alike = sum(letter in _CYRILLIC or (letter in _GREEK and len(word) >= 4) for letter in word)
        foreign = sum("\u0370" <= letter <= "\u052f" for letter in word)
        if (latin and alike and alike == foreign) or (only_alike and foreign == len(word) == alike and num_latin > 2 * len(cyrillic)):
            found.append(Hidden("lookalike", match.start(), match.end()))
    return found
