"""The originals of a record's spans, opened again where the recipes of the ledger's runs say they are."""

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from seodang.data.documents import DocumentSource
from seodang.data.originals import find_original, look_again, read_places
from seodang.pipeline.workspace import RUN_FILE, Run, read_run

_Sources = TypeAdapter(tuple[DocumentSource, ...])
_NO_RUN = {"state": "gone", "why": "no run that read it is here"}


def with_originals(told: dict[str, Any], ledger: Path) -> dict[str, Any]:
    """A lineage with `original` at each span whose place in the original is known: its state now, and the span's bytes there."""
    runs = _runs(ledger)
    return _look(told, [(_Sources.validate_python(run.row["recipe"].get("documents", ())), run) for run in runs])


def _look(told: dict[str, Any], known: list[tuple[tuple[DocumentSource, ...], Run]]) -> dict[str, Any]:
    sources = [_look(source, known) for source in told["derived_from"]]
    again = {**told, "derived_from": sources}
    if told["kind"] == "span" and told["content"].get("places"):
        again["original"] = _original(told, sources[0]["content"], known)
    return again


def _original(span: dict[str, Any], document: dict[str, Any], known: list[tuple[tuple[DocumentSource, ...], Run]]) -> dict[str, Any]:
    """What the first run that has the original unchanged says of it, or else the last run."""
    places = read_places(span["content"]["places"])
    rows = span["content"]["places"][0]["kind"] in ("LineRange", "CellRange")
    origin = document["origin"].rpartition("#")[0] if rows else document["origin"]
    said = _NO_RUN
    for sources, run in known:
        found = find_original(origin, sources, run.folder.parent / ".store", Path(run.row["base"]))
        said = look_again(found, document["sha256"], places).row()
        if said["state"] == "unchanged":
            break
    return said


def _runs(ledger: Path) -> list[Run]:
    """The runs whose step `build` filled this ledger."""
    runs = [read_run(path.parent) for path in sorted(ledger.resolve().parents[2].glob(f"*/{RUN_FILE}"))]
    return [run for run in runs if any(row["name"] == "build" and row["key"][:16] == ledger.name for row in run.row["steps"])]
