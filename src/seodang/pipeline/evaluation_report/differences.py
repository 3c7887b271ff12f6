"""The page's sections of one model held against others: differences, and which share of their scores it keeps."""

from typing import Any

from seodang.evaluation.compare import errors_may_hide
from seodang.evaluation.pairs import told_otherwise
from seodang.pipeline.evaluation_report.counted import counted
from seodang.pipeline.evaluation_report.stacked import stacked_table
from seodang.pipeline.report.blocks import lines, note, section
from seodang.pipeline.report.figures import difference_mark
from seodang.pipeline.report.markup import Safe, own, visible
from seodang.pipeline.report.wording import interval_numbers, items_column, p_value, percent, plural, points, points_interval

Row = dict[str, Any]


def reading(row: Row) -> str:
    """What a difference says: better or worse where that holds among all of the page's differences, or only among those of its task."""
    if errors_may_hide(row):
        return "hidden by errors"
    if row["p_holm"] > 0.05:
        return "not distinguishable"
    return _holding(row) if row["p_page"] <= 0.05 else f"{_direction(row)} on this task alone"


def _holding(row: Row) -> str:
    """What holds among all of the page's differences, as the pages' styles name it."""
    return _direction(row) if row["p_page"] <= 0.05 and not errors_may_hide(row) else "not distinguishable"


def _direction(row: Row) -> str:
    return "better" if row["difference"] > 0 else "worse"


def difference_section(report: Row) -> Safe | None:
    """The first model minus each other one, with what a null result could have seen, and the scores that nothing is held against."""
    head, told = items_column([row for task in report["tasks"] for row in task["comparisons"]])
    counts = iter(told)
    groups: list[tuple[str, list[list[str | None]]]] = []
    for task in report["tasks"]:
        rows = [_compared(report["first"], row, next(counts)) for row in task["comparisons"]]
        rows += [[f"against {visible(other, 60)}", own("-"), None, "no item in common", None, None] for other in task["nothing_in_common"]]
        rows += [[visible(name, 60), own("-"), None, words, None, None] for name, words in without_partner(report, task)]
        if rows:
            groups.append((visible(task["name"], 60), rows))
    if not groups:
        return None
    columns = ["", "difference, points", "", "reading", f"{head}; better / worse / equal", "seen with 80 %, points"]
    caption = f"{visible(report['first'], 60)} minus each other model on the same items, with the 95 % interval"
    words = (
        "Better and worse: where p, corrected for all of the page's differences (Holm), is at most 0.05; on this task alone: where only p "
        "corrected for the models of its task is; hidden by errors: where answers that ended in one may hide a difference of either sign. "
        "The last column is the smallest true difference that this many items, tested alone, would have shown with a probability of 80 %: "
        "a difference that was not shown may still be as large."
    )
    return section(report, "differences", "Differences", stacked_table(caption, columns, groups, words=(0, 2, 3)), note(report, words))


def _compared(first: str, row: Row, num_items: str) -> list[str | None]:
    numbers = [points_interval(row["interval"]), f"p {p_value(row['p_holm'])}"]
    if row["p_holm"] <= 0.05:
        numbers.append(f"of the page: p {p_value(row['p_page'])}")
    items = row["items"]
    return [
        lines(f"against {visible(row['other'], 60)}", *beside(first, row)),
        lines(points(row["difference"]), *numbers),
        difference_mark({**row, "reading": _holding(row)}),
        reading(row),
        lines(num_items, f"{items['a_better']:,} / {items['b_better']:,} / {items['equal']:,}"),
        own(points(row["seen"]).lstrip("+")),
    ]


def without_partner(report: Row, task: Row) -> list[tuple[str, str]]:
    """The models whose score on a task nothing is held against, where the report has several, and why."""
    found = task["without_partner"] if len(report["models"]) > 1 else []
    asked = f"{visible(report['first'], 60)} was not asked"
    return [(name, "no other model was asked" if name == report["first"] else asked) for name in found]


def beside(first: str, row: Row) -> list[str]:
    """What a difference is not about: items that only one of the two has, and what is due to how they were asked."""
    told = [_left_out(first, row["other"], row["left_out"]["a"], row["left_out"]["b"])] if any(row["left_out"].values()) else []
    return [*told, f"asked otherwise: {visible(told_otherwise(row['asked_otherwise']), 200)}"] if row["asked_otherwise"] else told


def _left_out(first: str, other: str, ours: int, theirs: int) -> str:
    return f"left out: {plural(ours, 'item')} of {visible(first, 60)}, {theirs:,} of {visible(other, 60)}"


def retention_section(report: Row) -> Safe | None:
    """Which share of the others' scores the first model keeps, by capability."""
    others = list(report["retention"])
    families = list(dict.fromkeys(family for rows in report["retention"].values() for family in rows))
    if not families:
        return None
    rows = [
        [family.replace("_", " "), *(_kept(report["first"], other, report["retention"][other].get(family)) for other in others)]
        for family in families
    ]
    caption = f"Score of {visible(report['first'], 60)} as a share of another model's, with the 95 % interval"
    words = "100 % keeps all of it; an interval that has no upper end means that the other model's score may be as low as nothing."
    return section(
        report,
        "retention",
        "Retention",
        stacked_table(caption, ["capability", *(f"of {visible(name, 60)}" for name in others)], [(None, rows)]),
        note(report, words),
    )


def _kept(first: str, other: str, row: Row | None) -> Safe:
    if row is None:
        return own("-")
    left_out = row["left_out"]
    told = [_left_out(first, other, left_out["student"], left_out["teacher"])] if any(left_out.values()) else []
    if row["ratio"] is None:
        return lines("not defined", row["status"], *told)
    below = interval_numbers(row["interval"]) if row["interval"] and all(end is not None for end in row["interval"]) else row["status"]
    return lines(percent(row["ratio"]), below, counted(row), *told)
