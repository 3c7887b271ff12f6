"""What people said of a run's records goes into the ledger that these were drawn from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seodang.core.artifact import Artifact
from seodang.core.errors import InputError
from seodang.core.files import read_json
from seodang.core.records import Verdict
from seodang.data.ledger.index import INDEX
from seodang.data.ledger.ledger import Ledger
from seodang.data.ledger.people import PEOPLE, PERSON, counting, enter_said, read_imports
from seodang.data.ledger.view import read_verification
from seodang.data.review.agreement import Review, review
from seodang.data.review.label_studio import Annotation
from seodang.data.review.queue import queue_id
from seodang.pipeline.ledger import POINTER
from seodang.pipeline.workspace import LEDGERS, Workspace


@dataclass(frozen=True, slots=True)
class Kept:
    """A review of all that a queue's people have said until now, the ledger that holds it, and how many verdicts were new."""

    review: Review
    ledger: Path
    num_new: int


def drawn_from(decisions: Path) -> dict[str, str] | None:
    """Which ledger and verification the decisions in a folder of the step `verify`, or in a file there, are of; None for other files."""
    pointer = (decisions if decisions.is_dir() else decisions.parent) / POINTER
    if not pointer.is_file():
        return None
    told: dict[str, str] = read_json(pointer)
    return {"store": str(pointer.resolve().parents[2]), "ledger": told["ledger"], "verification": told["verification"]}


def keep_people(plan: Mapping[str, Any], annotations: Sequence[Annotation], root: Path) -> Kept:
    """Enters each person's verdicts and what they settled on, in one commit; what is there already is not entered again.

    Earlier imports of the same queue count with these annotations, and of two by one person the later one does. The ledger is looked for
    below the folder of runs `root`, and then where the queue was drawn. InputError where it, its verification or a record is not there.
    """
    origin, queue = plan["drawn_from"], queue_id(plan)
    folder = _find(origin, root)
    with Artifact(folder).locked(), Ledger(folder, create=True) as ledger:
        verification = read_verification(ledger.row(origin["verification"]))
        called = {row["id"]: row["name"] for row in ledger.all_rows("record")}
        names = {called[record]: record for record in verification.inputs}
        if unknown := [kept["record"] for kept in plan["items"].values() if kept["record"] not in names]:
            raise InputError(f"record `{unknown[0]}` of the plan was not verified", where=str(folder), hint="export the queue again")
        ids = {item: names[kept["record"]] for item, kept in plan["items"].items()}
        said = [*_earlier(ledger, queue, {record: item for item, record in ids.items()}), *annotations]
        found = review(plan, said, seed=plan.get("seed", 0))
        return Kept(found, folder, enter_said(ledger, queue, _verdicts(found, ids)))


def _find(origin: Mapping[str, str], root: Path) -> Path:
    for store in (Workspace(root).store, Path(origin["store"])):
        folder = store / LEDGERS / origin["ledger"]
        if (folder / INDEX).is_file():
            return folder
    raise InputError(
        "the ledger that this queue was drawn from is not here",
        where=str(Workspace(root).store / LEDGERS / origin["ledger"]),
        hint="name the folder of its runs with --runs",
    )


def _earlier(ledger: Ledger, queue: str, items: Mapping[str, str]) -> list[Annotation]:
    """What people said of this queue before, by the ledger."""
    imports = [one for one in read_imports(ledger.all_rows("activity")) if one.queue == queue and one.check != PEOPLE]
    return [
        Annotation(
            items[record],
            check.removeprefix(PERSON),
            verdict.outcome,
            verdict.evidence["note"],
            verdict.evidence["round"] == "adjudication",
            verdict.evidence.get("at", ""),
        )
        for check, verdicts in counting(ledger, imports).items()
        for record, verdict in verdicts.items()
    ]


def _verdicts(found: Review, ids: Mapping[str, str]) -> list[Verdict]:
    said = [Verdict(ids[one.item], f"{PERSON}{one.person}", one.outcome, _words(one)) for one in found.annotations]
    return said + [Verdict(ids[item], PEOPLE, settled.outcome, settled.evidence()) for item, settled in found.settled.items()]


def _words(one: Annotation) -> dict[str, Any]:
    return {"round": one.round, "note": one.note, **({"at": one.at} if one.at else {})}
