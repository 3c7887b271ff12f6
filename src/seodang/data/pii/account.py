"""Bank accounts: Korean ones by the context and the layouts of the banks, and IBANs (ISO 13616) by their check digits."""

import re
from collections.abc import Iterator, Sequence

from seodang.data.pii.labels import Label, confidence, is_glued, label_of
from seodang.data.pii.span import Span

_GROUPED = re.compile(r"(?<!\d)\d{1,6}(?P<joint> ?- ?| )\d{2,7}(?:(?P=joint)\d{1,8}){0,2}(?!\d)")
_BARE = re.compile(r"(?<!\d)\d{10,16}(?!\d)")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}(?![A-Za-z0-9])")
_LAYOUTS = frozenset(
    # Digits in each group, as banks print them: KB, Shinhan, Woori, Hana, NongHyup, IBK, KDB, Suhyup, SC, Citi, regional banks, the post
    # office, credit unions, KakaoBank, K bank, Toss Bank.
    [
        (6, 2, 6),
        (3, 3, 6),
        (3, 2, 6),
        (3, 4, 4, 2),
        (4, 3, 6),
        (3, 6, 5),
        (3, 4, 4, 1),
        (4, 2, 7),
        (3, 6, 2, 3),
        (3, 2, 6, 1),
        (4, 4, 4, 1),
        (4, 4, 4),
        (3, 3, 6, 1),
        (3, 2, 6, 2),
        (2, 2, 6),
        (3, 5, 4),
        (3, 4, 6),
        (3, 6, 3),
        (1, 3, 6),
        (3, 2, 7),
        (4, 2, 6),
        (3, 4, 5, 1),
    ]
)
_KINDS = ("account",)


def accounts(text: str, labels: Sequence[Label]) -> Iterator[Span]:
    """Account numbers. A Korean one is nothing but digits, so it is likely only where the context names a bank or an account."""
    for pattern, form in ((_GROUPED, "formatted"), (_BARE, "bare")):
        for match in pattern.finditer(text):
            digits = [len(part) for part in re.findall(r"\d+", match[0])]
            if not 10 <= sum(digits) <= 16:
                continue
            label = label_of(_KINDS, text, labels, match.start(), match.end())
            base = 0.1 if form == "bare" else 0.35 if tuple(digits) in _LAYOUTS and "-" in match[0] else 0.2
            if is_glued(text, match.start(), match.end(), labels):
                base -= 0.2
            sure, told = confidence(base, label, form)
            if label is not None and label.kind == "account":
                sure = 0.9 if tuple(digits) in _LAYOUTS else 0.8
            if sure > 0.1:
                yield Span("account", match.start(), match.end(), round(sure, 2), told, label.word if label else "")
    for match in _IBAN.finditer(text):
        if iban_holds(match[0].replace(" ", "")):
            yield Span("account", match.start(), match.end(), 0.95, "formatted")


def iban_holds(number: str) -> bool:
    """Whether the two check digits of an IBAN hold: letters as numbers from 10, the first four characters last, remainder 1 of 97."""
    turned = number[4:] + number[:4]
    return int("".join(str(int(character, 36)) for character in turned)) % 97 == 1
