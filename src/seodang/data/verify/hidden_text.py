"""No text of a record holds what a reader cannot see: hidden orders, triggers, letters that stand for others."""

from collections.abc import Sequence
from typing import Any

from seodang.core.records import Record, Verdict
from seodang.data.hidden_characters import hidden_characters, num_decomposed
from seodang.data.record_texts import record_texts
from seodang.data.verify.context import CheckContext, failed, passed

VERSION = 1
PER_RECORD = True
READS: tuple[str, ...] = ()
NUMBERS = ("num_found", "decomposed_syllables")
_MAX_SHOWN = 20  # finds in the evidence; all are counted


def hidden_text(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """Fails invisible characters, controls of direction, tags, stray variation selectors, look-alike letters, private, unassigned and
    control characters, and piles of combining marks, with their places. Decomposed Hangul passes and is counted."""
    return [_check(record) for record in records]


def _check(record: Record) -> Verdict:
    found: list[dict[str, Any]] = []
    decomposed = 0
    for text in record_texts(record):
        decomposed += num_decomposed(text.text)
        for hidden in hidden_characters(text.text):
            codes = [f"U+{ord(letter):04X}" for letter in text.text[hidden.start : hidden.end][:8]]
            says = {"says": hidden.says} if hidden.says else {}
            found.append({"where": text.where, "kind": hidden.kind, "start": hidden.start, "end": hidden.end, "codes": codes, **says})
    evidence: dict[str, Any] = {"decomposed_syllables": decomposed} if decomposed else {}
    if found:
        return failed(record, "hidden_text", num_found=len(found), found=found[:_MAX_SHOWN], **evidence)
    return passed(record, "hidden_text", **evidence)
