"""Decisions as a view: what a policy makes of the verdicts of one verification. It is computed anew each time and kept as a file."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError, VerificationError
from seodang.core.files import read_json_lines, write_json_lines
from seodang.core.hashing import digest
from seodang.core.records import Verdict
from seodang.data.ledger.facts import Activity
from seodang.data.ledger.ledger import VIEWS, Ledger
from seodang.data.ledger.people import Import, counting, read_imports
from seodang.data.ledger.policy import DECISIONS, REPEATED, Policy, Reason, reasons, uncertified

VERIFY = "verify"


@dataclass(frozen=True, slots=True)
class Verification:
    """Which records were verified, in order and with repeats, by which checks under which configuration, and under which policy."""

    id: str
    inputs: tuple[str, ...]
    checks: tuple[tuple[str, str], ...]  # name and configuration, in the order in which they were put
    policy: Policy


@dataclass(frozen=True, slots=True)
class Ruled:
    """What becomes of one input: the check that decided (empty for accepted) and all that speaks against it, in order."""

    record: str
    name: str
    kind: str
    decision: str
    check: str
    reasons: tuple[Reason, ...]

    def row(self) -> dict[str, Any]:
        told = {"record": self.record, "name": self.name, "kind": self.kind, "decision": self.decision, "check": self.check}
        return {**told, "reasons": [reason.row() for reason in self.reasons]}


def verification_activity(inputs: Sequence[str], checks: Sequence[tuple[str, int, str]], policy: Policy, version: str) -> Activity:
    """The activity that stands for a verification; `checks` are name, version and configuration."""
    told = [{"name": name, "version": number, "config": config} for name, number, config in checks]
    settings = {"checks": told, "policy": policy.model_dump(mode="json")}
    return Activity(VERIFY, version, policy.digest, settings=settings, used=tuple(inputs))


def read_verification(row: Mapping[str, Any]) -> Verification:
    """The verification of a row of the table `activity`."""
    settings = json.loads(row["settings"])
    checks = tuple((check["name"], check["config"]) for check in settings["checks"])
    return Verification(row["id"], tuple(row["used"]), checks, Policy.model_validate(settings["policy"]))


def verifications(ledger: Ledger) -> list[Verification]:
    """Every verification of a ledger, by id."""
    rows = [row for row in ledger.all_rows("activity") if row["stage"] == VERIFY]
    return [read_verification(row) for row in sorted(rows, key=lambda row: row["id"])]


def people_of(ledger: Ledger, policy: Policy) -> list[Import]:
    """All that the people whom a policy names have said until now."""
    return read_imports(ledger.all_rows("activity"), policy.people) if policy.people else []


def rule_all(ledger: Ledger, verification: Verification, policy: Policy | None = None, heard: Sequence[Import] = ()) -> list[Ruled]:
    """One ruling for each input, in order, by a policy (None: the verification's own). Nothing but stored verdicts is looked at, and of
    people's those of the imports in `heard`."""
    found = {name: ledger.verdicts(name, config) for name, config in verification.checks} | counting(ledger, heard)
    rows = {row["id"]: row for row in ledger.all_rows("record")}
    return rule_rows(verification, policy or verification.policy, rows, found)


def rule_rows(
    verification: Verification, policy: Policy, records: Mapping[str, Mapping[str, Any]], found: Mapping[str, Mapping[str, Verdict]]
) -> list[Ruled]:
    """The same of rows at hand: `records` by id, verdicts by check and id. Of inputs with one short name, the first that is what the last
    is counts; the others are repeats of it."""
    names = [name for name, _ in verification.checks]
    people = [check for check in policy.people if check in found]
    chosen = {records[record]["name"]: record for record in verification.inputs}
    ruled: list[Ruled] = []
    seen: set[str] = set()
    for record in verification.inputs:
        row = records[record]
        name, kind = row["name"], json.loads(row["content"]).get("kind", row["kind"])
        if record != chosen[name] or record in seen:
            again = Reason(REPEATED, "", "rejected", "it was made twice")
            ruled.append(Ruled(record, name, kind, "rejected", REPEATED, (again,)))
            continue
        seen.add(record)
        verdicts = {check: found[check][record] for check in (*names, *people) if record in found[check]}
        against = (*reasons(policy, names, verdicts), *uncertified(policy, kind, names, verdicts))
        first = against[0] if against else None
        ruled.append(Ruled(record, name, kind, first.decision if first else "accepted", first.check if first else "", against))
    return ruled


def count(ruled: Sequence[Ruled]) -> dict[str, int]:
    """How many inputs there are, and how many of each decision."""
    counts = Counter(row.decision for row in ruled)
    return {"input": len(ruled), **{decision: counts[decision] for decision in DECISIONS}}


def flow(old: Sequence[Ruled], new: Sequence[Ruled]) -> list[dict[str, Any]]:
    """How many inputs go from which decision to which, the most first among those that change."""
    pairs = Counter((before.decision, after.decision) for before, after in zip(old, new, strict=True))
    rows = [{"from": before, "to": after, "num": number} for (before, after), number in pairs.items()]
    return sorted(rows, key=lambda row: (row["from"] == row["to"], -row["num"], row["from"], row["to"]))


def view_path(folder: Path, verification: Verification, policy: Policy, heard: Sequence[Import] = ()) -> Path:
    """Where the decisions of a policy on a verification are kept, after what people said in these imports."""
    after = f"-{digest([one.id for one in heard])[:16]}" if heard else ""
    return folder / VIEWS / f"{policy.digest[:16]}-{verification.id[:16]}{after}.jsonl"


def write_view(folder: Path, verification: Verification, policy: Policy, ruled: Sequence[Ruled], heard: Sequence[Import] = ()) -> Path:
    """Keeps decisions below a ledger's folder: a first line with the policy and the imports of what people said, then one line an input.
    A view that is there stays as it is; VerificationError where it says something else."""
    path = view_path(folder, verification, policy, heard)
    head = {"verification": verification.id, "policy": policy.model_dump(mode="json"), "policy_digest": policy.digest, **count(ruled)}
    head |= {"heard": [one.id for one in heard]} if heard else {}
    rows = [head, *(row.row() for row in ruled)]
    if path.is_file():
        if read_json_lines(path) != rows:
            raise VerificationError("decisions that were kept are not those of the verdicts", where=str(path), hint=_CHANGED)
        return path
    write_json_lines(path, rows)
    return path


def read_views(folder: Path) -> list[tuple[Path, list[dict[str, Any]]]]:
    """Every view that is kept below a ledger's folder, with its lines."""
    return [(path, read_json_lines(path)) for path in sorted((folder / VIEWS).glob("*.jsonl"))]


def one_verification(ledger: Ledger, wanted: str | None) -> list[Verification]:
    """The verification of that id, or all of them. InputError where there is none."""
    found = [row for row in verifications(ledger) if wanted in (None, row.id)]
    if not found:
        raise InputError("nothing was verified here yet", where=str(ledger.folder), hint="run the recipe up to the step `verify`")
    return found


_CHANGED = "the view or the ledger was changed from outside; `seodang data audit RUN` says where"
