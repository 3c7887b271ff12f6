"""The same findings in Markdown, for a terminal, a pull request or a mail."""

import html
from typing import Any

from seodang.pipeline.evaluation_report.scores import reading
from seodang.pipeline.report.markup import visible
from seodang.pipeline.report.wording import count, p_value, percent, percent_interval, points, points_interval

Row = dict[str, Any]


def render_text(report: Row) -> str:
    """Scores, differences, retention and rules as Markdown tables."""
    lines = [f"# {html.escape(visible(report['first'], 80), quote=False)}: evaluation", ""]
    if report["synthetic"]:
        lines += ["**Synthetic**: fake or random weights, or made-up items, took part. These numbers say nothing about a real model.", ""]
    if (verdict := report["verdict"]) is not None:
        lines += [f"Gate `{verdict['gate']}`: **{verdict['verdict']}**", "", "| rule | outcome | finding |", "| --- | --- | --- |"]
        rules = [*verdict["rules"], *verdict["secondary"]]
        lines += [f"| {_cell(row['id'])} | {row['outcome']} | {_cell(row['sentence'])} |" for row in rules] + [""]
    lines += ["| task | model | score | 95 % interval | n | errors |", "| --- | --- | --- | --- | --- | --- |"]
    for task in report["tasks"]:
        for score in task["scores"]:
            numbers = [percent(score["score"]), percent_interval(score["interval"]), count(score["n"]), count(score["errors"])]
            lines.append(f"| {_cell(task['name'])} | {_cell(score['model'])} | {' | '.join(numbers)} |")
    rows = [(task, row) for task in report["tasks"] for row in task["comparisons"]]
    if rows:
        lines += [
            "",
            f"| task | {_cell(report['first'])} minus | difference, points | 95 % interval | p (Holm) | reading |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        for task, row in rows:
            numbers = [points(row["difference"]), points_interval(row["interval"]), p_value(row["p_holm"]), reading(row)]
            lines.append(f"| {_cell(task['name'])} | {_cell(row['other'])} | {' | '.join(numbers)} |")
    kept = [(other, family, row) for other, families in report["retention"].items() for family, row in families.items()]
    if kept:
        lines += ["", "| capability | kept of | share | 95 % interval |", "| --- | --- | --- | --- |"]
        for other, family, row in kept:
            interval = row["interval"]
            whole = percent_interval(interval) if interval and None not in interval else row["status"]
            lines.append(f"| {family} | {_cell(other)} | {percent(row['ratio'])} | {whole} |")
    return "\n".join(lines) + "\n"


def _cell(words: str) -> str:
    return html.escape(visible(words, 300), quote=False).replace("|", "\\|").replace("\n", " ")
