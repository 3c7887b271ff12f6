"""A record is well-formed: a whole question or message of a sensible length, and an answer in the right form."""

from collections.abc import Sequence

from seodang.core.records import Record, Verdict
from seodang.data.verify.context import CheckContext, failed, passed
from seodang.scoring.tool_call import split_tool_calls

VERSION = 1
PER_RECORD = True
READS = ("actions",)
_MAX_WORDS = 40
_MIN_WORDS = 3


def well_formed(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """Fails what is too short or long, cut off, repeating itself, or not an answer of its kind."""
    return [_check(record, context) for record in records]


def _check(record: Record, context: CheckContext) -> Verdict:
    words = record.question.split()
    reason = ""
    if not _MIN_WORDS <= len(words) <= _MAX_WORDS:
        reason = f"{len(words)} words, not {_MIN_WORDS} to {_MAX_WORDS}"
    elif record.question[-1] not in "?.!。？！":
        reason = "does not end like a sentence"
    elif record.kind == "know" and record.question[-1] not in "?？":
        reason = "not a question"
    elif record.question.count("?") > 1 or any(
        mark in record.question for mark in ("Question:", "Statement:", "Answer:", "Customer:", "Action:")
    ):
        reason = "more than one question"
    elif len({word.lower() for word in words}) < 0.6 * len(words):
        reason = "repeats itself"
    elif not record.answer.strip():
        reason = "no answer"
    elif record.kind == "act":
        calls = split_tool_calls(record.answer)[1]
        if calls is None or any(call.name not in context.actions for call in calls):
            reason = "the answer is not a call of a documented action"
    return failed(record, "well_formed", reason=reason) if reason else passed(record, "well_formed")
