"""What a text states that can be compared exactly, in English and Korean: dates, times of day, quantities with their units, names.

3만 5천원 is 35,000 won, 2026년 1월 5일 is 2026-01-05, 일주일 is 7 days. What is read is a lower bound: a number in words without a unit
("one of them") is no fact, nor is a name that begins a sentence.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from seodang.scoring.units import DAY_WORDS, UNITS, WORDS

_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")
_MONTH = "(?:" + "|".join(f"{name[:3]}(?:{name[3:]})?\\.?" for name in _MONTHS) + "|sept\\.?)"
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAYS = {**{name: name for name in _DAYS}, **dict(zip(("월", "화", "수", "목", "금", "토", "일"), _DAYS, strict=True))}
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?<![\d.])(?P<y>\d{4})\s*[-./]\s*(?P<m>\d{1,2})\s*[-./]\s*(?P<d>\d{1,2})\.?(?!\d)",
        r"(?<!\d)(?P<y>\d{4})\s*년\s*(?P<m>\d{1,2})\s*월(?:\s*(?P<d>\d{1,2})\s*일(?!간))?",
        r"(?<!\d)(?P<m>\d{1,2})\s*월(?:\s*(?P<d>\d{1,2})\s*일(?!간))?",
        r"(?<!\d)(?P<y>\d{4})\s*년(?!간)",
        rf"\b(?P<month>{_MONTH})\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?!\d)(?:,?\s+(?P<y>\d{{4}}))?(?!\d)",
        rf"(?<!\d)(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<month>{_MONTH})(?![a-z])(?:,?\s+(?P<y>\d{{4}}))?(?!\d)",
        rf"\b(?P<month>{_MONTH})\s+(?P<y>\d{{4}})(?!\d)",
        r"\b(?P<month>january|february|april|june|july|august|september|october|november|december)\b",
    )
)
_TIMES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?P<half>오전|오후)?\s*(?<![\d:])(?P<h>\d{1,2}):(?P<min>\d{2})(?::\d{2})?(?![\d:])(?:\s*(?P<half2>[ap])\.?m\b\.?)?",
        r"(?P<half>오전|오후)?\s*(?<!\d)(?P<h>\d{1,2})\s*시(?!간)(?:\s*(?P<min>\d{1,2})\s*분)?",
        r"(?<!\d)(?P<h>\d{1,2})\s*(?P<half2>[ap])\.?m\b\.?",
    )
)
_CODE = re.compile(r"(?<![\w.])(?:\d+(?:\.\d+){2,}|\d{2,}(?:-\d{3,})+)(?![\w-])")
_MINUS = re.compile(r"(?:(?<![\w.])[-−]|\bminus\s+|영하\s*|마이너스\s*)$", re.IGNORECASE)
_DIGITS = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_SCALE = {"십": 10, "백": 100, "천": 1_000, "만": 10**4, "억": 10**8, "조": 10**12}
_ENGLISH_SCALE = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_NUMBER = re.compile(
    rf"(?:(?:{_DIGITS})\s?[십백천만억조]+\s?)+(?:{_DIGITS})?|(?:{_DIGITS})(?:\s(?:thousand|million|billion|trillion)\b)?", re.I
)
_PIECE = re.compile(rf"({_DIGITS})\s?([십백천만억조]*)")
_RANGE = re.compile(rf"\s*(?:[-–—~∼]|to\s)\s*(?={_DIGITS})")
_LATIN = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[._&@/'-][A-Za-z0-9]+)*")
_PERSON = re.compile(r"([가-힣]{2,4})\s?(?:씨|대표|교수|박사|장관|사장)(?=[은는이가을를과와의께도]?(?![가-힣])|입니|이[며고다]|에게)")
_ROLES = frozenset(["고객", "회원", "선생", "사용자", "담당자", "상담사", "관리자", "신청자", "부모", "우리", "당사", "회사"])
_UNIT = "|".join(form for form, _, _ in UNITS)
_WORD = re.compile(
    rf"(?<![A-Za-z가-힣])(?:{'|'.join(DAY_WORDS)})|(?<![A-Za-z가-힣])(?:{'|'.join(WORDS)})(?=[\s-](?:{_UNIT})(?![A-Za-z]))|"
    rf"(?<![A-Za-z가-힣])(?:{'|'.join(word for word in WORDS if not word.isascii())})(?=(?:시간|달|주일|번|명|개))",
    re.IGNORECASE,
)
_NO_NAMES = frozenset(["i", "ok", "yes", "no", "a", "mr", "mrs", "ms", "dr", "am", "pm", "faq"])
_START = re.compile(r"(?:^|[.!?。:;\n\"“”‘’「」『』(\[•*#>|-])\s*$")


@dataclass(frozen=True, slots=True)
class Date:
    """A date of which parts may be missing."""

    year: int | None
    month: int | None
    day: int | None

    def within(self, other: "Date") -> bool:
        """Whether every part that this one states stands in the other, too."""
        pairs = ((self.year, other.year), (self.month, other.month), (self.day, other.day))
        return all(mine is None or mine == theirs for mine, theirs in pairs)

    def __str__(self) -> str:
        return "-".join("?" if part is None else f"{part:02d}" for part in (self.year, self.month, self.day))


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value and its unit's dimension ("" where it has none that is known); the value is in the dimension's smallest unit."""

    value: Decimal
    dimension: str
    plain: Decimal  # the number as it was written

    def __str__(self) -> str:
        return f"{self.value.normalize():f} {self.dimension}".strip()


