"""The ledger's three tables as Parquet shards: equal rows give equal bytes, and a shard's name is the SHA-256 of its bytes."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seodang.core.errors import VerificationError
from seodang.core.files import write_atomically
from seodang.core.hashing import digest_bytes

Row = Mapping[str, Any]
# Columns in order, with their types: "text", "texts" (a list) or "number". The first ones named in _KEYS order the rows.
TABLES: dict[str, dict[str, str]] = {
    "record": {
        "id": "text",
        "kind": "text",
        "name": "text",
        "content": "text",
        "language": "text",
        "domain": "text",
        "capability": "text",
        "derived_from": "texts",
        "permissions": "text",
        "activity": "text",
    },
    "activity": {
        "id": "text",
        "stage": "text",
        "version": "text",
        "config": "text",
        "teacher": "text",
        "sampling": "text",
        "prompts": "text",
        "settings": "text",
        "used": "texts",
        "generated": "texts",
    },
    "verdict": {
        "record": "text",
        "check": "text",
        "version": "number",
        "config": "text",
        "outcome": "text",
        "evidence": "text",
        "activity": "text",
    },
}
_KEYS = {"record": ("id",), "activity": ("id",), "verdict": ("record", "check", "config")}
_LEVEL = 3  # of zstd


def shard_bytes(table: str, rows: Sequence[Row]) -> bytes:
    """The rows, in the order of their keys, as one Parquet file without times, names of programs' objects or other chance in it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    ordered = sorted(rows, key=lambda row: tuple(row[key] for key in _KEYS[table]))
    filled = pa.Table.from_pylist(ordered, schema=_schema(table))
    sink = io.BytesIO()
    pq.write_table(
        filled,
        sink,
        version="2.6",
        data_page_version="1.0",
        compression="zstd",
        compression_level=_LEVEL,
        use_dictionary=False,
        write_statistics=True,
        store_schema=False,
        row_group_size=len(ordered) or 1,
    )
    return sink.getvalue()


def write_shard(folder: Path, table: str, rows: Sequence[Row]) -> tuple[str, int]:
    """Writes a shard below `folder` by way of a temporary file, a flush to the disk and a rename. Returns its name and size in bytes."""
    content = shard_bytes(table, rows)
    name = digest_bytes(content)
    write_atomically(shard_path(folder, table, name), content)
    return name, len(content)


def shard_path(folder: Path, table: str, name: str) -> Path:
    """Where a table's shard of that name stands."""
    return folder / table / f"{name}.parquet"


def read_shard(folder: Path, table: str, name: str) -> list[dict[str, Any]]:
    """The rows of a shard. VerificationError where it is missing, or its bytes are not those that it is named after."""
    path = shard_path(folder, table, name)
    hint = "the ledger was changed from outside; run the recipe again with an empty `--runs` folder, or put the file back"
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise VerificationError("a shard of the ledger is missing", where=str(path), hint=hint) from error
    if digest_bytes(content) != name:
        raise VerificationError("a shard of the ledger has other bytes than those that it is named after", where=str(path), hint=hint)
    import pyarrow.parquet as pq

    return pq.ParquetFile(io.BytesIO(content)).read().to_pylist()


def _schema(table: str) -> Any:
    import pyarrow as pa

    types = {"text": pa.string(), "texts": pa.list_(pa.string()), "number": pa.int64()}
    return pa.schema([pa.field(name, types[kind], nullable=False) for name, kind in TABLES[table].items()])
