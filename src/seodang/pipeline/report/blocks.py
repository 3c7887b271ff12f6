"""What the page's sections are made of: headed sections, tables, notes, facts."""

from collections.abc import Sequence
from typing import Any

from seodang.pipeline.report.arm_tables import Table
from seodang.pipeline.report.markup import Safe, element, joined, own, visible
from seodang.pipeline.report.reading import OVERALL
from seodang.pipeline.report.wording import ARM_NAMES, PART_TITLES

Row = dict[str, Any]
Cell = str | None

_LONG = 24  # characters of a cell that needs room to be read


def section(report: Row, anchor: str, title: str, *children: str | None) -> Safe:
    """A section with its heading, which says "synthetic" where the run is; one without content says that it was not run."""
    content = [child for child in children if child is not None] or [element("p", "Not run.", class_="not-run")]
    return element("section", heading(report, f"{anchor}-heading", title), *content, id=anchor, aria_labelledby=f"{anchor}-heading")


def heading(report: Row, anchor: str, title: str) -> Safe:
    """A section's heading, with the word "synthetic" where the run is."""
    tag = joined(" ", element("span", "synthetic", class_="tag")) if report["synthetic"] else None
    return element("h2", title, tag, id=anchor)


def note(report: Row, words: str, part: str | None = None) -> Safe:
    """A quiet line about how numbers came about, with the steps that they were read from."""
    origin = report["origins"].get(part) if part else None
    return element("p", own(words), joined(" Origin: ", own(origin), ".") if origin else None, class_="note")


def table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]], *, words: Sequence[int] = (0,)) -> Safe:
    """A table that scrolls sideways where the page is narrow. The first cell of a row is its head; columns in `words` hold words."""
    return grouped_table(caption, columns, [(None, rows)], words=words)


def plain_table(found: Table | None) -> Safe | None:
    """A table of plain words, as `arm_tables` makes them."""
    if found is None:
        return None
    rows = [
        [visible(cell, 120) if column in found.words else own(visible(cell, 60)) for column, cell in enumerate(row)] for row in found.rows
    ]
    return table(visible(found.caption, 300), found.columns, rows, words=found.words)


def grouped_table(
    caption: str, columns: Sequence[str], groups: Sequence[tuple[Cell, Sequence[Sequence[Cell]]]], *, words: Sequence[int] = (0,)
) -> Safe:
    """A table whose rows stand in groups, each under a heading of its own (None: no heading)."""

    def kind(column: int, cell: Cell = None) -> str | None:
        return (
            "number" if column not in words else "long" if cell is not None and len(cell) > _LONG and not isinstance(cell, Safe) else None
        )

    head = element("tr", *(element("th", name, scope="col", class_=kind(column)) for column, name in enumerate(columns)))
    bodies: list[Safe] = []
    for title, rows in groups:
        of_group = (
            element("tr", element("th", element("span", title, class_="name"), scope="rowgroup", colspan=len(columns)))
            if title is not None
            else None
        )
        written = [
            element(
                "tr",
                element("th", row[0], scope="row", class_=kind(0)),
                *(element("td", cell, class_=kind(column, cell)) for column, cell in enumerate(row[1:], start=1)),
            )
            for row in rows
        ]
        bodies.append(element("tbody", of_group, *written, class_="group" if title is not None else None))
    whole = element("table", element("caption", caption), element("thead", head), *bodies)
    return element("div", whole, class_="scroll", tabindex="0", role="region", aria_label=caption)


def lines(first: str, *below: str) -> Safe:
    """A number with what belongs to it in small letters below."""
    return joined(element("span", own(first), class_="main"), *(element("span", own(words), class_="small") for words in below))


def facts(pairs: Sequence[tuple[str, str | None]]) -> Safe:
    """Names with their values, side by side where there is room; a value that is None is left out."""
    return element(
        "dl", *(element("div", element("dt", name), element("dd", value)) for name, value in pairs if value is not None), class_="facts"
    )


def arm_name(name: str) -> str:
    """An arm in plain words, or as it is called where it is not one of ours."""
    return ARM_NAMES.get(name, visible(name, 60))


def part_name(name: str) -> str:
    """A part of an exam in one word."""
    return "overall" if name == OVERALL else visible(name, 40)


def part_title(name: str) -> str:
    """A part of an exam with what it asks for."""
    return PART_TITLES.get(name, part_name(name))


def quoted(text: str) -> Safe:
    """What a model or a document wrote, kept apart from our own words in direction and line breaks."""
    return element("span", text, class_="quoted", dir="auto")
