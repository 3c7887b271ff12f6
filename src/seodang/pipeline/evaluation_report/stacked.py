"""Tables that need no room to the right: a narrow page shows each row as a list of its cells, each with its column's name."""

from collections.abc import Sequence

from seodang.pipeline.report.blocks import Cell, grouped_table
from seodang.pipeline.report.markup import Safe, element, joined


def stacked_table(
    caption: str, columns: Sequence[str], groups: Sequence[tuple[Cell, Sequence[Sequence[Cell]]]], *, words: Sequence[int] = (0,)
) -> Safe:
    """A table whose rows stand in groups, each under a heading of its own (None: no heading). The first cell of a row is its head; columns
    in `words` hold words."""
    named = [(title, [[row[0], *map(_named, columns[1:], row[1:])] for row in rows]) for title, rows in groups]
    return grouped_table(caption, columns, named, words=words)


def _named(column: str, cell: Cell) -> Cell:
    """A cell with its column's name, which only a narrow page shows."""
    return cell if cell is None or not column else joined(element("span", column, class_="label"), element("span", cell, class_="value"))
