"""The content of `report.json`, from what a run's manifests say. Equal manifests give an equal report."""

import math
import re
from pathlib import PurePosixPath
from typing import Any

from seodang.core.errors import VerificationError
from seodang.pipeline.report.guard import judge_guard
from seodang.pipeline.report.reading import OVERALL, find_arm, reading
from seodang.pipeline.report.verdict import STUDENT, headline, verdict
from seodang.pipeline.report.winner import find_winner
from seodang.statistics.families import holm

FORMAT = 1  # of report.json; raised when a key changes its meaning
BYTES_PER_FLOAT32 = 4
COUNTS = ("accepted", "rejected", "quarantined", "failed")

_OPTIONAL = ("arms", "paired", "general", "paired_general", "data", "targets", "training", "export", "examples", "steps", "documents")
_ORIGINS = {  # part of the report: the steps whose manifests it was read from, by the start of their names
    "arms": ("evaluate",),
    "general": ("evaluate",),
    "data": ("build", "verify"),
    "targets": ("targets",),
    "training": ("distill", "train", "sft"),
    "export": ("export",),
    "documents": ("ingest",),
    "gold": ("gold",),
}
_FEWEST_COMPARED = 20
_OTHER_NAMES_OF_OVERALL = (None, "", "overall", OVERALL)
_MOST_NAMED = 2  # steps whose keys are told beside the numbers that came from them
_ABSOLUTE = re.compile(r"(?:file://)?(?:/|~|[A-Za-z]:[\\/])[^\n]*")

Row = dict[str, Any]


def build_report(run: Row) -> Row:
    """The report of `run`, as values that JSON can hold; `run` itself stays as it was.

    What was not run is absent from `run` (or None) and stays empty here, with its name in `not_run`. Numbers that are not
    finite become None. VerificationError where the records do not add up.
    """
    run = _plain(run)
    steps = [_without_folders({**step, "summary": _plain_facts(step.get("summary") or {})}) for step in run.get("steps") or []]
    report: Row = {
        "format": FORMAT,
        "name": run["name"],
        "title": run.get("title") or "",
        "synthetic": bool(run["synthetic"]),
        "arms": [_scored(arm) for arm in run.get("arms") or []],
        "paired": _paired(run.get("paired") or []),
        "paired_by_seed": _paired(run.get("paired_by_seed") or []),
        "general": [_scored(arm) for arm in run.get("general") or []],
        "paired_general": [row for row in _paired(run.get("paired_general") or []) if _is_large_enough(row)],
        "data": _data(run["data"]) if run.get("data") else None,
        "targets": _targets(run["targets"]) if run.get("targets") else None,
        "training": {arm: [_training_run(row) for row in rows] for arm, rows in (run.get("training") or {}).items()},
        "export": _known(run.get("export") or {}),
        "seconds": _seconds(steps),
        "cost": run.get("cost") or None,
        "examples": run.get("examples") or [],
        "nearest": run.get("nearest") or [],
        "unapproved_items": run.get("unapproved_items"),
        "gold": run.get("gold"),
        "variants": run.get("variants") or {},
        "steps": steps,
        **{key: _without_folders(run.get(key) or {}) for key in ("teacher", "student", "recipe", "machine", "versions")},
        "documents": _without_folders(run.get("documents") or []),
        "licenses": run.get("licenses") or {},
        "thinking": run.get("thinking") or {},
        "origins": {part: _origin(steps, names) for part, names in _ORIGINS.items()},
    }
    trained = list(report["training"])
    report["winner"] = find_winner(report["arms"], report["paired"], trained)
    report["guard"] = _guard(run.get("guard"), report, trained)
    report["size_and_score"] = _size_and_score(report)
    report["not_run"] = [key for key in _OPTIONAL if not report[key]]
    return {"headline": headline(report), "verdict": verdict(report), **report}


def _guard(section: Row | None, report: Row, trained: list[str]) -> Row | None:
    if section is None:
        return None
    return judge_guard(report["paired_general"], trained, section["margin"], required=section["require"])


