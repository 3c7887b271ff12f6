"""All personal data of a text: every recogniser on the text as it is read, and on what digits in words spell."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from seodang.data.pii.account import accounts
from seodang.data.pii.business import business_numbers
from seodang.data.pii.card import cards
from seodang.data.pii.documents import driver_licences, passports
from seodang.data.pii.folding import fold
from seodang.data.pii.labels import Label, find_labels, has_numbers
from seodang.data.pii.named import addresses, names
from seodang.data.pii.network import emails, ip_addresses
from seodang.data.pii.phone import phones
from seodang.data.pii.resident import resident_numbers
from seodang.data.pii.span import Span
from seodang.data.pii.spoken import spell

_NUMBERS = (resident_numbers, driver_licences, business_numbers, phones, cards, accounts, passports, ip_addresses)
_OTHERS = (emails, names, addresses)
_SPOKEN_BASE = 0.6
_WORTH_READING = re.compile(
    r"\d|@|골뱅이|\bat\b|공|영|빵|[일이삼사오육륙칠팔구]{3}|zero|oh |one|two|three|성함|이름|성명|주소|name|address", re.IGNORECASE
)


def find(text: str, label: str = "") -> list[Span]:
    """The personal data of a text, in order and without overlaps, of any confidence; offsets are those of `text` as given.

    `label` is a word that stands outside the text and names it, such as the key `phone` of a tool's argument.
    """
    lead = f"{label}: " if label else ""
    folded = fold(text)
    read = lead + folded.text
    if not _WORTH_READING.search(read):
        return []
    found = [span for span in _recognise(read) if span.start >= len(lead)]
    placed = [(*folded.span(span.start - len(lead), span.end - len(lead)), span) for span in found if span.end > span.start]
    return _without_overlaps([replace(span, start=start, end=end) for start, end, span in placed])


def _recognise(text: str) -> Iterator[Span]:
    labels = find_labels(text)
    for recogniser in (*(_NUMBERS if has_numbers(text) else ()), *_OTHERS):
        yield from recogniser(text, labels)
    spelled = spell(text)
    if spelled is None:
        return
    yield from _spoken(spelled.text, find_labels(spelled.text), spelled.place)


def _spoken(text: str, labels: Sequence[Label], place: Callable[[int, int], tuple[int, int] | None]) -> Iterator[Span]:
    for recogniser in _NUMBERS:
        for span in recogniser(text, labels):
            where = place(span.start, span.end)
            if where is not None:
                sure = span.confidence if span.form == "named" or span.confidence < 0.45 else max(_SPOKEN_BASE, span.confidence)
                yield replace(span, start=where[0], end=where[1], confidence=sure, form="spoken")


def _without_overlaps(spans: Sequence[Span]) -> list[Span]:
    """The surest of spans that overlap; of equal ones the longest, then the first."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (-span.confidence, span.start - span.end, span.start)):
        if all(span.end <= other.start or span.start >= other.end for other in kept):
            kept.append(span)
    return sorted(kept, key=lambda span: span.start)
