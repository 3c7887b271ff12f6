"""Units of work of a generator in a journal: its records, and a reason for everything that was written and is not taught.

A row is a record, null for a text that was cut off (as `written.num_cut_off` counts them), or `{"dropped": reason}`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from seodang.core.files import Journal
from seodang.core.hashing import digest
from seodang.core.progress import Progress
from seodang.core.records import Record
from seodang.core.sections import Section

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Dropped:
    """Something the teacher wrote that becomes no record, and why, in a few fixed words that can be counted."""

    reason: str


CUT = Dropped("cut off")
_Write = Callable[[int, Sequence[Item], Sequence[Record]], Iterable[Record | Dropped]]


def in_units(
    name: str, section: Section, items: Sequence[Item], size: int, write: _Write[Item], journal: Journal, progress: Progress
) -> list[Record]:
    """The records of all items. `write(first, group, so_far)` is called for each `size` items whose unit is not in the journal; `so_far`
    are the records of the units before it. Equal records are one."""
    records: dict[str, Record] = {}
    mark = digest(section.model_dump(mode="json"))[:8]
    for first in range(0, len(items), size):
        group = items[first : first + size]
        unit = f"{name}/{mark}/{first}+{len(group)}"
        if unit not in journal:
            journal.append(unit, [_row(one) for one in write(first, group, list(records.values()))])
        for row in journal[unit]:
            if row is not None and "dropped" not in row:
                record = Record.from_row(row)
                records.setdefault(record.id, record)
        progress.advance(0, f"{len(records)} records of {name}")
    return list(records.values())


def num_dropped(journal: Journal, name: str) -> Counter[str]:
    """How many texts of a generator were dropped, by the reason."""
    rows: Iterable[Any] = (row for unit in journal.units() if unit.startswith(f"{name}/") for row in journal[unit])
    reasons = (CUT.reason if row is None else row.get("dropped") if isinstance(row, dict) else None for row in rows)
    return Counter(reason for reason in reasons if reason is not None)


def dropped_by_generator(journal: Journal) -> dict[str, dict[str, int]]:
    """The same for each generator that dropped anything, by the name that its units bear, the most frequent reason first."""
    names = dict.fromkeys(unit.split("/", 1)[0] for unit in journal.units())
    return {name: dict(counts.most_common()) for name in names if (counts := num_dropped(journal, name))}


def _row(one: Record | Dropped) -> dict[str, Any] | None:
    return one.row() if isinstance(one, Record) else None if one == CUT else {"dropped": one.reason}
