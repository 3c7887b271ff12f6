"""Every record is put to the checks in order and decided: accepted, rejected, quarantined or failed. None is lost."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from seodang.core.errors import VerificationError
from seodang.core.records import Record, Verdict
from seodang.core.registry import find_function
from seodang.data.verify.context import CheckContext

_DECISIONS = {"fail": "rejected", "undecided": "quarantined", "error": "failed"}


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a record, the check that decided it, and every verdict it was given."""

    record: Record
    outcome: str  # "accepted", "rejected", "quarantined" or "failed"
    check: str
    verdicts: tuple[Verdict, ...]

    def row(self) -> dict[str, Any]:
        verdicts = [{"check": v.check, "outcome": v.outcome, "evidence": v.evidence} for v in self.verdicts]
        return {"outcome": self.outcome, "check": self.check, **self.record.row(), "verdicts": verdicts}


def decide(records: Sequence[Record], context: CheckContext) -> list[Decision]:
    """One decision for each distinct record, in order. A record that fails a check is not put to those after it."""
    waiting = list({record.id: record for record in records}.values())
    verdicts: dict[str, list[Verdict]] = {record.id: [] for record in waiting}
    decided: dict[str, Decision] = {}
    for name in context.section.checks:
        check: Callable[[Sequence[Record], CheckContext], list[Verdict]] = find_function("seodang.data.verify", name)
        context.progress.note = name
        for record, verdict in zip(waiting, check(waiting, context), strict=True):
            verdicts[record.id].append(verdict)
            if verdict.outcome != "pass":
                decided[record.id] = Decision(record, _DECISIONS[verdict.outcome], name, tuple(verdicts[record.id]))
                context.progress.advance()
        waiting = [record for record in waiting if record.id not in decided]
    for record in waiting:
        decided[record.id] = Decision(record, "accepted", "", tuple(verdicts[record.id]))
    return [decided[record_id] for record_id in verdicts]


def conserve(num_input: int, num_repeated: int, decisions: Sequence[Decision]) -> dict[str, Any]:
    """Counts that add up: accepted + rejected + quarantined + failed = input. Equal records count as rejected repeats.

    VerificationError where they do not.
    """
    counts = Counter(decision.outcome for decision in decisions)
    by_check = Counter(decision.check for decision in decisions if decision.outcome == "rejected")
    if num_repeated:
        by_check["repeated"] = num_repeated
    row: dict[str, Any] = {
        "input": num_input,
        "accepted": counts["accepted"],
        "rejected": counts["rejected"] + num_repeated,
        "quarantined": counts["quarantined"],
        "failed": counts["failed"],
        "rejected_by_check": dict(by_check.most_common()),
        "accepted_by_kind": dict(Counter(d.record.kind for d in decisions if d.outcome == "accepted")),
    }
    if row["accepted"] + row["rejected"] + row["quarantined"] + row["failed"] != num_input:
        raise VerificationError(f"records do not add up: {row}", hint="this is a fault of seodang; please report it with this line")
    return row
