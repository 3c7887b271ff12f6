"""The ledger's index in SQLite: which shards belong to it, which units are done, and where an id stands.

One transaction enters a commit's shards together with its units. A shard that a killed process left without one is no part of the ledger.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError, StorageError
from seodang.data.ledger.facts import Unit

INDEX = "index.sqlite"
FORMAT = 1
_TABLES = """
CREATE TABLE shard (name TEXT PRIMARY KEY, kind TEXT NOT NULL, num_rows INTEGER NOT NULL, num_bytes INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE unit (stage TEXT NOT NULL, config TEXT NOT NULL, record TEXT NOT NULL, shard TEXT NOT NULL REFERENCES shard (name),
                   PRIMARY KEY (stage, config, record)) WITHOUT ROWID;
CREATE TABLE fact (id TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, shard TEXT NOT NULL REFERENCES shard (name)) WITHOUT ROWID;
CREATE INDEX fact_name ON fact (name);
CREATE TABLE measured (stage TEXT NOT NULL, config TEXT NOT NULL, started TEXT NOT NULL, seconds REAL NOT NULL, num_units INTEGER NOT NULL,
                       costs TEXT NOT NULL);
"""


def open_index(folder: Path, *, create: bool) -> sqlite3.Connection:
    """The index of a ledger's folder. InputError where there is none and none is to be made; StorageError for one of another format."""
    path = folder / INDEX
    if not create and not path.is_file():
        raise InputError("no ledger here", where=str(folder), hint="name a run's folder, or a folder below runs/.store/ledger")
    connection = sqlite3.connect(path)
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0 and create:
            connection.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {FORMAT}; COMMIT;")
        elif version != FORMAT:
            raise StorageError(
                f"a ledger of format {version}, not {FORMAT}", where=str(path), hint="use the version of seodang that made it"
            )
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
    except sqlite3.DatabaseError as error:
        connection.close()
        raise StorageError(
            f"not an index of a ledger ({error})", where=str(path), hint="remove the ledger and run its recipe again"
        ) from error
    except StorageError:
        connection.close()
        raise
    return connection


def enter(
    index: sqlite3.Connection,
    shards: Sequence[tuple[str, str, int, int]],
    facts: Iterable[tuple[str, str, str, str]],
    units: Iterable[tuple[Unit, str]],
    measured: tuple[Any, ...] | None,
) -> None:
    """Enters shards (name, table, rows, bytes), facts (id, name, kind, shard) and units with their shard: all of it or nothing.

    sqlite3.IntegrityError where a unit or a fact is there already.
    """
    with index:
        index.executemany("INSERT OR IGNORE INTO shard VALUES (?, ?, ?, ?)", shards)
        index.executemany("INSERT INTO fact VALUES (?, ?, ?, ?)", facts)
        index.executemany("INSERT INTO unit VALUES (?, ?, ?, ?)", ((u.stage, u.config, u.record, shard) for u, shard in units))
        if measured is not None:
            index.execute("INSERT INTO measured VALUES (?, ?, ?, ?, ?, ?)", measured)
