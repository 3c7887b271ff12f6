"""A ledger's folder: Parquet shards of its tables, and the SQLite index that says which of them count."""

import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from seodang.core.errors import InputError
from seodang.core.files import remove_torn, storage_errors
from seodang.core.records import Verdict
from seodang.data.ledger.facts import Activity, Entity, Finding, Unit, check_stage
from seodang.data.ledger.index import enter, open_index
from seodang.data.ledger.tables import TABLES, read_shard, shard_path, write_shard

VIEWS = "decisions"  # the folder of what policies made of the verdicts


class Ledger:
    """An open ledger. With `create` it may be written, by one process at a time, and what a killed one left unfinished is removed."""

    def __init__(self, folder: Path, *, create: bool = False) -> None:
        self.folder = folder
        with storage_errors(folder):
            if create:
                folder.mkdir(parents=True, exist_ok=True)
            self._index = open_index(folder, create=create)
            if create:
                self._remove_unfinished()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._index.close()

    def commit(
        self,
        units: Sequence[Unit],
        *,
        entities: Iterable[Entity] = (),
        activities: Iterable[Activity] = (),
        findings: Sequence[Finding] = (),
        costs: Mapping[str, Any] | None = None,
        started: float | None = None,
    ) -> None:
        """Adds facts and marks the units as done. The shards reach the disk first; one transaction then makes all of it count.

        Entities and activities that are there already are left out. Units are new: a unit is done once with effect, and by verdicts.
        `costs`, and the seconds since `started` (of `time.time`), are kept beside the stage, outside of all that is hashed.
        """
        activities = list(activities)
        found = {"record": self._new(entities), "activity": self._new(activities), "verdict": [finding.row() for finding in findings]}
        shards = {table: (*write_shard(self.folder, table, rows), len(rows)) for table, rows in found.items() if rows}
        for table in shards:
            _flush_folder(self.folder / table)
        facts = [
            (row["id"], row.get("name") or row.get("stage", ""), table, shards[table][0])
            for table in ("record", "activity")
            for row in found[table]
        ]
        if units and len(units) != len(findings):
            raise ValueError("a unit of work is done by one verdict")
        measured = None
        if shards and started is not None:
            stage, config = (units[0].stage, units[0].config) if units else (activities[0].stage, activities[0].config)
            told = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started))
            spent = round(time.time() - started, 3)
            measured = (stage, config, told, spent, len(units), json.dumps(dict(costs or {})))
        rows = [(name, table, num_rows, num_bytes) for table, (name, num_bytes, num_rows) in shards.items()]
        with storage_errors(self.folder):
            enter(self._index, rows, facts, [(unit, shards["verdict"][0]) for unit in units], measured)

    def done(self, stage: str, config: str) -> set[str]:
        """The records whose unit at this stage and configuration is done."""
        return {row[0] for row in self._index.execute("SELECT record FROM unit WHERE stage = ? AND config = ?", (stage, config))}

    def verdicts(self, check: str, config: str) -> dict[str, Verdict]:
        """What a check of that configuration found, by the record's id; the verdict names the record by its id here."""
        query = "SELECT DISTINCT shard FROM unit WHERE stage = ? AND config = ? ORDER BY shard"
        found: dict[str, Verdict] = {}
        for (name,) in self._index.execute(query, (check_stage(check), config)).fetchall():
            for row in read_shard(self.folder, "verdict", name):
                if row["check"] == check and row["config"] == config:
                    found[row["record"]] = Verdict(row["record"], check, row["outcome"], json.loads(row["evidence"]))
        return found

    def all_rows(self, table: str) -> list[dict[str, Any]]:
        """Every row of a table, shard by shard in the order of their names."""
        return [row for name in self.shards(table) for row in read_shard(self.folder, table, name)]

    def shards(self, table: str) -> dict[str, int]:
        """The names of a table's shards, in order, with the number of their rows."""
        return dict(self._index.execute("SELECT name, num_rows FROM shard WHERE kind = ? ORDER BY name", (table,)))

    def units(self) -> set[Unit]:
        """All units that are done."""
        return {Unit(*row) for row in self._index.execute("SELECT stage, config, record FROM unit")}

    def facts(self) -> dict[str, str]:
        """The ids that the index knows, with the table of each."""
        return dict(self._index.execute("SELECT id, kind FROM fact"))

    def measured(self) -> list[dict[str, Any]]:
        """When and for how long units were worked on, and what they cost: one row a commit, in order."""
        names = ("stage", "config", "started", "seconds", "num_units")
        rows = self._index.execute("SELECT stage, config, started, seconds, num_units, costs FROM measured ORDER BY rowid")
        return [{**dict(zip(names, row[:5], strict=True)), **json.loads(row[5])} for row in rows]

    def find(self, name: str) -> list[str]:
        """The ids of records that have this short name, or begin with it (eight digits or more)."""
        query = "SELECT id FROM fact WHERE kind = 'record' AND (name = ? OR (? >= 8 AND substr(id, 1, ?) = ?)) ORDER BY id"
        return [row[0] for row in self._index.execute(query, (name, len(name), len(name), name))]

    def row(self, fact: str) -> dict[str, Any]:
        """The row of an entity or activity. InputError where there is none of that id."""
        place = self._index.execute("SELECT kind, shard FROM fact WHERE id = ?", (fact,)).fetchone()
        if place is None:
            raise InputError(
                f"no record or activity `{fact}`", where=str(self.folder), hint="`seodang data audit RUN` looks the ledger over"
            )
        return next(row for row in read_shard(self.folder, *place) if row["id"] == fact)

    def verdicts_on(self, record: str) -> list[dict[str, Any]]:
        """Every verdict on one record, of all checks, versions and configurations."""
        query = "SELECT DISTINCT shard FROM unit WHERE record = ? AND stage LIKE 'verify.%' ORDER BY shard"
        shards = [row[0] for row in self._index.execute(query, (record,))]
        return [row for name in shards for row in read_shard(self.folder, "verdict", name) if row["record"] == record]

    def _new(self, facts: Iterable[Entity | Activity]) -> list[dict[str, Any]]:
        """Rows of the facts that are not there yet, each once."""
        rows: dict[str, dict[str, Any]] = {}
        for fact in facts:
            if fact.id not in rows:
                rows[fact.id] = fact.row()
        return [row for key, row in rows.items() if not self._index.execute("SELECT 1 FROM fact WHERE id = ?", (key,)).fetchone()]

    def _remove_unfinished(self) -> None:
        remove_torn(self.folder)
        for table in TABLES:
            known = self.shards(table)
            for path in (self.folder / table).glob("*.parquet"):
                if path.stem not in known:
                    shard_path(self.folder, table, path.stem).unlink()


def _flush_folder(folder: Path) -> None:
    """Brings a folder's names to the disk, so that a file is not lost after what refers to it was kept."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
