"""The numbers of a text in one form, whatever language stands around them, and the options of a question."""

import re
import unicodedata
from decimal import Decimal

_UNITS = {"백": 100, "천": 1_000, "만": 10**4, "억": 10**8, "조": 10**12}
_NARROWED = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_WIDE = re.compile("[\uff01-\uff5e]")
_ONE = r"[0-9]+(?:,[0-9]{3}(?![0-9]))+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?"
_NOT_A_UNIT = "(?![각건직합약족들분화사])"  # 3조각 is three pieces, not 3 * 10**12
_NUMBER = re.compile(rf"(?:(?:{_ONE})[천백]?[만억조천백]{_NOT_A_UNIT}\s?)+(?:{_ONE})?|{_ONE}")
_PART = re.compile(rf"({_ONE})([천백]?)([만억조]?)")
_DIGITS = re.compile(r"(?<![0-9.,{}\\])[0-9.,{}\\]*[2-9][0-9.,{}\\]*")
_WITH_UNIT = re.compile("[0-9][백천만억조]")
_LATEX_COMMA = re.compile(r"(?<=\d)\{,\}(?=\d)|(?<=\d)\\,(?=\d)")
_MARKERS = ("ABCDEFGH", "abcdefgh", "12345678", "①②③④⑤⑥⑦⑧", "가나다라마바사아", "ㄱㄴㄷㄹㅁㅂㅅㅇ")
_MARKER = re.compile(r"(?:(?<=\s)|^)(?:\(([A-Ha-h1-8가-하ㄱ-ㅎ])\)|([A-Ha-h1-8가-하ㄱ-ㅎ])[.)](?=\s)|([①-⑧]))")
_CHOICE = re.compile(r"(?:answer|정답)?\s*(?:is|:|은|는)?\s*\(?([A-Ha-h①-⑧])\)?\s*(?:번)?[.)]?\s*", re.IGNORECASE)


def canonical_numbers(text: str) -> list[Decimal]:
    """Every number in its order, without a sign: `1,000`, `１０００`, `1{,}000` and `1천` are 1000, `2.50` is 2.5, `3만 5천` is 35000."""
    plain = unicodedata.normalize("NFC", text)
    if _WIDE.search(plain):
        plain = plain.translate(_NARROWED)
    if "\\," in plain or "{,}" in plain:
        plain = _LATEX_COMMA.sub("", plain)
    return [_value(found[0]) for found in _NUMBER.finditer(plain)]


def least_numbers(text: str) -> int:
    """A count, quick to make, which the numbers of the text other than 1 are not fewer than; 0 where a Korean unit makes one of several."""
    return 0 if _WITH_UNIT.search(text) else len(_DIGITS.findall(text))


def _value(written: str) -> Decimal:
    total, section = Decimal(0), Decimal(0)
    for number, small, large in _PART.findall(written):
        section += Decimal(number.replace(",", "")) * _UNITS.get(small, 1)
        if large:
            total += section * _UNITS[large]
            section = Decimal(0)
    return (total + section).normalize()


def split_options(text: str) -> tuple[str, list[str]]:
    """The stem of a question and its options in order; no options where fewer than two are marked in one sequence (A B C, 1 2 3, ① ② ③)."""
    found = [(match.start(), match.end(), next(filter(None, match.groups()))) for match in _MARKER.finditer(text)]
    for letters in _MARKERS:
        taken: list[tuple[int, int]] = []
        for start, end, letter in found:
            if len(taken) < len(letters) and letter == letters[len(taken)]:
                taken.append((start, end))
        if len(taken) >= 2:
            ends = [start for start, _ in taken[1:]] + [len(text)]
            return text[: taken[0][0]], [text[end:stop].strip() for (_, end), stop in zip(taken, ends, strict=True)]
    return text, []


def chosen_option(answer: str) -> int | None:
    """Which option an answer names, from 0, where it is nothing but an option's letter or circled number."""
    found = _CHOICE.fullmatch(answer.strip())
    if found is None:
        return None
    letter = found[1].upper()
    return "①②③④⑤⑥⑦⑧".index(letter) if letter in "①②③④⑤⑥⑦⑧" else "ABCDEFGH".index(letter)
