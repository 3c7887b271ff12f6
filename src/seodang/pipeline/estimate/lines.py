"""An estimate for people: what it comes to, and a table of the steps."""

import textwrap
from typing import Any

from seodang.pipeline.report.wording import duration, size

Row = dict[str, Any]

WIDTH = 100  # of the text, in characters


def estimate_lines(told: Row) -> list[str]:
    """The whole estimate, in lines of at most `WIDTH` characters."""
    device = told["device"]
    lines = [f"{told['recipe']} on {device['name']} ({device['origin']}, times within a factor of {device['error_factor']:g})", ""]
    for name, title in _HOURS.items():
        lines.append(f"  {title:<9}{_time(told, name)}")
    for name, title in _SIZES.items():
        low, high = told["ranges"][name]
        step = f"  in {told['peak_memory_step']}" if name == "peak_memory_bytes" else ""
        lines.append(f"  {title:<9}{size(told[name]):>12}   {size(low)} to {size(high)}{step}")
    assumed = [line for text in told["assumptions"] for line in textwrap.wrap(f"- {text}", WIDTH, subsequent_indent="  ")]
    return [*lines, "", *_table(told["steps"]), "", *assumed]


def cost_lines(told: Row) -> list[str]:
    """The estimate in four lines, for a recipe that was just drafted."""
    teacher = "remote teacher" if told["remote_teacher"] else "teacher"
    counts, tokens = told["counts"], told["tokens"]
    asked = counts["questions"] + counts["messages"] + counts["general_questions"]
    hours = told["total_hours"]
    known = sum(step["seconds"] or 0 for step in told["steps"]) / 60 if hours is None else 60 * hours
    where = ", without the remote teacher's time" if hours is None else ""
    return [
        f"the {teacher} writes about {asked:,} questions and customers' messages"
        f" (reads {tokens['teacher_read']:,} tokens, writes {tokens['teacher_written']:,})",
        f"training reads about {tokens['trained']:,} tokens, over all trained students",
        f"time: about {known:,.0f} minutes{where}; disk: about {told['disk_bytes'] / 1e9:.1f} GB;"
        f" memory: about {told['peak_memory_bytes'] / 1e9:.1f} GB",
        f"{told['device']['name']}, times within a factor of {told['device']['error_factor']:g}; `seodang estimate RECIPE` says more",
    ]


_HOURS = {
    "teacher_hours": "teacher",
    "student_hours": "student",
    "exam_hours": "exams",
    "other_hours": "other",
    "total_hours": "total",
}
_SIZES = {"cache_bytes": "cache", "disk_bytes": "disk", "peak_memory_bytes": "memory"}


def _time(told: Row, name: str) -> str:
    hours, limits = told[name], told["ranges"][name]
    if hours is None:
        return f"{'unknown':>12}   an endpoint's pace is not known"
    low, high = (3600 * limit for limit in limits)
    return f"{duration(3600 * hours):>12}   {duration(low)} to {duration(high)}"


def _table(steps: list[Row]) -> list[str]:
    width = max(22, *(len(step["name"]) for step in steps))
    lines = [f"{'step':<{width}} {'time':>12} {'tokens read':>13} {'written':>10} {'trained':>11} {'disk':>10} {'memory':>10}"]
    for step in steps:
        numbers = [f"{step[key]:,}" if step[key] else "-" for key in ("tokens_read", "tokens_written", "tokens_trained")]
        time = "unknown" if step["seconds"] is None else duration(step["seconds"])
        kept = size(step["disk_bytes"] + step["cache_bytes"])
        lines.append(
            f"{step['name']:<{width}} {time:>12} {numbers[0]:>13} {numbers[1]:>10} {numbers[2]:>11} {kept:>10}"
            f" {size(step['peak_memory_bytes']):>10}"
        )
    return lines
