"""The lineage of a record: what it is, who made it, what was found about it, and what it was made from, down to the document's bytes."""

import json
from collections.abc import Mapping
from typing import Any

from seodang.core.errors import InputError
from seodang.data.ledger.ledger import Ledger
from seodang.data.ledger.people import is_people, read_imports
from seodang.data.ledger.view import read_views


def find_record(ledger: Ledger, name: str) -> str | None:
    """The id of the record with this id, this beginning of one (eight digits or more), or this short name; None where there is none.

    InputError where there are several.
    """
    found = ledger.find(name)
    if len(found) > 1:
        told = ", ".join(key[:16] for key in found[:6])
        raise InputError(f"{len(found)} records are called `{name}`", where=str(ledger.folder), hint=f"give more digits of one of {told}")
    return found[0] if found else None


def lineage(ledger: Ledger, record: str) -> dict[str, Any]:
    """A record as one mapping: its content, activity, verdicts, its decision in each view, and its sources under `derived_from`."""
    decisions = [
        {"policy": head["policy"]["name"], "policy_digest": head["policy_digest"], "heard": head.get("heard", []), **row}
        for _, (head, *rows) in read_views(ledger.folder)
        for row in rows
        if row["record"] == record
    ]
    return {**_told(ledger, record), "verdicts": _verdicts(ledger, record), "decisions": decisions}


def _told(ledger: Ledger, record: str) -> dict[str, Any]:
    row = ledger.row(record)
    content = json.loads(row["content"])
    if row["kind"] == "document":
        content["num_characters"] = len(content.pop("text"))
    activity = ledger.row(row["activity"])
    made_by = {name: activity[name] for name in ("id", "stage", "version", "config", "teacher", "prompts")}
    columns = ("id", "kind", "name", "language", "domain", "capability")
    return {
        **{name: row[name] for name in columns if row[name]},
        "content": content,
        "permissions": json.loads(row["permissions"]),
        "activity": {name: value for name, value in made_by.items() if value} | _settings(activity),
        "derived_from": [_told(ledger, source) for source in row["derived_from"]],
    }


def _settings(activity: Mapping[str, Any]) -> dict[str, Any]:
    told = {"sampling": json.loads(activity["sampling"]), "settings": json.loads(activity["settings"])}
    return {name: value for name, value in told.items() if value}


def _verdicts(ledger: Ledger, record: str) -> list[dict[str, Any]]:
    """Every verdict on a record: the checks', and then what people said, in the order in which they said it. Of a word that a later one of
    the same person stands above, `counts` is false."""
    rows = ledger.verdicts_on(record)
    imports = {one.id: one for one in read_imports(ledger.row(row["activity"]) for row in rows if is_people(row["check"]))}
    told = [_verdict(row) for row in rows if row["activity"] not in imports]
    said = sorted((row for row in rows if row["activity"] in imports), key=lambda row: (row["check"], imports[row["activity"]].number))
    last = {row["check"]: row["activity"] for row in said}
    return told + [_verdict(row) | ({} if last[row["check"]] == row["activity"] else {"counts": False}) for row in said]


def _verdict(row: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: row[name] for name in ("check", "version", "config", "outcome", "activity")}
    return {**told, "evidence": json.loads(row["evidence"])}
