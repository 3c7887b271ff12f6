"""Phone numbers: Korean ones, mobile and landline, in any layout, and those of other countries.

Korean numbers are read by the numbering plan. Numbers with `+` and a country's code are read by the library `phonenumbers`.
"""

import re
from collections.abc import Iterator, Sequence

from seodang.data.pii.labels import Label, confidence, is_glued, label_of
from seodang.data.pii.span import Span

_JOINT = r"(?:[ .)]{0,2}[-./ ·]{0,1} ?)"
_AREA = r"1[016789]|2|3[1-3]|4[1-4]|5[1-5]|6[1-4]|70|50\d?"
_KOREAN = re.compile(
    r"(?<![\d])(?P<code>(?:\+|\(\+?|00)?82\)?[-. ]{0,2}(?:\(0\))?)?(?P<open>\()?(?P<zero>0?)"
    rf"(?P<area>{_AREA})\)?(?P<first>{_JOINT})(?P<middle>\d{{3,4}})(?P<second>{_JOINT})(?P<last>\d{{4}})(?!\d)"
)
_NANP = re.compile(r"(?<!\d)(?:1[-. ])?(?P<open>\()?[2-9]\d{2}\)?[-. ]{1,2}(?P<exchange>\d{3})[-. ]\d{4}(?!\d)")
_INTERNATIONAL = re.compile(r"(?<![\d+])\+(?!82)[1-9][\d ().-]{6,20}\d(?!\d)")
_NAMED = re.compile(r"(?<![\d.-])\(?\d{2,4}\)?(?:[-. ]\d{2,4}){2,4}(?![\d-])")
_KINDS = ("phone",)


def phones(text: str, labels: Sequence[Label]) -> Iterator[Span]:
    """Phone numbers of a folded text."""
    yield from _korean(text, labels)
    for match in _INTERNATIONAL.finditer(text):
        if (sure := _international(match[0])) > 0:
            yield Span("phone", match.start(), match.end(), sure, "formatted", "+")
    for match in _NANP.finditer(text):
        label = label_of(_KINDS, text, labels, match.start(), match.end())
        base = 0.7 if match["open"] else 0.55 if match["exchange"][0] not in "01" else 0.3
        yield from _weighed(text, labels, match.start(), match.end(), base, label)
    for match in _NAMED.finditer(text):
        label = label_of(_KINDS, text, labels, match.start(), match.end())
        if label is not None and label.kind == "phone" and 8 <= sum(letter.isdigit() for letter in match[0]) <= 13:
            yield Span("phone", match.start(), match.end(), 0.75, "named", label.word)


def _weighed(text: str, labels: Sequence[Label], start: int, end: int, base: float, label: Label | None) -> Iterator[Span]:
    base -= 0.4 if is_glued(text, start, end, labels) else 0.0
    sure, form = confidence(base, label, "formatted")
    if sure > 0.1:
        yield Span("phone", start, end, round(sure, 2), form, label.word if label else "")


def _korean(text: str, labels: Sequence[Label]) -> Iterator[Span]:
    for match in _KOREAN.finditer(text):
        area, middle = match["area"], match["middle"]
        mobile = area[0] == "1"
        start = match.start() if match["code"] or not match["open"] or ")" in match[0] else match.start("zero")
        label = label_of(_KINDS, text, labels, start, match.end())
        if (area == "10" and len(middle) != 4) or not (middle + match["last"]).strip("0"):
            continue  # noughts stand in for a number
        if not match["zero"] and not match["code"]:  # such as 10-1234-5678, which is a phone number where it is called one
            if label is not None and label.kind == "phone" and mobile and match["first"] and match["second"]:
                yield Span("phone", start, match.end(), 0.8, "named", label.word)
            continue
        joined = 2 if ")" in match[0] else bool(match["first"]) + bool(match["second"])
        form = "formatted" if match["code"] or joined == 2 else "bare"
        base = {2: 0.85, 1: 0.6, 0: 0.55 if mobile else 0.5}[joined] if not match["code"] else 0.85
        if form == "bare" and set(match[0]) <= {"0", "1"}:
            base = 0.3  # may be bits
        if match["code"] and not match["code"].startswith(("+", "(", "00")) and not joined:
            base = 0.45
        if is_glued(text, start, match.end(), labels):
            base -= 0.4
        if mobile and form == "formatted" and (label is None or label.kind != "phone"):
            label = None  # nothing else is written like a mobile number, whatever word stands before it
        sure, form = confidence(base, label, form)
        if sure > 0.1:
            yield Span("phone", start, match.end(), round(sure, 2), form, label.word if label else "")


def _international(number: str) -> float:
    """How sure a number with `+` is one that could be dialled, by the plans of all countries."""
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return 0.0
    if phonenumbers.is_valid_number(parsed):
        return 0.9
    return 0.5 if phonenumbers.is_possible_number(parsed) else 0.0
