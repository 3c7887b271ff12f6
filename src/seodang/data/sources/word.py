"""Word files (.docx), with python-docx: headings, paragraphs, lists, tables, notes, in their order. Nothing in them is run or fetched."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from itertools import pairwise
from typing import Any

from seodang.core.errors import InputError
from seodang.core.hashing import digest_bytes
from seodang.data.sources.extract import MAX_FILE_BYTES, Extract, mapped, missing_extra, readable
from seodang.data.sources.found import Found
from seodang.data.sources.places import RunRange
from seodang.data.sources.source_map import Run

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MAX_UNPACKED_BYTES = 512 << 20
_MAX_MEMBERS = 20_000
_MAX_RATIO = 1_000  # unpacked to packed, of a member above the next limit: text packs by less than 100
_RATIO_FROM_BYTES = 16 << 20
_REPAIR = "open it in Word or LibreOffice and save it as .docx again, or as .txt"
_WRAPPERS = frozenset({f"{_W}sdt", f"{_W}sdtContent", f"{_W}ins", f"{_W}moveTo", f"{_W}smartTag", f"{_W}customXml", f"{_W}hyperlink"})
_NOTES = ("/footnotes", "/endnotes")  # ends of their relationships' types


@dataclass(slots=True)
class _Text:
    """What was read so far, with the paragraph's place in the part that is being read."""

    runs: list[Run] = field(default_factory=list[Run])
    parts: list[RunRange] = field(default_factory=list[RunRange])

    def add(self, text: str) -> None:
        """What the file does not have: a mark of Markdown, or a line end."""
        if self.runs:
            self.runs.append(Run(text, self.runs[-1].last, self.runs[-1].last, False, self.runs[-1].part))
        elif text.strip():
            self.runs.append(Run(text, 0, 0, False, 0))


def read_word(file: Found) -> Iterator[Extract]:
    """The one text of a file: headings as `#` lines, list items as `- ` lines, tables as Markdown's, notes at the end.

    InputError for a file that is broken, locked, or unpacks to more than is sensible.
    """
    try:
        import docx
        from docx.oxml.parser import parse_xml
    except ModuleNotFoundError as error:
        raise missing_extra("python-docx", "Word files", file.origin) from error
    content = file.read(MAX_FILE_BYTES)
    _check_archive(content, file.origin)
    try:
        document = docx.Document(BytesIO(content))
        levels = _heading_levels(document.styles.element)
        found = _Text()
        _read_part(found, document.element.body, document.part.element, str(document.part.partname), levels)
        for relation in document.part.rels.values():
            if not relation.is_external and relation.reltype.endswith(_NOTES):
                note = relation.target_part
                root = parse_xml(note.blob)
                _read_part(found, root, root, str(note.partname), levels)
    except Exception as error:
        told = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"not a Word file that can be read ({told})", where=file.origin, hint=_REPAIR) from error
    if not found.parts:
        raise InputError("an empty document: there is no text in it", where=file.origin, hint="fill it, or take it out of the documents")
    found.add("\n")
    text, source = mapped(found.runs, found.parts, file.source.unicode_form)
    yield Extract(text, source, digest_bytes(content))


def _check_archive(content: bytes, where: str) -> None:
    """InputError for what is no ZIP archive, or would fill the memory when it is unpacked."""
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise InputError("locked by a password, or an old Word file", where=where, hint="save a copy as .docx without a password")
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise InputError(f"not a Word file ({error})", where=where, hint=_REPAIR) from error
    unpacked = sum(member.file_size for member in members)
    squeezed = any(m.file_size > _RATIO_FROM_BYTES and m.file_size > _MAX_RATIO * max(1, m.compress_size) for m in members)
    if unpacked > _MAX_UNPACKED_BYTES or len(members) > _MAX_MEMBERS or squeezed:
        raise InputError(f"unpacks to {unpacked >> 20} MiB in {len(members)} parts", where=where, hint="do not trust it, or split it")


def _read_part(found: _Text, container: Any, root: Any, name: str, levels: dict[str, int]) -> None:
    numbers = {paragraph: number for number, paragraph in enumerate(root.iter(f"{_W}p"))}
    _read_blocks(found, container, name.lstrip("/"), numbers, levels)


def _read_blocks(found: _Text, container: Any, part: str, numbers: dict[Any, int], levels: dict[str, int]) -> None:
    in_list = False
    for block in container:
        if block.tag == f"{_W}p":
            runs = _paragraph(block, part, numbers[block])
            if not any(text.strip() for _, text in runs):
                continue
            level, depth = _level(block, levels), _list_depth(block)
            found.add("\n" if in_list and depth is not None else "\n\n")
            found.add("#" * level + " " if level else "" if depth is None else "  " * depth + "- ")
            _add_runs(found, runs, one_line=bool(level) or depth is not None)
            in_list = depth is not None and not level
        elif block.tag == f"{_W}tbl":
            _read_table(found, block, part, numbers)
            in_list = False
        elif block.tag in _WRAPPERS or block.tag in (f"{_W}footnote", f"{_W}endnote"):
            _read_blocks(found, block, part, numbers, levels)