def _plain(value: Any) -> Any:
    """A copy with text keys, lists for tuples, and None for numbers that are not finite."""
    if isinstance(value, dict):
        return {str(key): _plain(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(child) for child in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _without_folders(value: Any) -> Any:
    """The value with each absolute path cut to its last part, so that a report says nothing about where it was made."""
    if isinstance(value, dict):
        return {key: _without_folders(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_without_folders(child) for child in value]
    if isinstance(value, str) and _ABSOLUTE.fullmatch(value):
        return PurePosixPath(value.replace("\\", "/")).name
    return value


def _scored(arm: Row) -> Row:
    seeds = arm.get("seeds") or [{"seed": None, "score": score} for score in arm.get("seed_scores") or []]
    seeds = [seed for seed in seeds if seed.get("score") is not None]
    return {"score": None, "n": None, "interval": None, "parts": {}, **_known(arm), "seeds": seeds}


def _known(values: Row) -> Row:
    return {key: value for key, value in values.items() if value is not None}


def _is_large_enough(row: Row) -> bool:
    """A part of the general suite with a handful of items tells nothing about a difference; its scores are shown all the same."""
    return row["part"] == OVERALL or (row["n"] or 0) >= _FEWEST_COMPARED


def _paired(rows: list[Row]) -> list[Row]:
    """Rows with their reading; the rows over the whole exam come first, so that the first a, b found is about all of it."""
    tested = [row for row in rows if row.get("difference") is not None]
    named = [{**row, "part": OVERALL if row.get("part") in _OTHER_NAMES_OF_OVERALL else row["part"]} for row in tested]
    corrected = _corrected([{"interval": None, "p": None, "n": None, **row} for row in named])
    return sorted(({**row, "reading": reading(row)} for row in corrected), key=lambda row: row["part"] != OVERALL)


def _corrected(rows: list[Row]) -> list[Row]:
    """The rows with `p_holm`: Holm's correction for all pairs over the whole exam, and for the parts of each pair; each seed by itself."""
    families: dict[tuple[Any, ...], list[int]] = {}
    for place, row in enumerate(rows):
        pair = () if row["part"] == OVERALL else (row["a"], row["b"])
        families.setdefault((row.get("seed"), *pair), []).append(place)
    found: dict[int, float] = {}
    for places in families.values():
        tested = [place for place in places if rows[place]["p"] is not None]
        found |= zip(tested, holm([rows[place]["p"] for place in tested]), strict=True)
    return [{**row, "p_holm": found.get(place)} for place, row in enumerate(rows)]


def _data(data: Row) -> Row:
    counted = {"input": None, **dict.fromkeys(COUNTS), "rejected_by_check": {}, "accepted_by_kind": {}, "dropped": {}, **_known(data)}
    parts: list[Any] = [counted[name] for name in COUNTS]
    if None not in (counted["input"], *parts) and counted["input"] != sum(parts):
        sum_of = " + ".join(f"{counted[name]} {name}" for name in COUNTS)
        raise VerificationError(
            f"the records do not add up: {sum_of} is not {counted['input']} input", hint="run the steps build and verify again"
        )
    return counted


def _training_run(run: Row) -> Row:
    """The run with curves that hold finite values only; `num_not_finite` counts those left out."""
    curves = {name: run.get(name) or [] for name in ("loss_curve", "held_out_curve")}
    kept = {name: [point for point in curve if None not in point] for name, curve in curves.items()}
    return {**run, **kept, "num_not_finite": sum(len(curves[name]) - len(kept[name]) for name in curves)}


def _targets(targets: Row) -> Row:
    return {**targets, "reused": targets.get("reused", targets.get("num_reused"))}


def _plain_facts(summary: Row) -> Row:
    """A step's numbers and words; its lists and tables stand in the report's other parts."""
    return {key: value for key, value in summary.items() if not isinstance(value, dict | list)}


def _seconds(steps: list[Row]) -> dict[str, float | None]:
    return {step["name"]: step.get("seconds") for step in steps}


def _origin(steps: list[Row], names: tuple[str, ...]) -> str:
    """Such as "step evaluate (key 3f9a1c20)", or the number of steps where they are many; empty where no such step is known."""
    found = [step for step in steps if str(step["name"]).startswith(names)]
    each = [f"{step['name']} (key {str(step['key'])[:8]})" if step.get("key") else str(step["name"]) for step in found]
    if len(each) > _MOST_NAMED:
        return f"{len(each)} steps, from {found[0]['name']} to {found[-1]['name']} (keys under Steps)"
    return f"step{'s' if len(each) > 1 else ''} {', '.join(each)}" if each else ""


def _size_and_score(report: Row) -> list[Row]:
    """Points of the plot of size against score. A file that was not examined itself stands at its checkpoint's score and says so."""
    student, teacher = find_arm(report["arms"], STUDENT), find_arm(report["arms"], "teacher_open")
    points: list[Row] = []
    if student:
        examined = {key: student[key] for key in ("score", "interval", "n")}
        num_bytes = report["student"].get("bytes") or (report["student"].get("num_parameters") or 0) * BYTES_PER_FLOAT32
        if num_bytes:
            points.append({"label": "student, checkpoint", "bytes": num_bytes, "examined": True, **examined})
        for name, file in report["export"].items():
            if file.get("bytes") is not None:
                own = {key: file.get(key) for key in ("score", "interval", "n")} if file.get("score") is not None else examined
                points.append({"label": name, "bytes": file["bytes"], "examined": file.get("score") is not None, **own})
    if teacher:
        num_parameters = report["teacher"].get("num_parameters")
        num_bytes = num_parameters * BYTES_PER_FLOAT32 if num_parameters else None
        points.append(
            {"label": "teacher, open book", "bytes": num_bytes, "examined": True, **{k: teacher[k] for k in ("score", "interval", "n")}}
        )
    return points
