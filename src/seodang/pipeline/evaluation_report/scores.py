"""The page's sections of numbers: scores with intervals, differences, retention, parts, and what answers cost."""

from typing import Any

from seodang.pipeline.report.blocks import grouped_table, lines, note, section, table
from seodang.pipeline.report.figures import difference_mark, score_figure
from seodang.pipeline.report.markup import Safe, element, joined, own, visible
from seodang.pipeline.report.wording import count, interval_numbers, p_value, percent, points, points_interval

Row = dict[str, Any]

_ACROSS = 3  # panels of a figure


def scores_section(report: Row) -> Safe:
    """Each model's score on each task."""
    panels = [(_title(task), [(score["model"], score) for score in task["scores"]]) for task in report["tasks"]]
    figures = [
        score_figure(f"scores-{first}", "Scores by model", panels[first : first + _ACROSS]) for first in range(0, len(panels), _ACROSS)
    ]
    names = [model["name"] for model in report["models"]]
    rows = [[_name(task), *(_score(task, name) for name in names), own(percent(task["chance"]))] for task in report["tasks"]]
    methods = sorted({score["method"] for task in report["tasks"] for score in task["scores"]})
    words = f"An item that ended in an error counts as wrong. Intervals: {'; '.join(methods)}."
    caption = "Score with its 95 % interval, and n, the number of items; chance is what guessing gives"
    return section(
        report,
        "scores",
        "Scores",
        *figures,
        table(caption, ["task", *(visible(name, 60) for name in names), "chance"], rows),
        note(report, words),
    )


def _title(task: Row) -> str:
    return visible(task["name"], 60)


def _name(task: Row) -> Safe:
    samples = f"; {task['num_samples']} samples" if task["num_samples"] > 1 else ""
    return joined(_title(task), element("span", own(task["family"].replace("_", " ") + samples), class_="small"))


def _score(task: Row, name: str) -> Safe:
    row = next((score for score in task["scores"] if score["model"] == name), None)
    if row is None:
        return own("-")
    below = [interval_numbers(row["interval"]), f"n = {count(row['n'])}"]
    if row["errors"]:
        low, high = row["score_range"]
        below.append(f"{row['errors']} errors: {100 * low:.1f} to {100 * high:.1f}")
    if (several := row.get("samples")) is not None:
        last = max(several["pass_at_k"], key=int)
        below.append(
            f"pass@{last} {percent(several['pass_at_k'][last]['score'])}, pass^{last} {percent(several['pass_hat_k'][last]['score'])}"
        )
    return lines(percent(row["score"]), *below)


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
                    f"against {visible(row['other'], 60)}",
                    lines(points(row["difference"]), *numbers),
                    difference_mark(marked),
                    marked["reading"],
                    own(f"{row['items']['a_better']} / {row['items']['b_better']} / {row['items']['equal']}"),
                    own(points(row["seen"]).lstrip("+")),
                ]
            )
        if rows:
            groups.append((_title(task), rows))
    if not groups:
        return None
    columns = ["", "difference, points", "", "reading", "items better / worse / equal", "seen with 80 %, points"]
    caption = f"{visible(report['first'], 60)} minus each other model on the same items, with the 95 % interval"
    words = (
        "p values are corrected for the number of models compared on a task (Holm). The last column is the smallest true difference that "
        "this many items, tested alone, would have shown with a probability of 80 %: a difference that was not shown may still be as large."
    )
    return section(report, "differences", "Differences", grouped_table(caption, columns, groups, words=(0, 2, 3)), note(report, words))


def retention_section(report: Row) -> Safe | None:
    """Which share of the others' scores the first model keeps, by capability."""
    others = list(report["retention"])
    families = list(dict.fromkeys(family for rows in report["retention"].values() for family in rows))
    if not families:
        return None
    rows = [[family.replace("_", " "), *(_kept(report["retention"][other].get(family)) for other in others)] for family in families]
    caption = f"Score of {visible(report['first'], 60)} as a share of another model's, with the 95 % interval"
    words = "100 % keeps all of it; an interval that has no upper end means that the other model's score may be as low as nothing."
    return section(
        report,
        "retention",
        "Retention",
        table(caption, ["capability", *(f"of {visible(name, 60)}" for name in others)], rows),
        note(report, words),
    )


def _kept(row: Row | None) -> Safe:
    if row is None:
        return own("-")
    if row["ratio"] is None:
        return lines("not defined", row["status"])
    below = interval_numbers(row["interval"]) if row["interval"] and all(end is not None for end in row["interval"]) else row["status"]
    return lines(percent(row["ratio"]), below, f"n = {count(row['n'])}")


def parts_section(report: Row) -> Safe | None:
    """Each task's parts."""
    names = [model["name"] for model in report["models"]]
    groups: list[tuple[str, list[list[str | None]]]] = []
    for task in report["tasks"]:
        parts = list(dict.fromkeys(part for score in task["scores"] for part in score["parts"]))
        found = {score["model"]: score["parts"] for score in task["scores"]}
        if len(parts) > 1:
            rows = [[visible(part, 60), *(_part(found.get(name, {}).get(part)) for name in names)] for part in parts]
            groups.append((_title(task), rows))
    if not groups:
        return None
    caption = "Score of each part with its 95 % interval; not corrected for the number of parts"
    return section(report, "parts", "Parts", grouped_table(caption, ["part", *(visible(name, 60) for name in names)], groups))


def _part(row: Row | None) -> Safe:
    return own("-") if row is None else lines(percent(row["score"]), f"{interval_numbers(row['interval'])}, n = {count(row['n'])}")
