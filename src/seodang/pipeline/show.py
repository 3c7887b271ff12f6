"""One record, wherever below a folder of runs it is kept."""

from pathlib import Path
from typing import Any

from seodang.core.errors import InputError
from seodang.data.ledger.ledger import Ledger
from seodang.data.ledger.lineage import find_record, lineage
from seodang.pipeline.ledger import choose_run, find_place, ledgers
from seodang.pipeline.originals import with_originals


def show(name: str, place: Path | None, root: Path) -> dict[str, Any]:
    """The lineage of the record with this id, beginning of an id or short name, from the ledger that was written last among those that have
    it, with what its spans' originals say now. InputError where no ledger has it."""
    folders = [find_place(choose_run(place, root)).folder] if place is not None else ledgers(root)
    found: list[tuple[Path, str]] = []
    for folder in folders:
        with Ledger(folder) as ledger:
            record = find_record(ledger, name)
        found += [(folder, record)] if record is not None else []
    if not found:
        where = str(place or root)
        raise InputError(
            f"no record `{name}` in {len(folders)} ledgers", where=where, hint="`accepted.jsonl` of a run's step `verify` has ids"
        )
    with Ledger(found[0][0]) as ledger:
        told = with_originals(lineage(ledger, found[0][1]), found[0][0])
    return {**told, "ledger": str(found[0][0]), "also_in": [str(folder) for folder, _ in found[1:]]}
