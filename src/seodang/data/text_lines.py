"""The lines of a Markdown or plain text document as a reader takes them: one for a sentence that was wrapped over several."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace

HEADING = re.compile(r"(#{1,6})\s+(.*)")
BULLET = re.compile(r"(?:[*+-]|\d+[.)])\s+")
_FENCE = re.compile(r"```|~~~")
_FRONT_MATTER = re.compile(r"---\n[\w-]+:.*\n(?:(?:[\w-]+:|[ \t#-]).*\n)*---\n")
_ENDED = re.compile(r"[.!?:。：…][)\]'\"”’*_`]*$")
_WRAPPED_WIDTH = 50  # columns from which a line without an end is taken to go on in the next
_WRAPPED_WIDTH_LOWER_CASE = 30  # the same, where the next one begins in lower case


@dataclass(frozen=True, slots=True)
class Line:
    """`document_text[start:start + len(text)] == text`; `indent` in characters; `text` is empty for a blank line."""

    start: int
    indent: int
    text: str

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def read_lines(text: str) -> Iterator[Line]:
    """Every line but those of code and front matter, without the white space and quotation marks `>` around it.

    A line without a letter or digit, such as `---`, is blank; the one below a table's head is not.
    """
    pending: Line | None = None
    for line in _written_lines(text):
        if pending is not None and _goes_on(pending, line):
            pending = replace(pending, text=text[pending.start : line.end])
            continue
        if pending is not None:
            yield pending
        pending = line
    if pending is not None:
        yield pending


def _written_lines(text: str) -> Iterator[Line]:
    front = _FRONT_MATTER.match(text)
    place = front.end() if front else 0
    in_code = False
    for raw in text[place:].split("\n"):
        stripped = re.sub(r"^(?:\s*>)*\s*", "", raw)
        indent = len(raw) - len(stripped)
        line = Line(place + indent, indent, stripped.rstrip())
        place += len(raw) + 1
        if _FENCE.match(line.text):
            in_code = not in_code
            yield replace(line, text="")
        elif not in_code:
            rule = line.text[:1] != "|" and not any(map(str.isalnum, line.text))
            yield replace(line, text="") if rule else line


def _goes_on(line: Line, following: Line) -> bool:
    """Whether a line without an end was wrapped, and goes on in the following one."""
    if not line.text or not following.text or _ENDED.search(line.text) or line.text[0] == "|" or following.text[0] == "|":
        return False
    if HEADING.match(line.text) or HEADING.match(following.text) or BULLET.match(following.text):
        return False
    width = _width(line.text.rsplit("\n", 1)[-1])
    inside = bool(BULLET.match(line.text)) and following.indent > line.indent
    return inside or width >= (_WRAPPED_WIDTH_LOWER_CASE if following.text[0].islower() else _WRAPPED_WIDTH)


def _width(text: str) -> int:
    """Columns of a terminal: a Hangul syllable takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
