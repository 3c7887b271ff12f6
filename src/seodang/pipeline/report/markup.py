"""HTML that cannot be broken by what a model or a document wrote: every text is escaped unless it was made here.

The markup is well-formed XML too, so that a strict parser can check it.
"""

import html
import re
from typing import Any

MAX_CHARACTERS = 1200  # of one shown text; the rest is counted

# Elements without content; an attribute is never cut, because only our own words stand in one.
_SELF_CLOSING = {"meta", "br", "circle", "line", "path", "rect", "polyline", "polygon"}
# Control characters, those that turn the direction of writing, lone surrogates and noncharacters: shown, not obeyed.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff]"
)


class Safe(str):
    """Markup made here, whose texts are escaped already."""

    __slots__ = ()


def visible(text: str, limit: int = MAX_CHARACTERS) -> str:
    """The text cut to `limit` characters, with the number of those left out; characters that act unseen become ⟨U+202E⟩."""
    shown = _UNSEEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text[:limit].replace("\r\n", "\n"))
    return shown if len(text) <= limit else f"{shown} … ({len(text) - limit:,} more characters)"


def escaped(text: Any, limit: int = MAX_CHARACTERS) -> Safe:
    """Any text, as it may stand between tags or in a quoted attribute."""
    return text if isinstance(text, Safe) else Safe(html.escape(visible(str(text), limit), quote=True))


def own(text: str) -> Safe:
    """Our own words: a true minus sign, and no line break between a number and its unit."""
    spaced = re.sub(
        r"(?<=\d) (?=(?:%|points?|s|min|h|MB|GB|kB|bytes)\b|%)", "\u00a0", re.sub(r"\b([np]) ([=<]) (?=[\d])", "\\1\u00a0\\2\u00a0", text)
    )
    return escaped(re.sub(r"(?<![\w)])-(?=\d)", "−", spaced))


def joined(*parts: str | None) -> Safe:
    """The parts one after the other, each escaped unless it is `Safe`; None adds nothing."""
    return Safe("".join(escaped(part) for part in parts if part is not None))


def element(name: str, /, *children: str | None, **attributes: str | float | None) -> Safe:
    """One element. Attribute `class_` is class, `aria_label` aria-label; one that is None is left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escaped(value if isinstance(value, str) else _short(value), limit=1_000_000)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _SELF_CLOSING:
        return Safe(f"<{name}{written}/>")
    return Safe(f"<{name}{written}>{joined(*children)}</{name}>")


def _short(number: float) -> str:
    """At most two decimals, which is enough for a place on a page."""
    return f"{number:.2f}".rstrip("0").rstrip(".") if isinstance(number, float) else str(number)
