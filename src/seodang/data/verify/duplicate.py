"""Records that are the same as a whole: equal, or almost so in question and answer."""

import json
from collections.abc import Sequence

from seodang.core.records import Record, Verdict
from seodang.data.contamination.numbers import canonical_numbers
from seodang.data.dedup.clusters import find_duplicates
from seodang.data.verify.context import CheckContext, failed, passed

VERSION = 1
READS: tuple[str, ...] = ()


def duplicate(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """Fails a record that is as similar as the threshold to the very record that is kept for it (exact Jaccard of 5-character shingles of
    turns, question and answer); of several the longest is kept. Records with other numbers are other records, however alike they are
    worded: they are exercises of one kind, or facts of which one may be wrong. A word that turns a long record around (a negation) is not
    seen."""
    numbers = [sorted(canonical_numbers(_text(record))) for record in records]
    found = find_duplicates(
        [_text(record) for record in records],
        context.section.record_similarity,
        comparable=lambda first, second: numbers[first] == numbers[second],
    )
    verdicts = [passed(record, "duplicate") for record in records]
    for one in found:
        reason = "equal" if one.exact else "almost the same words"
        verdicts[one.index] = failed(
            records[one.index], "duplicate", reason=reason, twin=records[one.kept].id, similarity=round(one.similarity, 4)
        )
    return verdicts


def _text(record: Record) -> str:
    turns = [json.dumps(dict(turn), ensure_ascii=False, sort_keys=True) for turn in record.turns]
    return "\n".join([*turns, record.question, record.answer])
