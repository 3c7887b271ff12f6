"""Scores as dots with whiskers: one panel a task, all of one width, and each model in its own colour and shape."""

from collections.abc import Mapping, Sequence
from typing import Any

from seodang.pipeline.report.drawing import (
    NARROW,
    Scale,
    figure,
    fitted,
    horizontal_axis,
    line,
    series,
    series_marker,
    text,
    text_width,
)
from seodang.pipeline.report.markup import Safe, joined, visible
from seodang.pipeline.report.wording import percent, percent_interval

Row = dict[str, Any]
Panel = tuple[str, Mapping[str, Row]]  # a task's title, and its scores by model

_ACROSS = 3  # panels beside each other on a wide page
_ROW, _HEAD, _FOOT, _GAP = 34, 34, 40, 44  # heights in pixels of a row, a panel's title and its axis; space between panels


def places(report: Row) -> dict[str, int]:
    """The page's models with their places, which give them colour and shape: the one that the others are held against has 0."""
    names = [model["name"] for model in report["models"]]
    return {name: place for place, name in enumerate(sorted(names, key=lambda name: name != report["first"]))}


def score_panels(name: str, title: str, panels: Sequence[Panel], of_models: Mapping[str, int]) -> Safe:
    """Scores with their 95 % intervals: one panel for each task, one row for each model that answered a task in the same line."""
    said = [
        f"{task}: "
        + "; ".join(
            f"{visible(model, 40)} {percent(score['score'])}, interval {percent_interval(score['interval'])}"
            for model, score in scores.items()
        )
        for task, scores in panels
    ]
    return figure(name, title, ". ".join(said) + ".", lambda width: _drawn(panels, of_models, width))


def _drawn(panels: Sequence[Panel], of_models: Mapping[str, int], width: int) -> tuple[float, Safe]:
    label = min(width * 0.45, max(text_width(model) for _, scores in panels for model in scores) + 26)
    across = 1 if width <= NARROW else min(_ACROSS, len(panels))
    each = (width - label - 24 - _GAP * (across - 1)) / across
    parts: list[Safe] = []
    top = 0.0
    for first in range(0, len(panels), across):
        beside = panels[first : first + across]
        models = [model for model in of_models if any(model in scores for _, scores in beside)]
        rows = {model: top + _HEAD + _ROW * (row + 0.5) for row, model in enumerate(models)}
        bottom = top + _HEAD + _ROW * len(models)
        parts += [text(0, y + 4, fitted(model, label - 22)) for model, y in rows.items()]
        for index, (task, scores) in enumerate(beside):
            scale = Scale(0, 1, left := label + index * (each + _GAP), left + each)
            parts += [
                text(left, top + 16, fitted(task, each + 10), class_="panel"),
                horizontal_axis(scale, [0, 0.5, 1], ["0", "50", "100 %"], top + _HEAD, bottom),
                *(_dot(scale, y, of_models[model], scores[model]) for model, y in rows.items() if model in scores),
            ]
        top = bottom + _FOOT
    return top, joined(*parts)


def _dot(scale: Scale, y: float, place: int, score: Row) -> Safe:
    low, high = (scale(end) for end in score["interval"])
    number = f"{100 * score['score']:.1f}"
    fits = high + 10 + text_width(number) <= scale.end + 8
    label = text(high + 10, y + 4, number, class_="value") if fits else text(low - 10, y + 4, number, anchor="end", class_="value")
    return series(place, line(low, y, high, y, "whisker"), series_marker(scale(score["score"]), y, place), label)
