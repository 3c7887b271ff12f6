"""What a teacher wrote in one unit of work, as a journal keeps it: the records, and a null for each text that was cut off before its end.

A text that ran into its limit is never taught as if it were complete; it is dropped, and counted.
"""

from collections.abc import Iterable
from typing import Any

from seodang.core.files import Journal
from seodang.core.records import Record


def rows_of(written: Iterable[Record | None]) -> list[dict[str, Any] | None]:
    """A unit's rows; None stands for what was cut off."""
    return [record and record.row() for record in written]


def records_in(rows: Iterable[dict[str, Any] | None]) -> list[Record]:
    """The records among a unit's rows."""
    return [Record.from_row(row) for row in rows if row is not None]


def num_cut_off(journal: Journal) -> int:
    """How many texts were dropped in all units of a journal because they were cut off."""
    return sum(row is None for unit in journal.units() for row in journal[unit])
