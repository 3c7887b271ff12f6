"""The page's sections about answers beside their scores: what they cost, whether confidence means what it says, who declined, and how items
that are like training data fare."""

from typing import Any

from seodang.pipeline.evaluation_report.counted import counted
from seodang.pipeline.evaluation_report.curves import reliability_figure, risk_figure
from seodang.pipeline.evaluation_report.panels import places
from seodang.pipeline.evaluation_report.stacked import stacked_table
from seodang.pipeline.report.blocks import lines, note, section
from seodang.pipeline.report.markup import Safe, own, visible
from seodang.pipeline.report.wording import count, decimal, interval_numbers, percent, points, points_interval, significant

Row = dict[str, Any]


def cost_section(report: Row) -> Safe:
    """Tokens of an answer, and answers that were cut or declined."""
    groups: list[tuple[str, list[list[str | None]]]] = []
    for task in report["tasks"]:
        rows = [
            [
                visible(score["model"], 60),
                own(decimal(score["cost"]["mean_prompt_tokens"])),
                own(decimal(score["cost"]["mean_new_tokens"])),
                own(decimal(score["cost"]["mean_reasoning_tokens"])),
                own(decimal(score["cost"]["new_tokens_per_right"])),
                own(percent(score["cost"]["cut_share"])),
                own(percent(score["cost"]["abstained_share"])),
            ]
            for score in task["scores"]
        ]
        groups.append((visible(task["name"], 60), rows))
    columns = ["model", "read", "written", "of it reasoning", "for a right one", "cut short", "declined"]
    words = "Tokens for a right one: all that were written, for wrong answers too, by the sum of the scores."
    table = stacked_table("Mean tokens of an answer over all of its turns", columns, groups)
    return section(report, "cost", "Tokens", table, note(report, words))


def confidence_section(report: Row) -> Safe | None:
    """Whether confidence means what it says, and what is risked by answering only where it is high."""
    tasks = [(task, [score for score in task["scores"] if "bins" in score["confidence"]]) for task in report["tasks"]]
    tasks = [(task, scores) for task, scores in tasks if scores]
    if not tasks:
        return None
    groups = [(visible(task["name"], 60), [_confidence(score) for score in scores]) for task, scores in tasks]
    of_models, figures = places(report), list[Safe]()
    for index, (task, scores) in enumerate(tasks):
        told = [(score["model"], of_models[score["model"]], score["confidence"]) for score in scores]
        figures += [reliability_figure(f"reliability-{index}", task["name"], told), risk_figure(f"risk-{index}", task["name"], told)]
    columns = ["model", "n", "calibration error", "debiased, root mean square", "Brier score", "area under risk"]
    words = (
        "Confidence is the model's own probability of the choice that it made; generated answers have none. Calibration error: mean "
        "distance of confidence and share of right answers over ten groups of equal size, above 0 by chance alone; the debiased one is not."
    )
    table = stacked_table("How far confidence can be believed; lower is better", columns, groups)
    return section(report, "confidence", "Confidence", table, *figures, note(report, words))


def _confidence(score: Row) -> list[str | None]:
    row = score["confidence"]
    low, high = row["root_mean_square_interval"]
    return [
        visible(score["model"], 60),
        own(count(row["n"])),
        own(significant(row["expected_calibration_error"])),
        lines(significant(row["root_mean_square_calibration_error"]), f"{low:.3g} to {high:.3g}"),
        lines(significant(row["brier"]), " to ".join(f"{end:.3g}" for end in row["brier_interval"])),
        own(significant(row["area_under_risk"])),
    ]


def declined_section(report: Row) -> Safe | None:
    """Who declined or said that they do not know: where it was right, and where it was not."""
    groups: list[tuple[str, list[list[str | None]]]] = []
    for task in report["tasks"]:
        rows: list[list[str | None]] = [
            [
                visible(score["model"], 60),
                visible(row["part"], 60),
                row["meaning"],
                lines(percent(row["share"]), f"{interval_numbers(row['interval'])}, {counted(row)}"),
            ]
            for score in task["scores"]
            for row in score["declined"]
        ]
        if rows:
            groups.append((visible(task["name"], 60), rows))
    if not groups:
        return None
    words = "Refusal and abstention should be high, over-refusal and over-abstention low."
    columns = ["model", "part", "which is", "share"]
    table = stacked_table("Share of answers that decline or say that they do not know", columns, groups, words=(0, 1, 2))
    return section(report, "declined", "Declined", table, note(report, words))


def similarity_section(report: Row) -> Safe | None:
    """Scores of items that are like training data, and of the others."""
    groups: list[tuple[str, list[list[str | None]]]] = []
    for task in report["tasks"]:
        rows = [[visible(model, 60), *_sides(row)] for model, row in (task["similarity"] or {}).items()]
        if rows:
            groups.append((visible(task["name"], 60), rows))
    if not groups:
        return None
    words = "Clean: no training record is as like the item as the threshold. This proves nothing: the items may differ otherwise."
    columns = ["model", "clean items", "dirty items", "clean minus dirty, points"]
    table = stacked_table("Scores by similarity to training data", columns, groups)
    return section(report, "similarity", "Like what was taught", table, note(report, words))


def _sides(row: Row) -> list[Safe]:
    gap = row["clean_minus_dirty"]
    apart = own("-") if gap is None else lines(points(gap["difference"]), points_interval(gap["interval"]))
    return [_side(row["clean"]), _side(row["dirty"]), apart]


def _side(row: Row | None) -> Safe:
    return own("none") if row is None else lines(percent(row["score"]), f"{interval_numbers(row['interval'])}, {counted(row)}")
