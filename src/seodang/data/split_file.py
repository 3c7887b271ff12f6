"""The rows of a file in several files, so that nothing is shared between two of them."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError
from seodang.data.dedup.rows_file import write_lines
from seodang.data.lines_file import LinesFile
from seodang.data.row_text import Texts
from seodang.data.splits import SplitItem, components, draw_splits, require_no_leak

Sources = Callable[[Mapping[str, Any], str], tuple[str, ...]]  # of a row and its place, for errors


@dataclass(frozen=True, slots=True)
class SplitCounts:
    """Rows of each split, components (near duplicates and rows of one source, which never part), and the rows of the largest one."""

    input: int
    rows: dict[str, int]
    components: int
    largest: int
    files: dict[str, str]


def write_splits(
    source: Path, out: Path, ratios: Mapping[str, float], sources: Sources, similarity: float, field: str | None = None, salt: str = ""
) -> SplitCounts:
    """Writes `SPLIT.jsonl` into the folder `out` for each ratio, rows byte for byte and in order, and proves that no two of them share a
    source or a near duplicate. InputError where a file would be written over the one that is read."""
    files = {name: out / f"{name}.jsonl" for name in ratios}
    if source.resolve() in {file.resolve() for file in files.values()}:
        raise InputError("would be written over the file that is read", where=str(source), hint="name another folder to write to")
    with LinesFile(source) as lines:
        texts = Texts(lines, field)
        items = [SplitItem(text, sources(lines.row(place), lines.where(place))) for place, text in enumerate(texts)]
        groups = components(items, similarity)
        splits = draw_splits(items, groups, ratios, salt)
        require_no_leak(items, splits, similarity)
        for name, file in files.items():
            write_lines(file, (lines.line(place) for place, split in enumerate(splits) if split == name))
    sizes = Counter(groups)
    rows = {name: splits.count(name) for name in ratios}
    return SplitCounts(len(items), rows, len(sizes), max(sizes.values(), default=0), {name: str(file) for name, file in files.items()})


def sources_in(fields: tuple[str, ...]) -> Sources:
    """Sources that stand in fields of a row, each a text or a list of texts. InputError for a field that is not there or neither."""

    def found(row: Mapping[str, Any], where: str) -> tuple[str, ...]:
        named: list[str] = []
        for field in fields:
            value = row.get(field)
            values: list[Any] = value if isinstance(value, list) else [value]
            if not all(isinstance(one, str) for one in values):
                raise InputError(f"`{field}` names no source", where=where, hint="a source is a text or a list of texts in every row")
            named += [f"{field}:{one}" for one in values]
        return tuple(named)

    return found
