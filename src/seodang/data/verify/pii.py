"""No record teaches personal data: what looks like it is quarantined, and nothing of it is repeated in the evidence."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from seodang.core.records import Record, Verdict
from seodang.data.pii.find import find
from seodang.data.pii.mask import outline
from seodang.data.pii.span import Span
from seodang.data.record_texts import record_texts
from seodang.data.verify.context import CheckContext, passed, undecided
from seodang.data.verify.section import VerifySection

VERSION = 1
PER_RECORD = True
READS: tuple[str, ...] = ()
_MAX_SHOWN = 20  # spans in the evidence; all are counted


def pii(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """Undecided where any text holds a span from the confidence on, of digits alone or of any other form. Evidence has kind, place and
    shape. Weaker spans are counted and pass."""
    return [_check(record, context.section) for record in records]


def _check(record: Record, section: VerifySection) -> Verdict:
    found: list[dict[str, Any]] = []
    weak: Counter[str] = Counter()
    for text in record_texts(record):
        for span in find(text.text, text.key):
            if span.confidence >= (section.pii_bare_confidence if span.form == "bare" else section.pii_confidence):
                found.append({"where": text.where, **_told(span), "shape": outline(text.text[span.start : span.end])})
            else:
                weak[span.kind] += 1
    evidence: dict[str, Any] = {"weak": dict(weak)} if weak else {}
    if not found:
        return passed(record, "pii", **evidence)
    counts = Counter(f"{span['kind']}, {span['form']}" for span in found)
    return undecided(record, "pii", counts=dict(counts), spans=found[:_MAX_SHOWN], **evidence)


def _told(span: Span) -> dict[str, Any]:
    named = {"context": span.context} if span.context else {}
    return {"kind": span.kind, "start": span.start, "end": span.end, "form": span.form, "confidence": span.confidence, **named}
