"""HTML pages as the Markdown that `split_passages` reads: headings as `#` lines, list items as `- ` lines, one line a block."""

import re
from html.parser import HTMLParser

from seodang.core.errors import InputError

_DROPPED = frozenset({"script", "style", "nav", "title", "template", "noscript", "svg"})  # all that has text in <head> is among them
_HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
_INLINE = re.compile(
    "a|abbr|acronym|b|bdi|bdo|big|cite|code|data|del|dfn|em|font|i|ins|kbd|label|mark|q|rp|rt|ruby|s|samp|small|span|strike|strong|sub|"
    "sup|time|tt|u|var|wbr|td|th|br"
)
_VOID = re.compile("area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr")


def html_to_text(page: str, where: str) -> str:
    """The text of a page, entities decoded, scripts, styles and navigation dropped. Spans refer to what this returns, not to the page.

    InputError, naming `where`, for what cannot be parsed as HTML.
    """
    parser = _Parser()
    try:
        parser.feed(page)
        parser.close()
    except AssertionError as error:  # how the standard library reports a broken declaration such as `<![x`
        raise InputError(f"not HTML that can be read ({error})", where=where, hint="repair it, or save its text as .txt") from error
    parser.end_line()
    return "\n".join(parser.lines).strip("\n") + "\n"


class _Parser(HTMLParser):
    """Collects `lines`. A block's prefix, such as `- `, waits until text comes, so `<li><p>text` is one line."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self._open: list[str] = []
        self._line: list[str] = []
        self._prefix = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("td", "th") and "".join(self._line).strip():
            self._line.append(" | ")
        elif tag == "br" and (self._prefix or any(name in _HEADINGS or name == "li" for name in self._open)):
            self._line.append(" ")
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
        if not _INLINE.fullmatch(tag):
            self.end_line()
        if tag in _HEADINGS or tag == "li":
            self._prefix = ""
        if tag in self._open:  # what was left open inside of it ends with it
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if _DROPPED.intersection(self._open):
            return
        if "pre" not in self._open:
            self._line.append(data)
            return
        first, *others = data.split("\n")
        self._line.append(first)
        for line in others:
            self.end_line()
            self._line.append(line)

    def end_line(self) -> None:
        """Ends the current line if there is text on it; a heading stands between empty lines."""
        text = " ".join("".join(self._line).split()).removesuffix(" |")
        self._line.clear()
        if text:
            heading = self._prefix.startswith("#")
            self.lines += [""] * (heading and bool(self.lines)) + [self._prefix + text] + [""] * heading
            self._prefix = ""
