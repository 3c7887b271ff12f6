"""The ground that all figures stand on: scales, ticks, markers, and one drawing for wide pages and one for phones."""

import math
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seodang.pipeline.report.markup import Safe, element, escaped, joined, visible

WIDE, NARROW = 720, 340  # width in pixels of the two drawings; a text in them keeps its size on the page

_LETTER, _WIDE_LETTER = 6.9, 13.0  # width in pixels of a letter of 13 pixels, on average

Draw = Callable[[int], tuple[float, Safe]]  # width -> height and content


@dataclass(frozen=True, slots=True)
class Scale:
    """Values from `low` to `high` onto pixels from `start` to `end`, straight or logarithmic."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        low, high, at = (math.log(x) if self.logarithmic else x for x in (self.low, self.high, value))
        return self.start + (self.end - self.start) * (at - low) / (high - low)


def round_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """At most `most` + 1 round numbers (1, 2 or 5 times a power of 10 apart) of which the first is <= low and the last >= high."""
    span = (high - low) or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(span / most))
    steps = (step for factor in (1, 2, 5, 10, 20, 50) if span <= (step := power * factor) * (most - 1))
    return next(ticks for step in steps if len(ticks := _multiples(low, high, step)) <= most + 1)


def _multiples(low: float, high: float, step: float) -> list[float]:
    """The multiples of a step from the last one at or below `low` to the first one at or above `high`; two at least."""
    spare = step * 1e-6  # an end that is a multiple but for its rounding needs no further one
    first = math.floor(low / step)
    first -= first * step > low + spare
    last = max(first + 1, math.ceil(round(high / step, 9)))
    last += last * step < high - spare
    return [round(number * step, 10) for number in range(first, last + 1)]


def powers_of_ten(low: float, high: float) -> list[float]:
    """Powers of ten of which the first is <= low and the last >= high, both above 0."""
    return [10.0**power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]


def text_width(words: str) -> float:
    """Pixels that words of 13 pixels need, about: a Korean, Chinese or Japanese letter is as wide as it is high."""
    return sum(_WIDE_LETTER if unicodedata.east_asian_width(letter) in "WF" else _LETTER for letter in words)


def fitted(words: str, width: float) -> str:
    """The words, escaped characters shown, shortened in the middle where they need more than `width` pixels: names differ at their ends."""
    shown = visible(words, 200)
    if text_width(shown) <= width:
        return shown
    for kept in range(len(shown) - 1, 0, -1):
        shorter = f"{shown[: kept - kept // 2].rstrip()}…{shown[len(shown) - kept // 2 :].lstrip()}"
        if text_width(shorter) <= width:
            return shorter
    return "…"


def figure(name: str, title: str, description: str, draw: Draw, *, caption: str | None = None) -> Safe:
    """A figure with a wide and a narrow drawing, of which the page shows one; both say in words what they show."""
    drawings: list[Safe] = []
    for kind, width in (("wide", WIDE), ("narrow", NARROW)):
        height, content = draw(width)
        names = f"{name}-{kind}-title", f"{name}-{kind}-description"
        drawings.append(
            element(
                "svg",
                element("title", escaped(title), id=names[0]),
                element("desc", escaped(description, limit=4000), id=names[1]),
                content,
                class_=kind,
                viewBox=f"0 0 {width} {height:.0f}",
                role="img",
                aria_labelledby=" ".join(names),
            )
        )
    return element("figure", *drawings, element("figcaption", caption) if caption else None)


def text(x: float, y: float, words: str, *, anchor: str = "start", class_: str | None = None) -> Safe:
    """Words whose base line begins, has its middle or ends at (x, y)."""
    return element("text", words, x=x, y=y, text_anchor=None if anchor == "start" else anchor, class_=class_)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Safe:
    """A straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def marker(x: float, y: float, name: str) -> Safe:
    """An arm's marker: each has its own shape, so that colour is never the only sign. A run's arm is named RUN:ARM."""
    name = name.rpartition(":")[2]
    if name == "distilled":
        return element("path", d=f"M{x:.2f} {y - 7:.2f}l7 7l-7 7l-7 -7z", class_="mark full")
    if name in ("sft", "sft_gold"):
        return element("rect", x=x - 5, y=y - 5, width=10, height=10, class_="mark full" if name == "sft" else "mark hollow")
    if name.startswith("teacher"):
        return element("path", d=f"M{x:.2f} {y - 6:.2f}l6 11h-12z", class_="mark full" if name.endswith("open") else "mark hollow")
    return element("circle", cx=x, cy=y, r=5, class_="mark hollow" if name == "base" else "mark full")


def series_marker(x: float, y: float, place: int) -> Safe:
    """The marker of the model in this place: six shapes in turn."""
    shape, full = place % 3, "mark full" if place % 2 == 0 else "mark hollow"
    if shape == 0:
        return element("path", d=f"M{x:.2f} {y - 7:.2f}l7 7l-7 7l-7 -7z", class_=full)
    if shape == 1:
        return element("circle", cx=x, cy=y, r=5, class_=full)
    return element("rect", x=x - 5, y=y - 5, width=10, height=10, class_=full)


def series(place: int, *children: Safe | None) -> Safe:
    """What is drawn for the model in this place, in its colour: six in turn."""
    return element("g", *children, class_=f"series-{place % 6}")


def dashes(place: int) -> str:
    """The class of its lines: four ways in turn, so that twelve models differ in colour or in these."""
    return f"dashes-{place % 4}"


def horizontal_axis(scale: Scale, ticks: Sequence[float], labels: Sequence[str], top: float, bottom: float) -> Safe:
    """Upright grid lines with their labels below them."""
    lines = [line(scale(tick), top, scale(tick), bottom, "grid") for tick in ticks]
    words = [text(scale(tick), bottom + 16, label, anchor="middle", class_="tick") for tick, label in zip(ticks, labels, strict=True)]
    return joined(*lines, *words)


def vertical_axis(scale: Scale, ticks: Sequence[float], labels: Sequence[str], left: float, right: float) -> Safe:
    """Level grid lines with their labels to the left of them."""
    lines = [line(left, scale(tick), right, scale(tick), "grid") for tick in ticks]
    words = [text(left - 8, scale(tick) + 4, label, anchor="end", class_="tick") for tick, label in zip(ticks, labels, strict=True)]
    return joined(*lines, *words)
