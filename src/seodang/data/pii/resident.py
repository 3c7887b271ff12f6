"""Resident registration numbers (주민등록번호) and foreigner registration numbers (외국인등록번호): a birth date, a code, six digits.

The seventh digit is 1 to 4 for residents (9 and 0 for the 19th century) and 5 to 8 for foreigners. The check digit holds for numbers given
out before October 2020 only: it may speak for a number, never against one.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date

from seodang.data.pii.labels import Label, confidence, is_glued, label_of
from seodang.data.pii.span import Span

_NUMBER = re.compile(r"(?<!\d)(?P<birth>\d{6})(?P<joint> ?[-./~] ?| {1,2}|)(?P<rest>\d{7})(?!\d)")
_IN_TWO = re.compile(r"(?<!\d)(?P<birth>\d{6})(?P<joint>\D{0,8}(?:뒷|뒤|back|last)[^\d\n]{0,16})(?P<rest>\d{7})(?!\d)")
_WEIGHTS = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
_KINDS = ("resident_number", "foreigner_number")


def resident_numbers(text: str, labels: Sequence[Label]) -> Iterator[Span]:
    """Numbers of residents and of foreigners, apart, in a folded text."""
    for pattern in (_NUMBER, _IN_TWO):
        for match in pattern.finditer(text):
            if not match["birth"].strip("0") or not match["rest"][1:].strip("0"):
                continue  # noughts stand in for a number
            kind = "foreigner_number" if match["rest"][0] in "5678" else "resident_number"
            form = "formatted" if match["joint"] else "bare"
            label = label_of(_KINDS, text, labels, match.start(), match.end())
            base = _shape(match["birth"], match["rest"], form)
            if is_glued(text, match.start(), match.end(), labels):
                base -= 0.4
            sure, form = confidence(base, label, form)
            if sure > 0.1:
                yield Span(kind, match.start(), match.end(), round(sure, 2), form, label.word if label else "")


def check_digit_holds(digits: str) -> bool:
    """Whether the last of 13 digits is the check digit of the others: 11 minus the weighted sum modulo 11, and 13 for foreigners."""
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, digits[:12], strict=True))
    return ((13 if digits[6] in "5678" else 11) - total % 11) % 10 == int(digits[12])


def _shape(birth: str, rest: str, form: str) -> float:
    """How far the digits alone speak for such a number."""
    year, month, day = int(birth[:2]), int(birth[2:4]), int(birth[4:])
    if form == "bare":
        century = {"1": 1900, "2": 1900, "5": 1900, "6": 1900, "3": 2000, "4": 2000, "7": 2000, "8": 2000}.get(rest[0])
        if century is None or not _is_date(century + year, month, day) or (century == 2000 and year > 39):
            return 0.1
        return 0.7 if check_digit_holds(birth + rest) else 0.5
    if month > 12 or day > 31:
        return 0.25
    base = 0.85 if month and day else 0.65  # a month or day of 00 is no date, but stands in numbers that were made up
    if rest[0] in "90":
        base = 0.55 if month and day else 0.3
    return min(0.95, base + 0.1 * check_digit_holds(birth + rest))


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
