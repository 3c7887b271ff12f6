"""The same findings in Markdown, for a terminal, a pull request or a mail."""

import html
from typing import Any

from seodang.pipeline.evaluation_report.differences import beside, reading, without_partner
from seodang.pipeline.evaluation_report.verdict import SYNTHETIC, about
from seodang.pipeline.report.markup import visible
from seodang.pipeline.report.wording import count, items_column, p_value, percent, percent_interval, points, points_interval

Row = dict[str, Any]


def render_text(report: Row) -> str:
    """Scores, differences, retention and rules as Markdown tables."""
    lines = [f"# Evaluation: {html.escape(visible(about(report), 200), quote=False)}", ""]
    if report["synthetic"]:
        lines += [SYNTHETIC.replace("Synthetic", "**Synthetic**", 1), ""]
    if (verdict := report["verdict"]) is not None:
        lines += [f"Gate `{verdict['gate']}`: **{verdict['verdict']}**", ""]
        lines += [f"Held back: {_cell(verdict['held_back'])}", ""] if "held_back" in verdict else []
        for place in verdict.get("could_not_be_read", ()):
            lines += [f"Could not be read, and may hold the student's answers: {_cell(place)}", ""]
        for one in verdict.get("waivers", ()):
            lines += [f"Waived by {_cell(one['waived_by'])}: {_cell(one['reason'])}", ""]
        lines += ["| rule | outcome | finding |", "| --- | --- | --- |"]
        rules = [*verdict["rules"], *verdict["secondary"]]
        lines += [f"| {_cell(row['id'])} | {row['outcome']} | {_cell(row['sentence'])} |" for row in rules] + [""]
    head, told = items_column([score for task in report["tasks"] for score in task["scores"]])
    counts = iter(told)
    lines += [f"| task | model | score | 95 % interval | {head} | errors |", "| --- | --- | --- | --- | --- | --- |"]
    for task in report["tasks"]:
        for score in task["scores"]:
            numbers = [percent(score["score"]), percent_interval(score["interval"]), next(counts), count(score["errors"])]
            lines.append(f"| {_cell(task['name'])} | {_cell(score['model'])} | {' | '.join(numbers)} |")
    rows = [(task, row) for task in report["tasks"] for row in task["comparisons"]]
    apart = [(task, other) for task in report["tasks"] for other in task["nothing_in_common"]]
    alone = [(task, *told) for task in report["tasks"] for told in without_partner(report, task)]
    if rows or apart:  # p is corrected (Holm), for the models of a task or for all of the page's differences
        head, told = items_column([row for _, row in rows])
        lines += [
            "",
            f"| task | {_cell(report['first'])} minus | difference, points | 95 % interval | {head} | p (task) | p (page) | reading |",
            "| --- | --- | --- | --- | --- | --- | --- | --- |",
        ]
        for (task, row), num_items in zip(rows, told, strict=True):
            words = _cell("; ".join([reading(row), *beside(report["first"], row)]))
            ps = [p_value(row["p_holm"]), p_value(row["p_page"])]
            numbers = [points(row["difference"]), points_interval(row["interval"]), num_items, *ps, words]
            lines.append(f"| {_cell(task['name'])} | {_cell(row['other'])} | {' | '.join(numbers)} |")
        lines += [f"| {_cell(task['name'])} | {_cell(other)} | - | - | - | - | - | no item in common |" for task, other in apart]
    if alone:
        lines += ["", "Scores that nothing is held against:", ""]
        lines += [f"- {_cell(task['name'])}, {_cell(name)}: {_cell(words)}" for task, name, words in alone]
    kept = [(other, family, row) for other, families in report["retention"].items() for family, row in families.items()]
    if kept:
        head, told = items_column([row for _, _, row in kept])
        lines += [
            "",
            f"| capability | kept of | share | 95 % interval | {head} | left out of either |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        for (other, family, row), num_items in zip(kept, told, strict=True):
            interval = row["interval"]
            whole = percent_interval(interval) if interval and None not in interval else row["status"]
            lines.append(f"| {family} | {_cell(other)} | {percent(row['ratio'])} | {whole} | {num_items} | {_left_out(row)} |")
    return "\n".join(lines) + "\n"


def _left_out(row: Row) -> str:
    ours, theirs = row["left_out"]["student"], row["left_out"]["teacher"]
    return f"{ours:,} and {theirs:,}" if ours or theirs else "none"


def _cell(words: str) -> str:
    return html.escape(visible(words, 300), quote=False).replace("|", "\\|").replace("\n", " ")
