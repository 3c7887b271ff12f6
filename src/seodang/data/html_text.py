"""HTML pages as the Markdown that `split_passages` reads: headings as `#` lines, list items as `- ` lines, one line a block."""

import re
from html import unescape
from html.parser import HTMLParser
from typing import NamedTuple

from seodang.core.errors import InputError

_DROPPED = frozenset({"script", "style", "nav", "title", "template", "noscript", "svg"})  # all that has text in <head> is among them
_HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
_INLINE = re.compile(
    "a|abbr|acronym|b|bdi|bdo|big|cite|code|data|del|dfn|em|font|i|ins|kbd|label|mark|q|rp|rt|ruby|s|samp|small|span|strike|strong|sub|"
    "sup|time|tt|u|var|wbr|td|th|br"
)
_VOID = re.compile("area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr")


_REFERENCE = re.compile(r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)")  # what `html.unescape` looks at (HTML5, 13.5)
_GAP = re.compile(r"\s{2,}|[^\S ]")  # white space that is not one blank


class Stretch(NamedTuple):
    """Characters of the text, and the part of the page that they come from. Verbatim: they stand there as they are."""

    text: str
    start: int
    end: int
    verbatim: bool = True


def html_to_text(page: str, where: str) -> str:
    """The text of a page, entities decoded, scripts, styles and navigation dropped. Spans refer to what this returns, not to the page.

    InputError, naming `where`, for what cannot be parsed as HTML.
    """
    return "".join(stretch.text for stretch in html_stretches(page, where))


def html_stretches(page: str, where: str) -> list[Stretch]:
    """The text of a page as `html_to_text` gives it, with the place in the page of all its parts, in order. Line ends must be newlines."""
    parser = _Parser(page)
    try:
        parser.feed(page)
        parser.close()
    except AssertionError as error:  # how the standard library reports a broken declaration such as `<![x`
        raise InputError(f"not HTML that can be read ({error})", where=where, hint="repair it, or save its text as .txt") from error
    parser.end_text(len(page))
    parser.end_line()
    while parser.lines and not parser.lines[-1]:
        parser.lines.pop()
    found: list[Stretch] = []
    for line in parser.lines or [[]]:
        place = line[-1].end if line else (found[-1].end if found else 0)
        found += [*line, Stretch("\n", place, place, False)]
    return found


