"""The page's sections of scores with their intervals: of tasks, and of their parts."""

from typing import Any

from seodang.pipeline.evaluation_report.counted import CLUSTERS, counted
from seodang.pipeline.evaluation_report.panels import places, score_panels
from seodang.pipeline.evaluation_report.stacked import stacked_table
from seodang.pipeline.report.blocks import lines, note, section
from seodang.pipeline.report.markup import Safe, element, joined, own, visible
from seodang.pipeline.report.wording import interval_numbers, percent, plural

Row = dict[str, Any]


def scores_section(report: Row) -> Safe:
    """Each model's score on each task."""
    panels = [(_title(task), {score["model"]: score for score in task["scores"]}) for task in report["tasks"]]
    names = [model["name"] for model in report["models"]]
    rows = [[_name(task), *(_score(task, name) for name in names), own(percent(task["chance"]))] for task in report["tasks"]]
    methods = sorted({score["method"] for task in report["tasks"] for score in task["scores"]})
    words = f"An item that ended in an error counts as wrong. Intervals: {'; '.join(methods)}."
    caption = f"Score with its 95 % interval, and {CLUSTERS}; chance is what guessing gives"
    return section(
        report,
        "scores",
        "Scores",
        score_panels("scores", "Scores by model", panels, places(report)),
        stacked_table(caption, ["task", *(visible(name, 60) for name in names), "chance"], [(None, rows)]),
        note(report, words),
    )


def _title(task: Row) -> str:
    return visible(task["name"], 60)


def _name(task: Row) -> Safe:
    words = "; ".join([task["family"].replace("_", " "), *_asked_alike(task)])
    return joined(_title(task), element("span", own(words), class_="small"))


def _asked(score: Row) -> list[str]:
    """How a model was asked, where that is not the usual way."""
    told = [f"think {score['thinking']}"] if score["thinking"] != "none" else []
    told += [f"temperature {score['temperature']:g}"] if score["temperature"] else []
    return [*told, f"{score['num_samples']} samples"] if score["num_samples"] > 1 else told


def _asked_alike(task: Row) -> list[str]:
    return [words for words in _asked(task["scores"][0]) if all(words in _asked(score) for score in task["scores"])]


def _score(task: Row, name: str) -> Safe:
    row = next((score for score in task["scores"] if score["model"] == name), None)
    if row is None:
        return own("-")
    below = [interval_numbers(row["interval"]), counted(row)]
    below += [words for words in _asked(row) if words not in _asked_alike(task)]
    if row["errors"]:
        low, high = row["score_range"]
        below.append(f"{plural(row['errors'], 'error')}: {100 * low:.1f} to {100 * high:.1f}")
    if (several := row.get("samples")) is not None:
        last = max(several["pass_at_k"], key=int)
        below.append(
            f"pass@{last} {percent(several['pass_at_k'][last]['score'])}, pass^{last} {percent(several['pass_hat_k'][last]['score'])}"
        )
    return lines(percent(row["score"]), *below)


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
    return section(report, "parts", "Parts", stacked_table(caption, ["part", *(visible(name, 60) for name in names)], groups))


def _part(row: Row | None) -> Safe:
    return own("-") if row is None else lines(percent(row["score"]), f"{interval_numbers(row['interval'])}, {counted(row)}")
