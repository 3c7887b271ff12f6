"""Korean business registration numbers (사업자등록번호): ten digits, written 123-45-67890, the last a check digit.

They identify sole traders, so they count as personal.
"""

import re
from collections.abc import Iterator, Sequence

from seodang.data.pii.labels import Label, confidence, is_glued, label_of
from seodang.data.pii.span import Span

_NUMBER = re.compile(r"(?<!\d)(?P<office>\d{3})(?P<joint> ?- ?| |)(?P<type>\d{2})(?P=joint)(?P<serial>\d{5})(?!\d)")
_WEIGHTS = (1, 3, 7, 1, 3, 7, 1, 3)


def business_numbers(text: str, labels: Sequence[Label]) -> Iterator[Span]:
    """Business numbers. Bare digits are likely only where the context names them: every tenth number has a right check digit."""
    for match in _NUMBER.finditer(text):
        digits = match["office"] + match["type"] + match["serial"]
        form = "formatted" if match["joint"] else "bare"
        base = 0.3 if form == "bare" else 0.55
        base += 0.15 if check_digit_holds(digits) else 0.0
        if match["office"] < "101" or match["type"] == "00" or match["serial"].startswith("0000"):
            base = 0.1
        if is_glued(text, match.start(), match.end(), labels):
            base -= 0.4
        label = label_of(("business_number",), text, labels, match.start(), match.end())
        sure, form = confidence(base, label, form)
        if sure > 0.1:
            yield Span("business_number", match.start(), match.end(), round(sure, 2), form, label.word if label else "")


def check_digit_holds(digits: str) -> bool:
    """Whether the last of ten digits is the check digit of the others: weights 1 3 7, and the ninth digit times 5 with its carry."""
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, digits[:8], strict=True))
    last = 5 * int(digits[8])
    return (10 - (total + last // 10 + last) % 10) % 10 == int(digits[9])
