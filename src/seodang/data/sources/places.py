"""Where a span of a document's text stands in the original: one kind of place for each kind of original.

`start` and `end` are half-open. They count bytes in a `ByteRange` and characters everywhere else.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes of a text, Markdown or HTML file. Decoded with `encoding` they are the span, as it was before line ends became one newline,
    entities became letters, white space was joined and, where that is asked for, jamo were composed."""

    encoding: str
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class PageRange:
    """Characters of the text that pypdf extracts from a page."""

    page: int  # from 1
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class RunRange:
    """Characters of a run of a Word file. Paragraphs (`w:p`) are counted in a part, runs (`w:r`) in a paragraph, both in document order."""

    part: str  # such as word/document.xml
    paragraph: int  # from 0
    run: int  # from 0
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class LineRange:
    """Characters of a field's value in a line of JSON, and the bytes of that line without its end."""

    line: int  # from 1
    field: str  # such as text or messages[1].content
    line_start: int  # bytes of the file
    line_end: int
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class CellRange:
    """Characters of a cell of a table: Parquet, or a Hugging Face data set on disk."""

    row: int  # from 0, over all files of the table
    column: str  # such as text or messages[1].content
    start: int = 0
    end: int = 0


Place = ByteRange | PageRange | RunRange | LineRange | CellRange