class _Parser(HTMLParser):
    """Collects `lines`. A block's prefix, such as `- `, waits until text comes, so `<li><p>text` is one line."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[list[Stretch]] = []
        self._page = page
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", page))]
        self._open: list[str] = []
        self._line: list[Stretch] = []
        self._prefix = ""
        self._waiting: tuple[int, str] | None = None  # text and its start: where it ends is known when something else begins

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        place = self._begin()
        if tag in ("td", "th") and self._text().strip():
            self._line.append(Stretch(" | ", place, place, False))
        elif tag == "br" and (self._prefix or any(name in _HEADINGS or name == "li" for name in self._open)):
            self._line.append(Stretch(" ", place, place, False))
        elif tag == "br" or not _INLINE.fullmatch(tag):
            self.end_line()
        if tag in _HEADINGS:
            self._prefix = _HEADINGS[tag]
        elif tag == "li":
            depth = max(1, sum(name in ("ul", "ol", "menu") for name in self._open))
            self._prefix = "  " * (depth - 1) + "- "
        if not _VOID.fullmatch(tag):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self._begin()
        if not _INLINE.fullmatch(tag):
            self.end_line()
        if tag in _HEADINGS or tag == "li":
            self._prefix = ""
        if tag in self._open:  # what was left open inside of it ends with it
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        place = self._begin()
        if not _DROPPED.intersection(self._open):
            self._waiting = place, data

    def handle_comment(self, data: str) -> None:
        self._begin()

    def handle_decl(self, decl: str) -> None:
        self._begin()

    def handle_pi(self, data: str) -> None:
        self._begin()

    def unknown_decl(self, data: str) -> None:
        self._begin()

    def end_text(self, end: int) -> None:
        """Takes the text that waits, which ends before `end` of the page."""
        if self._waiting is None:
            return
        stretches = _aligned(self._page, self._waiting[0], end, self._waiting[1])
        self._waiting = None
        if "pre" not in self._open:
            self._line += stretches
            return
        for stretch in stretches:
            first, *others = stretch.text.split("\n")
            place = stretch.start
            self._line.append(stretch._replace(text=first, end=place + len(first)) if stretch.verbatim else stretch._replace(text=first))
            for line in others:
                self.end_line()
                place += len(first) + 1
                self._line.append(Stretch(line, place, place + len(line)) if stretch.verbatim else stretch._replace(text=line))
                first = line

    def end_line(self) -> None:
        """Ends the current line if there is text on it; a heading stands between empty lines."""
        line = _joined_white_space(self._line)
        self._line.clear()
        if line:
            heading = self._prefix.startswith("#")
            prefix = [Stretch(self._prefix, line[0].start, line[0].start, False)] if self._prefix else []
            self.lines += [[]] * (heading and bool(self.lines)) + [[*prefix, *line]] + [[]] * heading
            self._prefix = ""

    def _begin(self) -> int:
        """The place in the page of what begins now; the text before it ends there."""
        line, offset = self.getpos()
        place = self._line_starts[line - 1] + offset
        self.end_text(place)
        return place

    def _text(self) -> str:
        return "".join(stretch.text for stretch in self._line)


def _aligned(page: str, start: int, end: int, data: str) -> list[Stretch]:
    """The parts of `page[start:end]` that the parser gave as `data`: as they are, or with character references decoded."""
    if end - start == len(data) and page.startswith(data, start):
        return [Stretch(data, start, end)]
    found: list[Stretch] = []
    place, missing = start, data
    for match in [*_REFERENCE.finditer(page, start, end), None]:
        plain = page[place : match.start() if match else end][: len(missing)]
        letters = unescape(match[0])[: len(missing) - len(plain)] if match else ""
        if plain:
            found.append(Stretch(plain, place, place + len(plain)))
        if match and letters:
            found.append(Stretch(letters, match.start(), match.end(), letters == match[0]))
        missing = missing[len(plain) + len(letters) :]
        place = match.end() if match else end
    if "".join(stretch.text for stretch in found) == data:
        return found
    return [Stretch(data, start, start + len(data))] if page.startswith(data, start) else [Stretch(data, start, end, False)]


def _joined_white_space(line: list[Stretch]) -> list[Stretch]:
    """The line with each stretch of white space as one blank, and without any around it or a cell's border at its end."""
    text = "".join(stretch.text for stretch in line)
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    if end - start > 1 and text[end - 1] == "|" and text[end - 2].isspace():
        end = len(text[: end - 1].rstrip())
    if end <= start:
        return []
    found: list[Stretch] = []
    cursor = _Cursor(line)
    cursor.take(start)
    for gap in [*_GAP.finditer(text, start, end), None]:
        for stretch in cursor.take(gap.start() if gap else end):
            _add(found, stretch)
        if gap:
            blank = cursor.take(gap.end())
            found.append(Stretch(" ", blank[0].start, blank[-1].end, False))
    return found


class _Cursor:
    """Walks through a line's stretches, cutting them where it is told to stop."""

    def __init__(self, line: list[Stretch]) -> None:
        self._rest = [stretch for stretch in reversed(line) if stretch.text]
        self._place = 0

    def take(self, until: int) -> list[Stretch]:
        """The stretches from where it stands to the character `until` of the line."""
        found: list[Stretch] = []
        while self._place < until:
            stretch = self._rest.pop()
            length = until - self._place
            if len(stretch.text) > length:
                middle = stretch.start + length if stretch.verbatim else stretch.end
                self._rest.append(stretch._replace(text=stretch.text[length:], start=middle if stretch.verbatim else stretch.start))
                stretch = stretch._replace(text=stretch.text[:length], end=middle)
            found.append(stretch)
            self._place += len(stretch.text)
        return found


def _add(stretches: list[Stretch], stretch: Stretch) -> None:
    """Adds a stretch, as one with the last one where that goes on in it."""
    last = stretches[-1] if stretches else None
    if last is not None and last.verbatim and stretch.verbatim and last.end == stretch.start:
        stretches[-1] = Stretch(last.text + stretch.text, last.start, stretch.end)
    else:
        stretches.append(stretch)
