"""Every record is put to the checks in order and decided: accepted, rejected, quarantined or failed. None is lost."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from seodang.core.errors import VerificationError
from seodang.core.records import Record, Verdict
from seodang.core.registry import find_function
from seodang.data.ledger.policy import Policy, Reason, load_policy, reasons, uncertified
from seodang.data.verify.context import CheckContext

Ask = Callable[[str, Sequence[Record], CheckContext], list[Verdict]]


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a record, the check that decided it, every verdict it was given, and all that speaks against it, in order."""

    record: Record
    outcome: str  # "accepted", "rejected", "quarantined" or "failed"
    check: str
    verdicts: tuple[Verdict, ...]
    reasons: tuple[Reason, ...] = ()

    def row(self) -> dict[str, Any]:
        verdicts = [{"check": v.check, "outcome": v.outcome, "evidence": v.evidence} for v in self.verdicts]
        against = {"reasons": [reason.row() for reason in self.reasons]} if self.reasons else {}
        return {"outcome": self.outcome, "check": self.check, **self.record.row(), "verdicts": verdicts, **against}


def ask_check(name: str, records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """The verdicts of a check by its name, one a record, in order."""
    check: Callable[[Sequence[Record], CheckContext], list[Verdict]] = find_function("seodang.data.verify", name)
    return check(records, context)


def decide(records: Sequence[Record], context: CheckContext, *, ask: Ask = ask_check, policy: Policy | None = None) -> list[Decision]:
    """One decision for each distinct record, in order. A record against which a check speaks is not put to those after it.

    `ask` puts a check to records; `policy` says what the verdicts mean (None: the default one).
    """
    policy = policy or load_policy()
    waiting = distinct(records)
    verdicts: dict[str, dict[str, Verdict]] = {record.id: {} for record in waiting}
    every, names = waiting, context.section.checks
    for name in names:
        context.progress.note = name
        for record, verdict in zip(waiting, ask(name, waiting, context), strict=True):
            verdicts[record.id][name] = verdict
        still = [record for record in waiting if not reasons(policy, names, verdicts[record.id], complete=False)]
        context.progress.advance(len(waiting) - len(still))
        waiting = still
    return [_decide(policy, record, names, verdicts[record.id]) for record in every]


def distinct(records: Sequence[Record]) -> list[Record]:
    """Each record once, where it stands first and as it stands last."""
    return list({record.id: record for record in records}.values())


def _decide(policy: Policy, record: Record, names: Sequence[str], verdicts: dict[str, Verdict]) -> Decision:
    against = (*reasons(policy, names, verdicts), *uncertified(policy, record.kind, names, verdicts))
    first = against[0] if against else None
    outcome, check = (first.decision, first.check) if first else ("accepted", "")
    return Decision(record, outcome, check, tuple(verdicts.values()), against)


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
