"""The placement search drawn: tokens/s of a user against tokens/s of a device, as a picture and as a page without scripts."""

from importlib.resources import files
from typing import Any

from seodang.pipeline.report.drawing import (
    NARROW,
    WIDE,
    Scale,
    figure,
    horizontal_axis,
    joined,
    powers_of_ten,
    text,
    vertical_axis,
)
from seodang.pipeline.report.markup import Safe, element, escaped
from seodang.testbed.predict.lines import readers_words
from seodang.testbed.predict.search import Found

Told = dict[str, Any]

_LEFT, _RIGHT, _TOP, _BOTTOM = 64.0, 20.0, 34.0, 52.0
_MOST_DOTS = 1500  # of layouts that are not on the front
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = Safe(
    "text{font:13px system-ui,sans-serif;fill:#1d2226}.tick{fill:#5c656d;font-size:12px}.grid{stroke:#e3dfd5}"
    ".other{fill:#5c656d;opacity:.28}.front{fill:#17695f}.edge{fill:none;stroke:#17695f;stroke-width:1.5}"
)


def draw_picture(told: Told, found: Found) -> str:
    """One SVG file, wide."""
    height, content = _plot(found, WIDE)
    picture = element(
        "svg",
        element("title", _title(told)),
        element("desc", _words(told)),
        element("style", _STYLE),
        content,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDE} {height:.0f}",
        role="img",
    )
    return f"{picture}\n"


def draw_page(told: Told, found: Found) -> str:
    """One HTML file: the picture, the front as a table, and what was assumed."""
    style = Safe(files("seodang.pipeline.report").joinpath("style.css").read_text(encoding="utf-8") + _STYLE)
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("title", _title(told)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("style", style),
    )
    rows = [
        element(
            "tr",
            *(
                element("td", cell)
                for cell in (
                    one["layout"],
                    readers_words(one["prompts_read_by"]),
                    f"{one['concurrency']:,}",
                    _ranged(one["tokens_s_user"]),
                    _ranged(one["tokens_s_device"]),
                    _ranged(one["tpot_ms"]),
                )
            ),
        )
        for one in told["front"]
    ]
    names = ("layout", "prompts read by", "clients", "tokens/s a user", "tokens/s a device", "ms a token")
    body = element(
        "body",
        element("header", element("h1", _title(told))),
        element(
            "main",
            figure("pareto", _title(told), _words(told), lambda width: _plot(found, width), caption=_words(told)),
            element("table", element("tr", *(element("th", name) for name in names)), *rows),
            element("h2", "Assumed"),
            element("ul", *(element("li", one) for one in told["assumptions"])),
        ),
        element("footer", element("p", f"Predicted, not measured. Numbers of the device: {told['device_said']}. Fit {told['fit'][:12]}.")),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def _title(told: Told) -> str:
    return f"{told['model']} on {told['count']} x {told['device']}, {told['weights']}"


def _words(told: Told) -> str:
    first, last = told["front"][0], told["front"][-1]
    return (
        f"{told['layouts_that_fit']} layouts fit, {told['layouts_too_large']} do not; {len(told['front'])} points are on the front, from "
        f"{first['layout']} ({first['tokens_s_user']['value']:.3g} tokens/s a user, {first['tokens_s_device']['value']:.3g} a device) to "
        f"{last['layout']} ({last['tokens_s_user']['value']:.3g} and {last['tokens_s_device']['value']:.3g}); in brackets 80 % intervals."
    )


def _plot(found: Found, width: int) -> tuple[float, Safe]:
    height = 420.0 if width > NARROW else 360.0
    users = [point.tokens_s_user for point in found.points]
    devices = [point.tokens_s_device for point in found.points]
    x_ticks, y_ticks = powers_of_ten(min(users), max(users)), powers_of_ten(min(devices), max(devices))
    across = Scale(x_ticks[0], max(x_ticks[-1], 10 * x_ticks[0]), _LEFT, width - _RIGHT, logarithmic=True)
    up = Scale(y_ticks[0], max(y_ticks[-1], 10 * y_ticks[0]), height - _BOTTOM, _TOP, logarithmic=True)
    every = -(-len(found.points) // _MOST_DOTS)
    dots = [
        element("circle", cx=across(point.tokens_s_user), cy=up(point.tokens_s_device), r=2, class_="other")
        for point in found.points[::every]
    ]
    edge = " ".join(f"{across(point.tokens_s_user):.1f},{up(point.tokens_s_device):.1f}" for point in found.front)
    marks = [element("circle", cx=across(one.tokens_s_user), cy=up(one.tokens_s_device), r=4, class_="front") for one in found.front]
    return height, joined(
        vertical_axis(up, y_ticks, [f"{tick:g}" for tick in y_ticks], _LEFT, width - _RIGHT),
        horizontal_axis(across, x_ticks, [f"{tick:g}" for tick in x_ticks], _TOP, height - _BOTTOM),
        *dots,
        element("polyline", points=edge, class_="edge"),
        *marks,
        text(_LEFT - 8, 16, "tokens/s a device", class_="tick"),
        text(width - _RIGHT, height - 10, "tokens/s a user", anchor="end", class_="tick"),
    )


def _ranged(value: Told) -> Safe:
    return escaped(f"{value['value']:.4g} [{value['interval'][0]:.4g}, {value['interval'][1]:.4g}]")
