"""No text of a record, nor a passage that it was made from, gives orders to the model that reads it."""

from collections.abc import Iterator, Sequence
from typing import Any

from seodang.core.records import Record, Verdict
from seodang.data.injection_phrases import orders
from seodang.data.record_texts import RecordText, record_texts
from seodang.data.verify.context import CheckContext, failed, passed, undecided

VERSION = 1
PER_RECORD = True
READS = ("passages",)
NUMBERS = ("num_found",)
_MAX_SHOWN = 20  # finds in the evidence; all are counted
_EXCERPT = 80


def injection(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """Fails phrases that address the model (Korean, English), tokens of chat templates, role markers, spoofed calls and ways to send text
    out. Undecided where every one is quoted in a text about such attacks. Calls in the model's own answers, and system messages that say
    what the model is, are what they should be."""
    return [_check(record, context) for record in records]


def _check(record: Record, context: CheckContext) -> Verdict:
    found: list[dict[str, Any]] = []
    for text in (*record_texts(record), *_passages(record, context)):
        for order in orders(text.text):
            if _is_due(order.kind, text.role):
                continue
            excerpt = text.text[order.start : order.end][:_EXCERPT]
            found.append({"where": text.where, "kind": order.kind, "start": order.start, "quoted": order.quoted, "text": excerpt})
    if not found:
        return passed(record, "injection")
    say = undecided if all(order["quoted"] for order in found) else failed
    return say(record, "injection", num_found=len(found), found=found[:_MAX_SHOWN])


def _passages(record: Record, context: CheckContext) -> Iterator[RecordText]:
    for name in record.passages:
        if name in context.passages:
            yield RecordText(f"passages[{name}]", context.passages[name].view, "passage")


def _is_due(kind: str, role: str) -> bool:
    """Whether this kind of text belongs to what this role says."""
    return (kind == "call" and role in ("assistant", "truth")) or (role == "system" and kind in ("new role", "role marker", "to the model"))
