"""Payment cards: an issuer's prefix, its length, and the check digit of Luhn (ISO/IEC 7812-1)."""

import re
from collections.abc import Iterator, Sequence

from seodang.data.pii.labels import Label, confidence, is_glued, label_of
from seodang.data.pii.span import Span

_NUMBER = re.compile(r"(?<!\d)\d(?:[- .]{0,1}\d){11,18}(?!\d)")
_GROUPS = re.compile(r"\d{4}(?P<joint>[- .])\d{4}(?P=joint)\d{4}(?P=joint)\d{1,7}|\d{4}(?P<wide>[- .])\d{6}(?P=wide)\d{4,5}")
_ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"  # Mastercard
    r"|3[47]\d{13}|3(?:0[0-59]|[689]\d)\d{11}"  # American Express; Diners Club
    r"|6(?:011|4[4-9]\d|5\d\d)\d{12}|35\d{14}|(?:2131|1800)\d{11}"  # Discover; JCB
    r"|62\d{14,17}|9\d{15}"  # UnionPay; Korean cards for use at home
    r"|(?:50|5[6-8]|6[0-9])\d{10,17}"  # Maestro
)
_KINDS = ("card",)


def cards(text: str, labels: Sequence[Label]) -> Iterator[Span]:
    """Card numbers. A wrong check digit leaves only those that the context names."""
    for match in _NUMBER.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        grouped = _GROUPS.fullmatch(match[0])
        form = "formatted" if grouped else "bare"
        label = label_of(_KINDS, text, labels, match.start(), match.end())
        base = 0.1
        if luhn_holds(digits):
            issued = _ISSUERS.fullmatch(digits) is not None
            base = (0.85 if issued else 0.5) if grouped else (0.55 if issued and match[0].isdigit() and len(digits) >= 15 else 0.2)
        elif grouped and len(digits) in (15, 16):
            base = 0.3
        if is_glued(text, match.start(), match.end(), labels):
            base -= 0.4
        sure, form = confidence(base, label, form)
        if sure > 0.1 and (grouped or match[0].isdigit() or len(digits) >= 15):
            yield Span("card", match.start(), match.end(), round(sure, 2), form, label.word if label else "")


def luhn_holds(digits: str) -> bool:
    """Whether the last digit is Luhn's check digit of the others, and they are not all noughts."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0 and digits.strip("0") != ""
