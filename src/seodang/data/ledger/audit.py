"""The audit of a ledger: everything is computed again from the shards, and nothing that the index says is taken for granted."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from seodang.core.errors import VerificationError
from seodang.core.records import Verdict
from seodang.data.ledger.facts import Unit, activity_id, check_stage, entity_id
from seodang.data.ledger.ledger import Ledger
from seodang.data.ledger.people import Import, people_faults, read_imports
from seodang.data.ledger.policy import DECISIONS, Policy
from seodang.data.ledger.tables import TABLES, read_shard, shard_path
from seodang.data.ledger.view import VERIFY, Verification, count, read_verification, read_views, rule_rows

MOST_FAULTS = 20
_OUTCOMES = ("pass", "fail", "undecided", "error")
Rows = dict[str, list[dict[str, Any]]]


def audit(ledger: Ledger, verification: str | None = None) -> dict[str, Any]:
    """Numbers, and `faults`: one sentence each, empty where all holds. `verification` picks one; None sums over all of them.

    What must hold: each shard's bytes have the hash that it is named after; each fact's id is the hash of its content and stands once; each
    unit was done once and gave one verdict, on a known record by a known activity; what people said is what was imported; each span is
    what its document says there; each input has one decision, so that accepted + rejected + quarantined + failed = input; and every kept
    view is what its policy makes of the verdicts.
    """
    faults: list[str] = []
    rows = _read(ledger, faults)
    records = _by_id(rows["record"], "record", entity_id, faults)
    activities = _by_id(rows["activity"], "activity", activity_id, faults)
    _audit_index(ledger, rows, faults)
    _audit_verdicts(rows["verdict"], records, activities, faults)
    faults += people_faults(activities.values(), rows["verdict"])
    _audit_records(records, activities, faults)
    every = {key: read_verification(row) for key, row in activities.items() if row["stage"] == VERIFY}
    chosen = [every[key] for key in sorted(every) if verification in (None, key)]
    if not chosen:
        faults.append("nothing was verified here" if verification is None else f"no verification {verification[:16]} in the ledger")
    counts = [_audit_decisions(one, one.policy, records, rows["verdict"], faults) for one in chosen]
    summed = {key: sum(row[key] for row in counts) for key in ("input", *DECISIONS, "repeated")}
    num_views = _audit_views(ledger, every, activities, records, rows["verdict"], faults)
    return {
        "ledger": str(ledger.folder),
        **summed,
        "verifications": [{"id": one.id, **row} for one, row in zip(chosen, counts, strict=True)],
        "records": dict(sorted(Counter(row["kind"] for row in records.values()).items())),
        "activities": len(activities),
        "verdicts": len(rows["verdict"]),
        "units": len(ledger.units()),
        "views": num_views,
        "shards": {table: len(ledger.shards(table)) for table in TABLES},
        "bytes": sum(shard_path(ledger.folder, t, n).stat().st_size for t in TABLES for n in ledger.shards(t) if _stands(ledger, t, n)),
        "num_faults": len(faults),
        "faults": faults[:MOST_FAULTS],
    }


def require_sound(found: Mapping[str, Any]) -> None:
    """VerificationError where an audit found a fault."""
    if found["num_faults"]:
        more = f" (and {found['num_faults'] - 1} more)" if found["num_faults"] > 1 else ""
        raise VerificationError(
            f"{found['faults'][0]}{more}",
            where=found["ledger"],
            hint="`--json` lists the faults; a ledger that nobody changed has none, so please report what it says",
        )


def _read(ledger: Ledger, faults: list[str]) -> Rows:
    rows: Rows = {table: [] for table in TABLES}
    for table in TABLES:
        for name, num_rows in ledger.shards(table).items():
            try:
                found = read_shard(ledger.folder, table, name)
            except VerificationError as error:
                faults.append(f"{error.what}: {table}/{name[:16]}")
                continue
            if len(found) != num_rows:
                faults.append(f"{table}/{name[:16]} has {len(found)} rows, and the index says {num_rows}")
            rows[table] += found
    return rows


def _by_id(
    rows: Sequence[dict[str, Any]], table: str, identify: Callable[[Mapping[str, Any]], str], faults: list[str]
) -> dict[str, dict[str, Any]]:
    """The rows whose content is that of their id, by id. The others count as unknown from here on."""
    sound: dict[str, dict[str, Any]] = {}
    for row in rows:
        try:
            right = identify(row) == row["id"]
        except json.JSONDecodeError:
            right = False
        if right:
            sound[row["id"]] = row
        else:
            faults.append(f"{table} {row['id'][:16]} has other content than its id says")
    faults += [f"{table} {key[:16]} stands {number} times" for key, number in Counter(r["id"] for r in rows).items() if number > 1]
    return sound


def _audit_index(ledger: Ledger, rows: Rows, faults: list[str]) -> None:
    in_shards = {row["id"]: table for table in ("record", "activity") for row in rows[table]}
    if ledger.facts() != in_shards:
        faults.append(f"the index knows {len(ledger.facts())} records and activities, and the shards hold {len(in_shards)}")
    done = Counter(Unit(check_stage(row["check"]), row["config"], row["record"]) for row in rows["verdict"])
    faults += [f"{unit.stage} was done {number} times on {unit.record[:16]}" for unit, number in done.items() if number > 1]
    marked = ledger.units()
    faults += [f"{unit.stage} is marked as done on {unit.record[:16]}, without a verdict" for unit in sorted(marked - done.keys(), key=str)]
    faults += [
        f"{unit.stage} has a verdict on {unit.record[:16]} and is not marked as done" for unit in sorted(done.keys() - marked, key=str)
    ]


def _audit_verdicts(rows: Sequence[dict[str, Any]], records: Mapping[str, Any], activities: Mapping[str, Any], faults: list[str]) -> None:
    for row in rows:
        if row["record"] not in records:
            faults.append(f"a verdict of {row['check']} on the unknown record {row['record'][:16]}")
        made_by = activities.get(row["activity"])
        if made_by is None or (made_by["stage"], made_by["config"]) != (check_stage(row["check"]), row["config"]):
            faults.append(f"a verdict of {row['check']} on {row['record'][:16]} by no activity that is known")
        if row["outcome"] not in _OUTCOMES:
            faults.append(f"{row['check']} says `{row['outcome']}` of {row['record'][:16]}")


def _audit_records(records: Mapping[str, dict[str, Any]], activities: Mapping[str, dict[str, Any]], faults: list[str]) -> None:
    generated = {key: set(row["generated"]) for key, row in activities.items()}
    for key, row in records.items():
        faults += [
            f"{row['kind']} {key[:16]} is derived from the unknown {source[:16]}" for source in row["derived_from"] if source not in records
        ]
        if key not in generated.get(row["activity"], ()):
            faults.append(f"{row['kind']} {key[:16]} was made by no activity that is known")
        if row["kind"] == "span":
            span = json.loads(row["content"])
            texts = [json.loads(records[source]["content"])["text"] for source in row["derived_from"] if source in records]
            if [text[span["start"] : span["end"]] for text in texts] != [span["text"]]:
                faults.append(f"span {key[:16]} is not what its document says there")


def _audit_decisions(
    verification: Verification, policy: Policy, records: Mapping[str, Any], verdicts: Sequence[dict[str, Any]], faults: list[str]
) -> dict[str, int]:
    unknown = [record for record in verification.inputs if record not in records]
    if unknown:
        faults.append(f"{len(unknown)} inputs of the verification {verification.id[:16]} are not in the ledger")
        return dict.fromkeys(("input", *DECISIONS, "repeated"), 0) | {"input": len(verification.inputs)}
    ruled = rule_rows(verification, policy, records, _found(verification, verdicts))
    counts = count(ruled)
    if sum(counts[decision] for decision in DECISIONS) != len(verification.inputs):
        faults.append(f"the decisions of {verification.id[:16]} do not add up: {counts}")
    return {**counts, "repeated": sum(row.check == "repeated" for row in ruled)}


def _found(verification: Verification, verdicts: Sequence[dict[str, Any]], heard: Sequence[Import] = ()) -> dict[str, dict[str, Verdict]]:
    """The verdicts that a decision looks at, by check and record; of people's, the latest of the imports that were heard."""
    order = {key: place for place, key in enumerate([*verification.checks, *((one.check, one.config) for one in heard)])}
    found: dict[str, dict[str, Verdict]] = {name: {} for name, _ in order}
    told = [row for row in verdicts if (row["check"], row["config"]) in order]
    for row in sorted(told, key=lambda row: order[row["check"], row["config"]]):
        found[row["check"]][row["record"]] = Verdict(row["record"], row["check"], _known(row["outcome"]), json.loads(row["evidence"]))
    return found


