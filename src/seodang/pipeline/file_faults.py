"""What the files of the steps `build` and `verify` say otherwise than the ledger, one sentence each."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seodang.core.artifact import Artifact
from seodang.core.errors import InputError
from seodang.core.files import read_json_lines
from seodang.core.hashing import digest_file
from seodang.core.records import Verdict
from seodang.data.ledger.enter import sample_row
from seodang.data.ledger.ledger import Ledger
from seodang.data.ledger.policy import DECISIONS, reasons, uncertified
from seodang.data.ledger.view import Ruled, Verification, rule_all

_BUILT = "records.jsonl"


def built_faults(built: Artifact, ledger: Ledger, verification: Verification) -> list[str]:
    """Where the records that the step `build` wrote are not, in order and content, those that were verified."""
    where, num_verified = f"{_BUILT} of the step `build`", len(verification.inputs)
    rows, faults = _read(built.folder / _BUILT, where)
    if faults:
        return faults
    known = {row["id"]: _plain(sample_row(row, json.loads(row["content"]))) for row in ledger.all_rows("record") if row["kind"] == "sample"}
    verified = [known[record] for record in verification.inputs]
    manifest = built.manifest
    num_made = manifest["summary"].get("num_records", num_verified)
    if num_made != num_verified:
        faults.append(f"the step `build` made {num_made} records, and {num_verified} were verified")
    ids, wanted = [row["id"] for row in rows], [row["id"] for row in verified]
    if ids != wanted:
        lost, new = (Counter(wanted) - Counter(ids)).total(), (Counter(ids) - Counter(wanted)).total()
        told = f"{lost} that were verified are missing, and {new} were not verified" if lost or new else "their order is another"
        faults.append(f"{where} holds {len(ids)} records, and {num_verified} were verified: {told}")
    by_id: dict[str, list[dict[str, Any]]] = {}
    for row in verified:
        by_id.setdefault(row["id"], []).append(row)
    for row in map(_plain, rows):
        same = by_id.get(row["id"], [row])
        if row not in same:
            faults.append(_differs(where, row, same[-1]))
    if not faults and digest_file(built.folder / _BUILT) != manifest["files"][_BUILT]["sha256"]:
        faults.append(f"{where} has other bytes than its manifest says")
    return faults


def outcome_faults(verified: Path, ledger: Ledger, verification: Verification) -> list[str]:
    """Where a decided record in the files of the step `verify` is not, in order and content, what the ledger makes of it."""
    ruled = rule_all(ledger, verification)
    decided = {row.name: row for row in ruled if row.check != "repeated"}
    order = list(dict.fromkeys(row.name for row in ruled))
    found = {name: ledger.verdicts(name, config) for name, config in verification.checks}
    records = {row["id"]: row for row in ledger.all_rows("record")}
    faults: list[str] = []
    for outcome in DECISIONS:
        where = f"{outcome}.jsonl of the step `verify`"
        rows, unread = _read(verified / f"{outcome}.jsonl", where)
        faults += unread
        if unread:
            continue
        if [row["id"] for row in rows] != [name for name in order if decided[name].decision == outcome]:
            faults.append(f"{where} does not hold the records that the ledger says are {outcome}")
        for row in map(_plain, rows):
            if (ruling := decided.get(row["id"])) is not None and ruling.decision == outcome:
                right = _decided_row(ruling, verification, records[ruling.record], found)
                faults += [_differs(where, row, right)] if row != right else []
    return faults


def _decided_row(
    ruling: Ruled, verification: Verification, record: Mapping[str, Any], found: Mapping[str, Mapping[str, Verdict]]
) -> dict[str, Any]:
    """The line of a record in the file of its decision. The ledger may have later verdicts on it, of another verification."""
    names, policy = [name for name, _ in verification.checks], verification.policy
    given: dict[str, Verdict] = {}
    for name in names:
        if ruling.record in found[name]:
            given[name] = found[name][ruling.record]
        if reasons(policy, names, given, complete=False):
            break
    against = (*reasons(policy, names, given), *uncertified(policy, ruling.kind, names, given))
    return {
        "outcome": ruling.decision,
        "check": ruling.check,
        **_plain(sample_row(record, json.loads(record["content"]))),
        "verdicts": [{"check": v.check, "outcome": v.outcome, "evidence": v.evidence} for v in given.values()],
        **({"reasons": [reason.row() for reason in against]} if against else {}),
    }


def _read(path: Path, where: str) -> tuple[list[dict[str, Any]], list[str]]:
    """The records of a file, or the fault that keeps it from being read."""
    try:
        rows: Sequence[Any] = read_json_lines(path)
    except InputError as error:
        return [], [f"{where} cannot be read: {error.what}"]
    if not all(isinstance(row, dict) and isinstance(row.get("id"), str) for row in rows):
        return [], [f"{where} has a line that is no record"]
    return list(rows), []


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A record's line without what is not written where it is empty."""
    return {name: value for name, value in row.items() if value or name not in ("domain", "capability")}


def _differs(where: str, row: Mapping[str, Any], right: Mapping[str, Any]) -> str:
    names = [name for name in dict.fromkeys([*right, *row]) if row.get(name) != right.get(name) or (name in row) != (name in right)]
    fields = ", ".join(f"`{name}`" for name in names)
    return f"{where} has another {fields} of {row['id']} than the ledger"
