"""Curves of confidence: how often answers of a confidence are right, and what is risked at each share of answers that are given."""

from collections.abc import Sequence
from typing import Any

from seodang.pipeline.report.drawing import (
    Draw,
    Scale,
    dashes,
    figure,
    fitted,
    horizontal_axis,
    line,
    series,
    series_marker,
    text,
    vertical_axis,
)
from seodang.pipeline.report.markup import Safe, element, joined, visible
from seodang.pipeline.report.wording import percent

Row = dict[str, Any]
Told = tuple[str, int, Row]  # a model's name, its place among the page's models, and what is told of its confidence
Curve = tuple[str, int, Sequence[tuple[float, float]]]  # a model's name, its place, and its points, both within 0..1

_TICKS, _LABELS = (0.0, 0.25, 0.5, 0.75, 1.0), ("0", "25", "50", "75", "100 %")
_MOST_POINTS = 200


def reliability_figure(name: str, task: str, models: Sequence[Told]) -> Safe:
    """Share of right answers over confidence; on the diagonal both agree."""
    curves = [(model, place, [(one["confidence"], one["correct"]) for one in row["bins"]]) for model, place, row in models]
    title = f"{visible(task, 60)}: right answers by confidence"
    drawn = _drawing(curves, "confidence", "right answers", diagonal=True)
    return figure(name, title, _said(curves, "confidence", "right"), drawn, caption=title)


def risk_figure(name: str, task: str, models: Sequence[Told]) -> Safe:
    """Share of wrong answers among the most confident ones, by how many of them are given."""
    curves = [(model, place, _thinned(list(zip(row["coverage"], row["risk"], strict=True)))) for model, place, row in models]
    title = f"{visible(task, 60)}: wrong answers by share of questions answered"
    drawn = _drawing(curves, "answered, the most confident first", "wrong")
    return figure(name, title, _said(curves, "answered", "wrong"), drawn, caption=title)


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    step = max(1, len(points) // _MOST_POINTS)
    return [*points[:-1:step], points[-1]]


def _marked(points: Sequence[tuple[float, float]], place: int) -> Sequence[tuple[float, float]]:
    """The points with a marker: all of few; of many the last one and four others, elsewhere on each curve."""
    if len(points) <= 12:
        return points
    return [*(points[round((quarter + 0.5 + 0.1 * (place % 4)) * len(points) / 5)] for quarter in range(4)), points[-1]]


def _said(curves: Sequence[Curve], across: str, up: str) -> str:
    def words(point: tuple[float, float]) -> str:
        return f"{percent(point[0])} {across}, {percent(point[1])} {up}"

    return "; ".join(f"{visible(model, 40)} from {words(points[0])} to {words(points[-1])}" for model, _, points in curves if points) + "."


def _drawing(curves: Sequence[Curve], across: str, up: str, *, diagonal: bool = False) -> Draw:
    def draw(width: int) -> tuple[float, Safe]:
        left, right, top, bottom = 46.0, width - 20.0, 24.0, 230.0
        x, y = Scale(0, 1, left, right), Scale(0, 1, bottom, top)
        parts = [
            vertical_axis(y, _TICKS, _LABELS, left, right),
            horizontal_axis(x, _TICKS, _LABELS, bottom, bottom + 4),
            text(0, 12, up, class_="tick"),
            text(right, bottom + 34, across, anchor="end", class_="tick"),
        ]
        if diagonal:
            parts.append(line(x(0), y(0), x(1), y(1), "reference"))
        height = bottom + 50
        for model, place, points in curves:
            path = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in points)
            drawn = [element("polyline", points=path, class_=f"loss-curve {dashes(place)}")]
            drawn += [series_marker(x(a), y(b), place) for a, b in _marked(points, place)]
            drawn += [line(left, height, left + 32, height, f"loss-curve {dashes(place)}"), series_marker(left + 16, height, place)]
            parts += [series(place, *drawn), text(left + 42, height + 4, fitted(model, width - left - 50))]
            height += 22
        return height, joined(*parts)

    return draw