def _audit_views(
    ledger: Ledger,
    every: Mapping[str, Verification],
    activities: Mapping[str, dict[str, Any]],
    records: Mapping[str, Any],
    verdicts: Sequence[dict[str, Any]],
    faults: list[str],
) -> int:
    views = read_views(ledger.folder)
    for path, (head, *kept) in views:
        verification, policy = every.get(head["verification"]), Policy.model_validate(head["policy"])
        if verification is None or any(record not in records for record in verification.inputs):
            faults.append(f"the decisions in {path.name} are of no verification that is known")
            continue
        said = head.get("heard", [])
        heard = read_imports((activities[one] for one in said if one in activities), policy.people)
        if [one.id for one in heard] != said:
            faults.append(f"the decisions in {path.name} have heard an import that is not known")
            continue
        again = rule_rows(verification, policy, records, _found(verification, verdicts, heard))
        if policy.digest != head["policy_digest"] or [row.row() for row in again] != kept or head != {**head, **count(again)}:
            faults.append(f"the decisions in {path.name} are not those of the verdicts")
    return len(views)


def _stands(ledger: Ledger, table: str, name: str) -> bool:
    return shard_path(ledger.folder, table, name).is_file()


def _known(outcome: str) -> str:
    return outcome if outcome in _OUTCOMES else "error"
