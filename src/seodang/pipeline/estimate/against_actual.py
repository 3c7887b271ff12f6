"""An estimate that is kept with its run, and set against what the run then took."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError, ModelError
from seodang.core.files import read_json, read_json_lines
from seodang.data.documents import Document, load_documents
from seodang.pipeline.context import RunContext
from seodang.pipeline.estimate.estimate import FORMAT, estimate
from seodang.pipeline.workspace import RUN_FILE

Row = dict[str, Any]
_KEPT = ("format", "device", "total_hours", "cache_bytes", "disk_bytes", "peak_memory_bytes", "ranges")


def keep_estimate(context: RunContext, folder: Path, steps: Sequence[Row]) -> Row:
    """The estimate of a run that begins. One that was made for the same steps stays as it was, so that nothing is counted twice and no
    later measurement changes what was expected."""
    before = _recorded(folder / RUN_FILE)
    # The record of a run that its guard kept from being exported does not name the export.
    same = list(steps), [step for step in steps if step["name"] != "export"]
    if isinstance(before, dict) and before.get("steps") in same and (before.get("estimate") or {}).get("format") == FORMAT:
        return before["estimate"]
    try:
        told = estimate(context, _documents(context))
    except (InputError, ModelError) as error:  # the run's steps say what is wrong, if it is; an estimate alone does not end it
        return {"format": FORMAT, "reason": str(error)}
    return {name: told[name] for name in _KEPT} | {"steps": [{key: step[key] for key in _OF_A_STEP} for step in told["steps"]]}


_OF_A_STEP = ("name", "seconds", "cache_bytes", "disk_bytes", "peak_memory_bytes")


def _recorded(path: Path) -> Any:
    """What an earlier start of the run wrote; None where there was none, or where the file is broken and is written anew."""
    try:
        return read_json(path)
    except InputError:
        return None


def _documents(context: RunContext) -> list[Document]:
    """The documents as an earlier run read them, so that no package is fetched for an estimate alone; or else from their sources."""
    ingest = context.artifacts["ingest"]
    if not ingest.done:
        return load_documents(context.recipe.documents, context.workspace.store, context.base)
    texts = {row["name"]: row["text"] for row in read_json_lines(ingest.folder / "documents.jsonl")}
    rows = ingest.manifest["summary"]["documents"]
    parts = ("name", "sha256", "license", "language", "origin")
    return [Document(text=texts[row["name"]], taught=row["num_passages"] > 0, **{part: row[part] for part in parts}) for row in rows]


def compare_cost(expected: Row, steps: Sequence[Row]) -> Row:
    """Estimate and actual, side by side, with their ratio (actual / estimate; None where one of them is missing or zero).

    A step's actual seconds are those of the run that computed it. `peak_memory_bytes` is the highest that a process of the run had.
    """
    if "reason" in expected:
        return {"reason": expected["reason"], "steps": []}
    by_name = {step["name"]: step for step in expected["steps"]}
    rows: list[Row] = []
    for step in steps:
        of_step = by_name.get(step["name"], {})
        rows.append(
            {
                "name": step["name"],
                "seconds": _pair(of_step.get("seconds"), step.get("seconds")),
                "disk_bytes": _pair(of_step.get("disk_bytes"), step.get("disk_bytes")),
                "cache_bytes": _pair(of_step.get("cache_bytes") or None, (step.get("summary") or {}).get("bytes")),
                "peak_memory_bytes": step.get("peak_memory_bytes"),
            }
        )
    peaks = [row["peak_memory_bytes"] for row in rows if row["peak_memory_bytes"] is not None]
    known = [row["seconds"] for row in rows if None not in (row["seconds"]["estimate"], row["seconds"]["actual"])]
    return {
        "device": expected["device"],
        "steps": rows,
        "seconds": _pair(_total(known, "estimate"), _total(known, "actual")),
        "seconds_range": _seconds(expected["ranges"]["total_hours"]),
        "cache_bytes": _pair(expected["cache_bytes"], _total([row["cache_bytes"] for row in rows], "actual")),
        "disk_bytes": _pair(_total([row["disk_bytes"] for row in rows], "estimate"), _total([row["disk_bytes"] for row in rows], "actual")),
        "peak_memory_bytes": _pair(expected["peak_memory_bytes"], max(peaks, default=None)),
    }


def _pair(estimate: float | None, actual: float | None) -> Row:
    ratio = round(actual / estimate, 3) if estimate and actual else None
    return {"estimate": estimate, "actual": actual, "ratio": ratio}


def _total(pairs: Sequence[Row], name: str) -> float | None:
    found = [pair[name] for pair in pairs if pair[name] is not None]
    return round(sum(found), 2) if found else None


def _seconds(hours: Sequence[float] | None) -> list[float] | None:
    return None if hours is None else [round(3600 * limit, 1) for limit in hours]
