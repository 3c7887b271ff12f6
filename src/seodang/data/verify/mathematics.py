"""The final answer is the one that the record names, by two engines that must agree."""

from collections.abc import Sequence

from seodang.core.records import Record, Verdict
from seodang.data.verify.context import CheckContext, failed, passed, undecided
from seodang.scoring.mathematics.final_answer import final_answer
from seodang.scoring.mathematics.judge import judge

VERSION = 1
CERTIFIES = True
PER_RECORD = True
READS: tuple[str, ...] = ()


def mathematics(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """Passes an answer that equals `truth.final_answer` (in `truth.unit`, if it is given) and fails one that does not. Undecided where no
    final answer can be made out, where an engine cannot read it, and where the engines disagree."""
    return [_check(record) for record in records]


def _check(record: Record) -> Verdict:
    gold = record.truth.get("final_answer")
    if isinstance(gold, bool) or not isinstance(gold, str | int | float) or not str(gold).strip():
        return undecided(record, "mathematics", reason="the record names no final answer in `truth`")
    found = final_answer(record.answer)
    if not found.text:
        return undecided(record, "mathematics", reason="no final answer was found", how=found.how)
    said = judge(str(gold), found.text, str(record.truth.get("unit", "")))
    evidence: dict[str, object] = {
        "gold": said.gold,
        "answer": said.answer,
        "how": found.how,
        "exact": said.exact.outcome,
        "math_verify": said.math_verify.outcome,
    }
    reasons = [reason for reason in (*said.notes, said.exact.reason, said.math_verify.reason) if reason]
    if reasons:
        evidence["notes"] = reasons
    return {"equal": passed, "different": failed}.get(said.outcome, undecided)(record, "mathematics", **evidence)