@dataclass(frozen=True, slots=True)
class Facts:
    dates: tuple[Date, ...]
    times: tuple[frozenset[int], ...]  # minutes since midnight; two readings where morning or afternoon is not said
    weekdays: frozenset[str]
    codes: frozenset[str]  # digits of numbers that are names: telephone numbers, versions
    quantities: tuple[Quantity, ...]
    names: frozenset[str]

    def __len__(self) -> int:
        return sum(map(len, (self.dates, self.times, self.weekdays, self.codes, self.quantities, self.names)))


def fold(text: str) -> str:
    """NFC, full-width letters and digits as ordinary ones, curly quotation marks as straight ones, one space for each run of white."""
    wide = "".join(unicodedata.normalize("NFKC", c) if "\uff01" <= c <= "\uff5e" or c == "\u3000" else c for c in text)
    straight = unicodedata.normalize("NFC", wide).translate(str.maketrans("“”„‟‘’‚‛′″", "\"\"\"\"'''''\""))
    return re.sub(r"\s+", " ", straight).strip()


def find_facts(text: str) -> Facts:
    """Everything in a text that is read here."""
    rest = fold(text)
    dates: list[Date] = []
    times: list[frozenset[int]] = []
    for pattern in _DATES:
        rest = _take(pattern, rest, lambda found: dates.append(_date(found)), _is_date)
    for pattern in _TIMES:
        rest = _take(pattern, rest, lambda found: times.append(_minutes(found)), _is_time)
    codes: list[str] = []
    rest = _take(_CODE, rest, lambda found: codes.append(re.sub(r"-", "", found[0])), lambda found: True)
    weekdays = {_WEEKDAYS[found[1].lower()] for found in re.finditer(rf"\b({'|'.join(_DAYS)})s?\b", rest, re.IGNORECASE)}
    weekdays |= {_WEEKDAYS[found[1]] for found in re.finditer(r"([월화수목금토일])요일", rest)}
    quantities, rest = _quantities(rest)
    return Facts(tuple(dates), tuple(times), frozenset(weekdays), frozenset(codes), tuple(quantities), frozenset(_names(rest)))


def missing(answer: Facts, evidence: Facts) -> list[str]:
    """Dates, times, numbers and weekdays that the answer states and the evidence does not, in words; empty where all of them agree."""
    lost = [
        f"date {date}" for date in answer.dates if not any(date.within(other) for other in evidence.dates) and not _year(date, evidence)
    ]
    lost += [
        f"time {sorted(time)[0] // 60}:{sorted(time)[0] % 60:02d}" for time in answer.times if not any(time & t for t in evidence.times)
    ]
    lost += [f"weekday {name}" for name in sorted(answer.weekdays - evidence.weekdays)]
    written = evidence.codes | {f"{one.plain:f}" for one in evidence.quantities}
    lost += [f"number {code}" for code in sorted(answer.codes - written)]
    lost += [f"quantity {one}" for one in answer.quantities if not _stated(one, evidence)]
    return lost


def _year(date: Date, evidence: Facts) -> bool:
    return date.month is None and any(one.plain == date.year and not one.dimension for one in evidence.quantities)


def _stated(one: Quantity, evidence: Facts) -> bool:
    if not one.dimension and f"{one.plain:f}" in evidence.codes:
        return True
    for other in evidence.quantities:
        if one.dimension == other.dimension and one.value == other.value:
            return True
        if not (one.dimension and other.dimension) and one.plain == other.plain and "%" not in (one.dimension, other.dimension):
            return True
    if one.dimension == "time" and one.plain * 86_400 == one.value:  # "5일" may be the fifth of a month
        return any(date.day == one.plain for date in evidence.dates)
    return not one.dimension and any(one.plain in (date.year, date.day) for date in evidence.dates)