def _read_table(found: _Text, table: Any, part: str, numbers: dict[Any, int]) -> None:
    """A row a line, with a rule below the first; a cell's paragraphs, and tables in it, stand on one line."""
    for number, row in enumerate(_inside(table, f"{_W}tr")):
        found.add("\n\n| " if number == 0 else "\n| ")
        cells = list(_inside(row, f"{_W}tc"))
        for cell in cells:
            first = True
            for paragraph in cell.iter(f"{_W}p"):
                runs = _paragraph(paragraph, part, numbers[paragraph])
                if any(text.strip() for _, text in runs):
                    found.add("" if first else " ")
                    _add_runs(found, runs, one_line=True)
                    first = False
            found.add(" |" if cell is cells[-1] else " | ")
        if number == 0:
            found.add(f"\n|{' --- |' * len(cells)}")


def _add_runs(found: _Text, runs: list[tuple[RunRange, str]], *, one_line: bool) -> None:
    for place, text in runs:
        for run in readable(text, len(found.parts)):
            for piece, (start, end) in _lines(run.text) if run.verbatim else [(run.text, (0, 0))]:
                if run.verbatim and not (one_line and piece == "\n"):
                    found.runs.append(Run(piece, run.first + start, run.first + end, True, run.part))
                else:
                    first, last = (run.first + start, run.first + end) if run.verbatim else (run.first, run.last)
                    found.runs.append(Run(" " if one_line and piece == "\n" else piece, first, last, False, run.part))
        found.parts.append(place)


def _lines(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """The text in pieces: lines, and the line ends between them."""
    borders = sorted({0, len(text), *(place + step for place, letter in enumerate(text) if letter == "\n" for step in (0, 1))})
    for start, end in pairwise(borders):
        yield text[start:end], (start, end)


def _paragraph(paragraph: Any, part: str, number: int) -> list[tuple[RunRange, str]]:
    """The runs of a paragraph with their places, without deleted ones; what python-docx gives as their text."""
    found: list[tuple[RunRange, str]] = []
    for index, run in enumerate(paragraph.iter(f"{_W}r")):
        if _counts(run, paragraph) and run.text:
            found.append((RunRange(part, number, index), run.text))
    return found


def _counts(run: Any, paragraph: Any) -> bool:
    """Whether a run is of the paragraph's own text: not deleted or moved away, and not of a text box, which has paragraphs of its own."""
    above = run.getparent()
    while above is not paragraph:
        if above.tag not in _WRAPPERS:
            return False
        above = above.getparent()
    return True


def _inside(element: Any, tag: str) -> Iterator[Any]:
    """The children of a kind, also where they are wrapped."""
    for child in element:
        if child.tag == tag:
            yield child
        elif child.tag in _WRAPPERS:
            yield from _inside(child, tag)


def _level(paragraph: Any, levels: dict[str, int]) -> int:
    """The heading level of a paragraph, 1 to 6, or 0: its own outline level, or that of its style."""
    own = paragraph.find(f"{_W}pPr/{_W}outlineLvl")
    if own is not None and (value := own.get(f"{_W}val", "9")).isdigit():
        return min(int(value) + 1, 6) if int(value) < 9 else 0
    style = paragraph.find(f"{_W}pPr/{_W}pStyle")
    return levels.get(style.get(f"{_W}val", ""), 0) if style is not None else 0


def _list_depth(paragraph: Any) -> int | None:
    """How deep a paragraph stands in a list, from 0; None outside of one. A style of Word's own for lists counts too."""
    number = paragraph.find(f"{_W}pPr/{_W}numPr/{_W}numId")
    if number is not None and number.get(f"{_W}val") != "0":
        level = paragraph.find(f"{_W}pPr/{_W}numPr/{_W}ilvl")
        return min(int(level.get(f"{_W}val", "0")), 8) if level is not None else 0
    style = paragraph.find(f"{_W}pPr/{_W}pStyle")
    name = style.get(f"{_W}val", "") if style is not None else ""
    return 0 if name.startswith(("ListBullet", "ListNumber", "ListParagraph")) and number is None else None


def _heading_levels(styles: Any) -> dict[str, int]:
    """The heading level of each paragraph style that has one, by its id; a style has the level of the one that it is based on."""
    own: dict[str, int] = {}
    based: dict[str, str] = {}
    for style in styles.iter(f"{_W}style"):
        key = style.get(f"{_W}styleId", "")
        name, outline, base = (style.find(path) for path in (f"{_W}name", f"{_W}pPr/{_W}outlineLvl", f"{_W}basedOn"))
        words = (name.get(f"{_W}val", "") if name is not None else "").lower().split()
        if words == ["title"]:
            own[key] = 1
        elif len(words) == 2 and words[0] == "heading" and words[1].isdigit():
            own[key] = min(max(int(words[1]), 1), 6)
        elif outline is not None and outline.get(f"{_W}val", "9").isdigit() and int(outline.get(f"{_W}val")) < 9:
            own[key] = min(int(outline.get(f"{_W}val")) + 1, 6)
        if base is not None:
            based[key] = base.get(f"{_W}val", "")
    return {key: level for key in {*own, *based} if (level := _inherited(key, own, based))}


def _inherited(key: str, own: dict[str, int], based: dict[str, str]) -> int:
    seen: set[str] = set()
    while key not in own and key in based and key not in seen:
        seen.add(key)
        key = based[key]
    return own.get(key, 0)
