"""Figures of results: arms as dots with whiskers, one difference against zero, counts as bars, size against score."""

from collections.abc import Sequence
from typing import Any

from seodang.pipeline.report.drawing import (
    NARROW,
    Draw,
    Scale,
    figure,
    fitted,
    horizontal_axis,
    line,
    marker,
    powers_of_ten,
    round_ticks,
    text,
    text_width,
    vertical_axis,
)
from seodang.pipeline.report.markup import Safe, element, joined, own, visible
from seodang.pipeline.report.wording import SHORT_ARM_NAMES, count, percent, percent_interval, size

Row = dict[str, Any]
Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels
Panel = tuple[str, Sequence[tuple[str, Row]]]  # title, and each arm's name with its score

_ROW, _HEAD, _FOOT, _GAP = 34, 34, 30, 44  # heights in pixels of a row, a panel's title and its axis; space between panels
_BOLD = 1.1  # width of bold letters by that of plain ones
_LOGARITHMIC_FROM = 30  # the ratio of largest to smallest size from which a straight scale hides the small ones


def score_figure(name: str, title: str, panels: Sequence[Panel], caption: str | None = None) -> Safe:
    """Shares of right answers with their 95 % intervals: one panel for each part of an exam, one row for each arm."""
    said = [
        f"{part}: "
        + "; ".join(
            f"{visible(SHORT_ARM_NAMES.get(arm, arm), 40)} {percent(score['score'])}, interval {percent_interval(score.get('interval'))}"
            for arm, score in rows
        )
        for part, rows in panels
    ]
    return figure(name, title, ". ".join(said) + ".", lambda width: _scores(panels, width), caption=caption)


def _label_column(names: Sequence[str], width: int) -> float:
    """Pixels for names on the left: what the longest needs if it is bold, at most 45 % of the drawing."""
    return min(width * 0.45, _BOLD * max(map(text_width, names), default=0) + 14)


def _scores(panels: Sequence[Panel], width: int) -> tuple[float, Safe]:
    """Panels side by side with the arms' names once, or one below the other."""
    label = _label_column([SHORT_ARM_NAMES.get(arm, arm) for _, rows in panels for arm, _ in rows], width)
    stacked = width <= NARROW
    across = 1 if stacked else len(panels)
    each = (width - label - 24 - _GAP * (across - 1)) / across
    parts: list[Safe] = []
    top = 0.0
    for index, (title, rows) in enumerate(panels):
        left = label + (0 if stacked else index * (each + _GAP))
        parts.append(_score_panel(title, rows, left, top, each))
        if stacked or index == 0:
            names = [(top + _HEAD + _ROW * (row + 0.5) + 4, arm) for row, (arm, _) in enumerate(rows)]
            parts += [text(0, y, fitted(SHORT_ARM_NAMES.get(arm, arm), label - 10), class_=_emphasis(arm)) for y, arm in names]
        if stacked:
            top += _HEAD + _ROW * len(rows) + _FOOT + 10
    return (top if stacked else _HEAD + _ROW * max(len(rows) for _, rows in panels) + _FOOT), joined(*parts)


def _emphasis(arm: str) -> str | None:
    return "own" if arm.rpartition(":")[2] == "distilled" else None


def _score_panel(title: str, rows: Sequence[tuple[str, Row]], left: float, top: float, width: float) -> Safe:
    scale = Scale(0, 1, left, left + width)
    first, bottom = top + _HEAD, top + _HEAD + _ROW * len(rows)
    parts = [
        text(left, top + 16, fitted(title, (width + 20) * 0.9), class_="panel"),
        horizontal_axis(scale, [0, 0.5, 1], ["0", "50", "100 %"], first, bottom),
    ]
    for row, (arm, score) in enumerate(rows):
        if score.get("score") is not None:
            parts.append(_dot(scale, first + _ROW * (row + 0.5), arm, score))
    return joined(*parts)


def _dot(scale: Scale, y: float, arm: str, score: Row) -> Safe:
    at = scale(score["score"])
    low, high = (scale(value) for value in score.get("interval") or (score["score"], score["score"]))
    number = f"{100 * score['score']:.1f}"
    right_of_it = high + 10 + text_width(number) <= scale.end + 8
    label = text(high + 10, y + 4, number, class_="value") if right_of_it else text(low - 10, y + 4, number, anchor="end", class_="value")
    return element("g", line(low, y, high, y, "whisker"), marker(at, y, arm), label, class_=_emphasis(arm))


def difference_mark(row: Row, limit: float = 1.0) -> Safe:
    """A small picture of one difference and its interval against zero, from -limit to +limit; the numbers stand beside it."""
    scale = Scale(-limit, limit, 6, 134)
    low, high = (scale(max(-limit, min(limit, value))) for value in row.get("interval") or (row["difference"], row["difference"]))
    at = scale(max(-limit, min(limit, row["difference"])))
    return element(
        "svg",
        line(6, 12, 134, 12, "grid"),
        line(70, 3, 70, 21, "zero"),
        line(low, 12, high, 12, "whisker"),
        element("circle", cx=at, cy=12, r=4, class_="mark full"),
        class_=f"difference {row['reading'].replace(' ', '-')}",
        viewBox="0 0 140 24",
        width=140,
        height=24,
        aria_hidden="true",
    )


