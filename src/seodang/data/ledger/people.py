"""What people said of records, as evidence beside that of checks: it comes after a run, in imports, and the latest word of each counts.

An import is an activity, numbered for each person and for `people`, which stands for what several of them settled on. So an earlier word
stays a fact, and which words a decision has heard can be told by the imports' ids.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seodang.core.hashing import digest
from seodang.core.records import Verdict
from seodang.data.ledger.facts import Activity, Finding, Unit, check_stage
from seodang.data.ledger.ledger import Ledger

PEOPLE = "people"  # stands where a check does: what people settled on
PERSON = "person:"  # with a pseudonym, stands where a check does: what that person said
_VERSION = 1  # of how words become verdicts


@dataclass(frozen=True, slots=True)
class Import:
    """What one person, or `people`, said in one import: an activity, and the configuration that its verdicts are found by."""

    id: str
    check: str
    config: str
    queue: str  # digest that stands for the review queue
    number: int  # from 0, among the imports of this check
    said: str  # digest of its verdicts


def is_people(check: str) -> bool:
    """Whether a check's name stands for people: `people`, or `person:` with a pseudonym."""
    return check == PEOPLE or (check.startswith(PERSON) and check != PERSON)


def read_imports(activities: Iterable[Mapping[str, Any]], checks: Sequence[str] | None = None) -> list[Import]:
    """The imports among rows of the table `activity`, by check and number; of these checks only, where they are given."""
    found: list[Import] = []
    for row in activities:
        check = row["stage"].removeprefix(check_stage(""))
        if row["stage"] == check_stage(check) and is_people(check) and (checks is None or check in checks):
            told = json.loads(row["settings"])
            if told.keys() >= {"queue", "number", "said"}:  # or else it is a check from outside of a module `person`
                found.append(Import(row["id"], check, row["config"], told["queue"], told["number"], told["said"]))
    return sorted(found, key=lambda one: (one.check, one.number))


def enter_said(ledger: Ledger, queue: str, said: Sequence[Verdict]) -> int:
    """Adds what people said of a queue's records (by their ids in the ledger), in one commit: all of it or nothing. Returns the number of
    new verdicts; what says the same as the latest of this queue is left out."""
    known = read_imports(ledger.all_rows("activity"))
    by_check: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in said:
        by_check[verdict.check].append(verdict)
    activities: list[Activity] = []
    findings: list[Finding] = []
    for check, verdicts in sorted(by_check.items()):
        own = [one for one in known if one.check == check]
        latest = counting(ledger, [one for one in own if one.queue == queue]).get(check, {})
        new = sorted((one for one in verdicts if latest.get(one.record) != one), key=lambda one: one.record)
        if new:
            settings = {"queue": queue, "number": len(own), "said": _digest([(one.record, one.outcome, one.evidence) for one in new])}
            config = digest([check, _VERSION, settings])
            made = Activity(check_stage(check), str(_VERSION), config, settings=settings, used=tuple(one.record for one in new))
            activities.append(made)
            findings += [Finding(one.record, check, _VERSION, config, one.outcome, one.evidence, made.id) for one in new]
    if findings:
        units = [Unit(check_stage(finding.check), finding.config, finding.record) for finding in findings]
        ledger.commit(units, activities=activities, findings=findings)
    return len(findings)


def counting(ledger: Ledger, imports: Sequence[Import]) -> dict[str, dict[str, Verdict]]:
    """What counts after these imports, in their order: the latest verdict, by check and record."""
    found: dict[str, dict[str, Verdict]] = defaultdict(dict)
    for one in imports:
        found[one.check] |= ledger.verdicts(one.check, one.config)
    return dict(found)


def people_faults(activities: Iterable[Mapping[str, Any]], verdicts: Iterable[Mapping[str, Any]]) -> list[str]:
    """Where verdicts are not those that were imported, one sentence each: turned, added, taken out, or of an import that is gone."""
    imports = read_imports(activities)
    entered: dict[str, list[tuple[str, str, Any]]] = {one.id: [] for one in imports}
    for row in verdicts:
        if row["activity"] in entered:
            entered[row["activity"]].append((row["record"], row["outcome"], json.loads(row["evidence"])))
    faults = [
        f"what {one.check} said in the import {one.id[:16]} is not what was entered"
        for one in imports
        if _digest(entered[one.id]) != one.said
    ]
    numbers: dict[str, list[int]] = defaultdict(list)
    for one in imports:
        numbers[one.check].append(one.number)
    return faults + [f"the imports of {check} are not numbered through" for check, own in numbers.items() if own != [*range(len(own))]]


def _digest(said: Iterable[tuple[str, str, Mapping[str, Any]]]) -> str:
    return digest([[record, outcome, dict(evidence)] for record, outcome, evidence in sorted(said, key=lambda one: one[0])])