def _take(pattern: re.Pattern[str], text: str, keep: Callable[[re.Match[str]], None], holds: Callable[[re.Match[str]], bool]) -> str:
    """The text with what the pattern found, where it `holds`, kept and blanked out."""

    def blank(found: re.Match[str]) -> str:
        if not holds(found):
            return found[0]
        keep(found)
        return "\x00"

    return pattern.sub(blank, text)


def _date(found: re.Match[str]) -> Date:
    parts = found.groupdict()
    month = parts.get("m")
    if parts.get("month"):
        month = str(1 + [name[:3] for name in _MONTHS].index(parts["month"][:3].lower()))
    return Date(*(int(part) if part else None for part in (parts.get("y"), month, parts.get("d"))))


def _is_date(found: re.Match[str]) -> bool:
    date = _date(found)
    return (date.month is None or 1 <= date.month <= 12) and (date.day is None or 1 <= date.day <= 31)


def _minutes(found: re.Match[str]) -> frozenset[int]:
    parts = found.groupdict()
    hour, minute = int(parts["h"]), int(parts.get("min") or 0)
    half = {"오전": "a", "오후": "p", "": ""}[parts.get("half") or ""] or (parts.get("half2") or "").lower()
    if half or hour > 12 or hour == 0:
        hour = hour % 12 + 12 * (half == "p") if half else hour
        return frozenset({hour * 60 + minute})
    return frozenset({hour * 60 + minute, (hour % 12 + 12) * 60 + minute, (hour % 12) * 60 + minute})


def _is_time(found: re.Match[str]) -> bool:
    return int(found["h"]) <= 24 and int(found.groupdict().get("min") or 0) < 60


def _quantities(text: str) -> tuple[list[Quantity], str]:
    """The quantities of a text, and the text without them. In "3 to 5 days" both numbers are days."""
    found: list[Quantity] = []
    kept: list[str] = []
    place = 0
    waiting: list[tuple[Decimal, Decimal]] = []  # numbers of a range whose unit is still to come
    for match in re.finditer(_NUMBER.pattern + "|" + _WORD.pattern, text, re.IGNORECASE):
        if match.start() < place or _inside_a_word(text, match.start()):
            continue
        value = _value(match[0])
        if _MINUS.search(text[: match.start()]) and not waiting:
            value = -value
        dimension, size, length = _unit(text[match.end() :], text[: match.start()], match[0])
        if not dimension and (gap := _RANGE.match(text, match.end())):
            waiting.append((value, value))
            kept.append(text[place : match.start()])
            place = gap.end()
            continue
        found += [Quantity(low * size, dimension, low) for low, _ in waiting]
        waiting = []
        found.append(Quantity(value * size, dimension, value))
        kept.append(text[place : match.start()])
        place = match.end() + length
    found += [Quantity(low, "", low) for low, _ in waiting]
    return found, "\x00".join([*kept, text[place:]])


def _inside_a_word(text: str, start: int) -> bool:
    before = text[start - 1 : start]
    return (before.isascii() and before.isalnum()) or before == "_"


def _unit(after: str, before: str, number: str) -> tuple[str, Decimal, int]:
    """Dimension, size and length of the unit after a number; of a sign of money before it."""
    if number in DAY_WORDS:
        return "time", Decimal(86_400), 0
    for form, dimension, size in UNITS:
        if found := re.match(
            rf"\s?-?(?:{form})" + ("(?![A-Za-z])" if form[-1].isascii() and form[-1] != "%" else ""), after, re.IGNORECASE
        ):
            return dimension, size, found.end()
    money = {"₩": "won", "$": "dollar"}.get(before.rstrip()[-1:])
    return (money, Decimal(1), 0) if money else ("", Decimal(1), 0)


def _value(text: str) -> Decimal:
    word = text.lower()
    if word in WORDS or word in DAY_WORDS:
        return WORDS.get(word, DAY_WORDS.get(word, Decimal(0)))
    for name, scale in _ENGLISH_SCALE.items():
        if word.endswith(name):
            return Decimal(word.removesuffix(name).strip().replace(",", "")) * scale
    total = Decimal(0)
    for digits, scales in _PIECE.findall(text):
        value = Decimal(digits.replace(",", ""))
        for scale in scales:
            value *= _SCALE[scale]
        total += value
    return total


def _names(text: str) -> Iterator[str]:
    for found in _LATIN.finditer(text):
        word = found[0].removesuffix("'s")
        capital = word[0].isupper() and not _START.search(text[: found.start()])
        marked = any(letter.isupper() for letter in word[1:]) or any(letter in "_@/" or letter.isdigit() for letter in word)
        if (capital or marked) and word.lower() not in _NO_NAMES | _WEEKDAYS.keys() and len(word) > 1:
            yield word.casefold()
    yield from (found[1] for found in _PERSON.finditer(text) if found[1] not in _ROLES)
