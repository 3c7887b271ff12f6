"""The review queue: drawn from decisions, written for two people each, and the plan that joins their words to the records again."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError
from seodang.core.files import read_json, read_json_lines, write_atomically, write_json
from seodang.core.hashing import digest
from seodang.data.review.label_studio import interface, make_task
from seodang.data.review.sampling import Stratum, acceptance_plan, assign, draw, stratify

DECISION_FILES = ("accepted.jsonl", "rejected.jsonl", "quarantined.jsonl", "failed.jsonl")


@dataclass(frozen=True, slots=True)
class Queue:
    """What was written: the files, the strata, the number of items, and the acceptance plan for those that were accepted."""

    files: tuple[Path, ...]
    strata: tuple[Stratum, ...]
    num_items: int
    acceptance: Mapping[str, Any]


def read_decisions(path: Path) -> list[dict[str, Any]]:
    """Decision rows of a JSON lines file, or of a folder with those of a run's step `verify`. InputError where there are none."""
    files = [path] if path.is_file() else [path / name for name in DECISION_FILES if (path / name).is_file()]
    rows = [row for file in files for row in read_json_lines(file)]
    if not rows or not all(isinstance(row, dict) and "id" in row and "question" in row for row in rows):
        raise InputError(
            "no decided records", where=str(path), hint="name a run, its folder of the step `verify`, or a file such as accepted.jsonl"
        )
    return [{"outcome": "accepted", "check": "", "verdicts": [], **row} for row in rows]


def export_queue(
    rows: Sequence[Mapping[str, Any]],
    out: Path,
    people: Sequence[str],
    *,
    half_width: float,
    seed: int,
    materials: Mapping[str, str] | None = None,
    drawn_from: Mapping[str, str] | None = None,
    acceptable: float = 0.02,
    rejectable: float = 0.08,
) -> Queue:
    """Writes `out` (all tasks), `out` with each person's name (their tasks, in an order of their own), the interface as XML, and the plan.

    Every record is assigned to two people, and no task tells what was decided. `materials` are the passages' texts by id, and
    `drawn_from` says in which ledger the records are. The plan holds the decisions and the salt of the pseudonyms: it is not for the people
    who annotate.
    """
    strata = stratify(rows, half_width)
    drawn = draw(rows, strata, seed)
    pairs = assign(len(drawn), people, seed)
    salt = secrets.token_hex(16)
    items = [digest([salt, row["id"]])[:12] for row, _ in drawn]
    shown = [make_task(item, row, _material(row, materials or {}), pair) for item, (row, _), pair in zip(items, drawn, pairs, strict=True)]
    files = [out, out.with_suffix(".xml"), plan_path(out)]
    write_json(out, shown)
    write_atomically(out.with_suffix(".xml"), interface())
    for person in people:
        own = [task for task, pair in zip(shown, pairs, strict=True) if person in pair]
        own.sort(key=lambda task: digest([salt, person, task["data"]["item"]]))
        tasks = [{"data": {**task["data"], "assigned": person}, "meta": {"person": person}} for task in own]
        files.append(out.with_suffix(f".{person}.json"))
        write_json(files[-1], tasks)
    plan = acceptance_plan(acceptable, rejectable)
    acceptance = {**asdict(plan), "acceptable": acceptable, "rejectable": rejectable}
    facts = {
        "salt": salt,
        "seed": seed,
        "half_width": half_width,
        "strata": [asdict(stratum) for stratum in strata],
        "acceptance": acceptance,
        "items": {item: _kept(row, stratum, pair) for item, (row, stratum), pair in zip(items, drawn, pairs, strict=True)},
        "tasks": {task["data"]["item"]: task["data"] for task in shown},
    }
    if drawn_from:
        facts["drawn_from"] = dict(drawn_from)
    write_json(plan_path(out), facts)
    return Queue(tuple(files), tuple(strata), len(drawn), acceptance)


def plan_path(out: Path) -> Path:
    """Where the plan of a queue lies: `queue.json` has `queue.plan.json`."""
    return out.with_suffix(".plan.json")


def read_plan(path: Path) -> dict[str, Any]:
    """The plan of a queue; InputError where the file is something else."""
    plan = read_json(path)
    if not isinstance(plan, dict) or not {"salt", "items", "tasks", "strata"} <= plan.keys():
        raise InputError("not the plan of a review queue", where=str(path), hint="name the `.plan.json` that `review export` wrote")
    return plan


def queue_id(plan: Mapping[str, Any]) -> str:
    """Stands for a queue where its salt must not: 64 hexadecimal digits."""
    return digest(["queue", plan["salt"]])


def _kept(row: Mapping[str, Any], stratum: Stratum, pair: Sequence[str]) -> dict[str, Any]:
    verdicts = {verdict["check"]: verdict["outcome"] for verdict in row.get("verdicts", ())}
    told = {"record": row["id"], "outcome": row["outcome"], "check": row["check"], "kind": row.get("kind", "")}
    return {**told, "verdicts": verdicts, "weight": stratum.size / stratum.drawn, "stratum": stratum.name, "assigned": list(pair)}


def _material(row: Mapping[str, Any], materials: Mapping[str, str]) -> str:
    truth = row.get("truth") or {}
    given = [materials[name] for name in row.get("passages", ()) if name in materials]
    for name in ("evidence", "reference"):
        told = truth.get(name, [])
        given += [told] if isinstance(told, str) else list(map(str, told))
    return "\n".join(given)
