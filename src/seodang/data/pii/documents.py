"""Numbers of Korean passports and driver licences.

A passport has one letter of its type and eight digits, since 2021 with a letter in their middle. A licence has twelve digits: region, year,
serial number and check digits, as in 11-23-456789-01; older ones name the region. Neither has a public check digit.
"""

import re
from collections.abc import Iterator, Sequence

from seodang.data.pii.labels import Label, confidence, is_glued, label_of
from seodang.data.pii.span import Span

_PASSPORT = re.compile(r"(?<![A-Za-z0-9_])[MSRODGT](?P<joint>[- ]?)(?:\d{3}[A-Z]\d{4}|\d{8})(?![A-Za-z0-9_])", re.IGNORECASE)
_ANY_PASSPORT = re.compile(r"(?<![A-Za-z0-9_])(?=[A-Z]{0,2}\d)(?:[A-Z]{1,2}\d{6,8}|\d{9})(?![A-Za-z0-9_])", re.IGNORECASE)
_LICENCE = re.compile(r"(?<!\d)(?P<region>\d{2})(?P<joint>[- ]?)\d{2}(?P=joint)\d{6}(?P=joint)\d{2}(?!\d)")
_REGIONS = "서울|부산|경기|강원|충북|충남|전북|전남|경북|경남|제주|대구|인천|광주|대전|울산|경기 ?남부|경기 ?북부"
_OLD_LICENCE = re.compile(rf"(?:{_REGIONS})[- ]?\d{{2}}-\d{{6}}-\d{{2}}(?!\d)")


def passports(text: str, labels: Sequence[Label]) -> Iterator[Span]:
    """Passport numbers. Their shape is that of many product codes, so only those that the context names are likely."""
    for pattern, base in ((_PASSPORT, 0.4), (_ANY_PASSPORT, 0.0)):
        for match in pattern.finditer(text):
            label = label_of(("passport",), text, labels, match.start(), match.end())
            sure, _ = confidence(base, label, "formatted")
            if sure > 0.1:
                named = "named" if label is not None and label.kind == "passport" else "formatted"
                yield Span("passport", match.start(), match.end(), round(sure, 2), named, label.word if label else "")


def driver_licences(text: str, labels: Sequence[Label]) -> Iterator[Span]:
    """Driver licence numbers, with the region as two digits (11 to 28) or by its name."""
    for match in _LICENCE.finditer(text):
        form = "formatted" if match["joint"] else "bare"
        label = label_of(("driver_licence",), text, labels, match.start(), match.end())
        base = (0.75 if match["joint"] == "-" else 0.55 if match["joint"] else 0.2) if 11 <= int(match["region"]) <= 28 else 0.1
        if is_glued(text, match.start(), match.end(), labels):
            base -= 0.4
        sure, form = confidence(base, label, form)
        if sure > 0.1:
            yield Span("driver_licence", match.start(), match.end(), round(sure, 2), form, label.word if label else "")
    for match in _OLD_LICENCE.finditer(text):
        yield Span("driver_licence", match.start(), match.end(), 0.85, "formatted")
