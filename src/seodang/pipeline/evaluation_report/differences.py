"""The page's sections of one model held against others: differences, and which share of their scores it keeps."""

from typing import Any

from seodang.evaluation.pairs import told_otherwise
from seodang.pipeline.report.blocks import grouped_table, lines, note, section, table
from seodang.pipeline.report.figures import difference_mark
from seodang.pipeline.report.markup import Safe, own, visible
from seodang.pipeline.report.wording import count, interval_numbers, p_value, percent, plural, points, points_interval

Row = dict[str, Any]


def reading(row: Row) -> str:
    """What a corrected difference says, as the pages' styles name it."""
    if row["p_holm"] > 0.05:
        return "not distinguishable"
    return "better" if row["difference"] > 0 else "worse"


def difference_section(report: Row) -> Safe | None:
    """The first model minus each other one, with what a null result could have seen."""
    groups: list[tuple[str, list[list[str | None]]]] = []
    for task in report["tasks"]:
        rows: list[list[str | None]] = []
        for row in task["comparisons"]:
            marked = {**row, "reading": reading(row)}
            numbers = [f"{points_interval(row['interval'])}", f"p {p_value(row['p_holm'])}"]
            rows.append(
                [
                    lines(f"against {visible(row['other'], 60)}", *beside(report["first"], row)),
                    lines(points(row["difference"]), *numbers),
                    difference_mark(marked),
                    marked["reading"],
                    own(f"{row['items']['a_better']} / {row['items']['b_better']} / {row['items']['equal']}"),
                    own(points(row["seen"]).lstrip("+")),
                ]
            )
        rows += [[f"against {visible(other, 60)}", own("-"), None, "no item in common", None, None] for other in task["nothing_in_common"]]
        if rows:
            groups.append((visible(task["name"], 60), rows))
    if not groups:
        return None
    columns = ["", "difference, points", "", "reading", "items better / worse / equal", "seen with 80 %, points"]
    caption = f"{visible(report['first'], 60)} minus each other model on the same items, with the 95 % interval"
    words = (
        "p values are corrected for the number of models compared on a task (Holm); those behind the page's headline, for all differences. "
        "The last column is the smallest true difference that this many items, tested alone, would have shown with a probability of 80 %: "
        "a difference that was not shown may still be as large."
    )
    return section(report, "differences", "Differences", grouped_table(caption, columns, groups, words=(0, 2, 3)), note(report, words))


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
        table(caption, ["capability", *(f"of {visible(name, 60)}" for name in others)], rows),
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
    return lines(percent(row["ratio"]), below, f"n = {count(row['n'])}", *told)
