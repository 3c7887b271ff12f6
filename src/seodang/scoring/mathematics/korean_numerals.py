"""Korean numerals read as exact numbers: 삼만 오천, 3만 5천, 1억 2천만, 스물셋, 삼점일사.

Sino-Korean numerals count in sections of four digits (만, 억, 조, 경), native ones reach from 하나 to 아흔아홉. A digit may be spelt or
written; where both stand together the written one multiplies (`1.5만`). What breaks the order of the units is no numeral.
"""

import re
from fractions import Fraction

DIGITS = {"영": 0, "공": 0, "일": 1, "이": 2, "삼": 3, "사": 4, "오": 5, "육": 6, "륙": 6, "칠": 7, "팔": 8, "구": 9}
_SMALL = {"십": 10, "백": 100, "천": 1000}
_LARGE = {"만": 10**4, "억": 10**8, "조": 10**12, "경": 10**16}
_NATIVE_TENS = {"열": 10, "스물": 20, "스무": 20, "서른": 30, "마흔": 40, "쉰": 50, "예순": 60, "일흔": 70, "여든": 80, "아흔": 90}
_NATIVE_ONES = {
    "하나": 1, "한": 1, "둘": 2, "두": 2, "셋": 3, "세": 3, "석": 3, "넷": 4, "네": 4, "넉": 4,
    "다섯": 5, "여섯": 6, "일곱": 7, "여덟": 8, "아홉": 9,
}  # fmt: skip
_NATIVE = re.compile(rf"(?P<tens>{'|'.join(_NATIVE_TENS)})?(?P<ones>{'|'.join(_NATIVE_ONES)})?")
_WRITTEN = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_POINT = re.compile(rf"(?P<whole>.+)점(?P<digits>[{''.join(DIGITS)}]+)")
SPELT = "".join((*DIGITS, *_SMALL, *_LARGE))  # the syllables of Sino-Korean numerals
COUNTING = tuple(_SMALL) + tuple(_LARGE)


def read_numeral(text: str) -> Fraction | None:
    """The number that the whole text spells, None where it spells none. Spaces may part the sections."""
    text = " ".join(text.split())
    point = _POINT.fullmatch(text)
    if point and (whole := _sino(point["whole"])) is not None and whole.denominator == 1:
        digits = "".join(str(DIGITS[syllable]) for syllable in point["digits"])
        return whole + Fraction(int(digits), 10 ** len(digits))
    return next((value for reader in (_sino, _native) if (value := reader(text)) is not None), None)


def _native(text: str) -> Fraction | None:
    """스물셋, and 백스물셋: a native numeral may follow whole hundreds."""
    for start in range(len(text)):
        found = _NATIVE.fullmatch(text[start:])
        if found and (found["tens"] or found["ones"]):
            tens, ones = _NATIVE_TENS.get(found["tens"], 0), _NATIVE_ONES.get(found["ones"], 0)
            if found["tens"] == "스무" and ones:
                return None
            before = _sino(text[:start].strip()) if start else Fraction(0)
            return before + tens + ones if before is not None and before % 100 == 0 else None
    return None


def _sino(text: str) -> Fraction | None:
    """Digits, units of a section and sections must stand in falling order."""
    total, section, current = Fraction(0), Fraction(0), None
    last_small, last_large, place = 10**4, 10**20, 0
    if not text:
        return None
    while place < len(text):
        character = text[place]
        written = _WRITTEN.match(text, place)
        if character == " ":
            if current is not None:
                return None  # a digit and its unit are one word
        elif written or character in DIGITS:
            if current is not None:
                return None
            current = Fraction(written[0].replace(",", "")) if written else Fraction(DIGITS[character])
            if written:
                place = written.end() - 1
        elif character in _SMALL and _SMALL[character] < last_small:
            last_small = _SMALL[character]
            section, current = section + (1 if current is None else current) * last_small, None
        elif character in _LARGE and _LARGE[character] < last_large:
            if current is None and section == 0 and character != "만":
                return None
            last_large = _LARGE[character]
            counted = section + (current or 0) if section or current is not None else Fraction(1)
            total, section, current, last_small = total + counted * last_large, Fraction(0), None, 10**4
        else:
            return None
        place += 1
    if current is not None and (section or total):
        if current == 0 or current.denominator != 1 or current >= min(last_small, last_large):
            return None  # 삼만 영, 3만 2.5 and 3십 12 are no numerals
        section += current
    elif current is not None:
        section = current
    return total + section