def bar_figure(name: str, title: str, counts: dict[str, int], unit: str, caption: str | None = None) -> Safe:
    """Counts, the largest first, each with its number."""
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    said = "; ".join(f"{visible(key, 40)}: {count(number)} {unit}" for key, number in rows)
    return figure(name, title, f"{said}.", lambda width: _bars(rows, width), caption=caption)


def _bars(rows: Sequence[tuple[str, int]], width: int) -> tuple[float, Safe]:
    label = _label_column([key for key, _ in rows], width)
    scale = Scale(0, max(1, *(number for _, number in rows)), label, width - 60)
    parts: list[Safe] = []
    for index, (key, number) in enumerate(rows):
        y = 30 * index + 15
        parts.append(text(0, y + 4, fitted(key.replace("_", " "), label - 10)))
        parts.append(element("rect", x=label, y=y - 7, width=max(1.0, scale(number) - label), height=14, rx=2, class_="bar"))
        parts.append(text(scale(number) + 8, y + 4, count(number), class_="value"))
    return 30 * len(rows) + 2, joined(*parts)


def size_figure(name: str, title: str, points: Sequence[Row], caption: str | None = None) -> Safe:
    """Bytes across, share of right answers upwards. A point of unknown size is a level line."""
    said = "; ".join(f"{visible(point['label'], 40)}: {size(point['bytes'])}, {percent(point['score'])}" for point in points)
    return figure(name, title, f"{said}.", _size_drawing(points), caption=caption)


def _size_drawing(points: Sequence[Row]) -> Draw:
    sizes = [point["bytes"] for point in points if point["bytes"]]

    def draw(width: int) -> tuple[float, Safe]:
        height, left, right, top, bottom = 320.0, 46.0, width - 32.0, 24.0, 270.0
        logarithmic = max(sizes) > _LOGARITHMIC_FROM * min(sizes)
        ticks = powers_of_ten(min(sizes), max(sizes)) if logarithmic else round_ticks(0, max(sizes) * 1.08, 4 if width <= NARROW else 6)
        across, up = Scale(ticks[0], ticks[-1], left, right, logarithmic), Scale(0, 1, bottom, top)
        labels = ["0" if tick == 0 else size(tick).replace(".0 ", " ") for tick in ticks]
        shown = ticks if not logarithmic else ticks[:: max(1, len(ticks) // 5)]
        parts = [
            vertical_axis(up, [0, 0.25, 0.5, 0.75, 1], ["0 %", "25", "50", "75", "100 %"], left, right),
            horizontal_axis(across, shown, [label for tick, label in zip(ticks, labels, strict=True) if tick in shown], bottom, bottom + 4),
            text(right, height - 8, "size of the weights" + (", logarithmic" if logarithmic else ""), anchor="end", class_="tick"),
            text(0, 12, "right answers", class_="tick"),
        ]
        places = _side_by_side([(point, across(point["bytes"]) if point["bytes"] else None, up(point["score"])) for point in points])
        taken = [(x - 10, y - 10, x + 10, y + 10) for _, x, y in places if x is not None]
        return height, joined(*parts, *(_sized_point(point, x, y, across, up, taken) for point, x, y in places))

    return draw


def _side_by_side(places: list[tuple[Row, float | None, float]]) -> list[tuple[Row, float | None, float]]:
    """Points that would cover an earlier one, moved to the right of it."""
    moved: list[tuple[Row, float | None, float]] = []
    for point, at, y in places:
        x = at
        while x is not None and any(other is not None and abs(other - x) < 14 and abs(other_y - y) < 40 for _, other, other_y in moved):
            x += 15
        moved.append((point, x, y))
    return moved


def _sized_point(point: Row, x: float | None, y: float, across: Scale, up: Scale, taken: list[Box]) -> Safe:
    words = f"{fitted(point['label'], 130)} {percent(point['score'])}"
    if x is None:
        return joined(
            line(across.start, y, across.end, y, "reference"),
            text(across.start + 6, y - 7, own(f"{words}, size not known"), class_="value"),
        )
    low, high = (up(value) for value in point.get("interval") or (point["score"], point["score"]))
    name = "teacher_open" if point["label"].startswith("teacher") else "distilled" if point["label"].startswith("student") else "file"
    mark = marker(x, y, name) if point["examined"] else element("circle", cx=x, cy=y, r=5, class_="mark hollow")
    whisker = line(x, low, x, high, "whisker") if point["examined"] else None
    label_x, label_y, anchor = _free_place(x, y, text_width(words), across, taken)
    return element("g", whisker, mark, text(label_x, label_y, own(words), anchor=anchor, class_="value"), class_=_emphasis(name))


def _free_place(x: float, y: float, width: float, across: Scale, taken: list[Box]) -> tuple[float, float, str]:
    """Where a label of `width` pixels beside the point (x, y) covers nothing that is taken and stays inside; it is then taken."""
    places = [(x + dx, y + dy, anchor) for dy in (4, -14, 22, -32, 40, -50, 58) for dx, anchor in ((13, "start"), (-13, "end"))]
    for label_x, label_y, anchor in places:
        left = label_x if anchor == "start" else label_x - width
        box = (left, label_y - 12, left + width, label_y + 4)
        inside = box[0] >= across.start and box[2] <= across.end + 32
        if inside and not any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken):
            taken.append(box)
            return label_x, label_y, anchor
    return x + 8, y + 4, "start"
