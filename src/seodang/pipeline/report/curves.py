"""Loss curves: one panel for each arm, one pair of lines for each seed."""

from collections.abc import Sequence
from typing import Any

from seodang.pipeline.report.blocks import arm_name
from seodang.pipeline.report.drawing import NARROW, Scale, figure, fitted, horizontal_axis, line, round_ticks, text, vertical_axis
from seodang.pipeline.report.markup import Safe, element, joined
from seodang.pipeline.report.wording import count, plural, significant

Row = dict[str, Any]
Curve = Sequence[Sequence[float]]  # [step, value] each

MAX_POINTS = 160  # drawn of one curve; a longer one is drawn as means of neighbours

_PANEL_HEIGHT, _LEFT, _RIGHT, _GAP = 260.0, 34.0, 18.0, 30.0


def thinned(curve: Curve) -> list[tuple[float, float]]:
    """At most `MAX_POINTS` points: each the mean of equally many neighbours (the last of fewer, where it does not divide)."""
    width = -(-len(curve) // MAX_POINTS) or 1
    groups = [curve[start : start + width] for start in range(0, len(curve), width)]
    return [(sum(p[0] for p in group) / len(group), sum(p[1] for p in group) / len(group)) for group in groups]


def loss_figure(name: str, title: str, training: dict[str, list[Row]], caption: str | None = None) -> Safe:
    """Loss over optimizer steps of every arm that has a curve."""
    drawn = {arm: runs for arm, runs in training.items() if any(run["loss_curve"] for run in runs)}
    curves = [(arm, run.get("seed"), run["loss_curve"]) for arm, runs in drawn.items() for run in runs if run["loss_curve"]]
    said = [f"{arm_name(arm)}, seed {seed}: from {significant(c[0][1])} to {significant(c[-1][1])}" for arm, seed, c in curves]
    return figure(name, title, "; ".join(said) + ".", lambda width: _panels(drawn, width), caption=caption)


def _panels(training: dict[str, list[Row]], width: int) -> tuple[float, Safe]:
    across = 1 if width <= NARROW or len(training) == 1 else 2
    each = (width - _GAP * (across - 1)) / across
    parts: list[Safe] = []
    for index, (arm, runs) in enumerate(training.items()):
        column, row = index % across, index // across
        parts.append(_panel(arm, runs, column * (each + _GAP), row * _PANEL_HEIGHT, each))
    return _PANEL_HEIGHT * -(-len(training) // across), joined(*parts)


def _panel(arm: str, runs: Sequence[Row], left: float, top: float, width: float) -> Safe:
    curves = [(kind, thinned(run[kind])) for run in runs for kind in ("loss_curve", "held_out_curve")]
    steps = [step for _, curve in curves for step, _ in curve]
    values = [value for _, curve in curves for _, value in curve]
    x_ticks, y_ticks = round_ticks(0, max(*steps, 1), 5), round_ticks(min(0.0, *values), max(values), 5)
    plot_top, plot_bottom = top + 56, top + _PANEL_HEIGHT - 46
    across = Scale(x_ticks[0], max(*steps, 1), left + _LEFT, left + width - _RIGHT)
    up = Scale(y_ticks[0], y_ticks[-1], plot_bottom, plot_top)
    x_ticks = [tick for tick in x_ticks if tick <= across.high]
    title = arm_name(arm) + (f", {plural(len(runs), 'seed')}" if len(runs) > 1 else "")
    held_out = any(kind == "held_out_curve" and curve for kind, curve in curves)
    parts = [
        text(left, top + 16, fitted(title, width * 0.8), class_="panel"),
        _legend(left, top + 36, held_out),
        vertical_axis(up, y_ticks, [f"{tick:g}" for tick in y_ticks], left + _LEFT, left + width - _RIGHT),
        horizontal_axis(across, x_ticks, [count(tick) for tick in x_ticks], plot_bottom, plot_bottom + 4),
        text(left + width - _RIGHT, plot_bottom + 34, "optimizer steps", anchor="end", class_="tick"),
    ]
    for kind, curve in curves:
        if len(curve) > 1:
            points = " ".join(f"{across(step):.1f},{up(value):.1f}" for step, value in curve)
            parts.append(element("polyline", points=points, class_=kind.replace("_", "-") + (" many" if len(runs) > 1 else "")))
        if kind == "held_out_curve" or len(curve) == 1:
            parts += [element("circle", cx=across(step), cy=up(value), r=3, class_="mark hollow") for step, value in curve]
    return element("g", *parts, class_="own" if arm == "distilled" else None)


def _legend(left: float, y: float, held_out: bool) -> Safe:
    training = joined(line(left, y - 4, left + 20, y - 4, "loss-curve"), text(left + 26, y, "training loss", class_="tick"))
    if not held_out:
        return training
    start = left + 124
    shown = element("circle", cx=start + 10, cy=y - 4, r=3, class_="mark hollow")
    return joined(training, line(start, y - 4, start + 20, y - 4, "held-out-curve"), shown, text(start + 26, y, "held out", class_="tick"))
