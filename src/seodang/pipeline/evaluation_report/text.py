"""The same findings in Markdown, for a terminal, a pull request or a mail."""

import html
from typing import Any

from seodang.pipeline.evaluation_report.differences import beside, reading
from seodang.pipeline.evaluation_report.verdict import SYNTHETIC, about
from seodang.pipeline.report.markup import visible
from seodang.pipeline.report.wording import count, p_value, percent, percent_interval, points, points_interval

Row = dict[str, Any]


def render_text(report: Row) -> str:
    """Scores, differences, retention and rules as Markdown tables."""
    lines = [f"# Evaluation: {html.escape(visible(about(report), 200), quote=False)}", ""]
    if report["synthetic"]:
        lines += [SYNTHETIC.replace("Synthetic", "**Synthetic**", 1), ""]
    if (verdict := report["verdict"]) is not None:
        lines += [f"Gate `{verdict['gate']}`: **{verdict['verdict']}**", ""]
        lines += [f"Held back: {_cell(verdict['held_back'])}", ""] if "held_back" in verdict else []
        for one in verdict.get("waivers", ()):
            lines += [f"Waived by {_cell(one['waived_by'])}: {_cell(one['reason'])}", ""]
        lines += ["| rule | outcome | finding |", "| --- | --- | --- |"]
        rules = [*verdict["rules"], *verdict["secondary"]]
        lines += [f"| {_cell(row['id'])} | {row['outcome']} | {_cell(row['sentence'])} |" for row in rules] + [""]
    lines += ["| task | model | score | 95 % interval | n | errors |", "| --- | --- | --- | --- | --- | --- |"]
    for task in report["tasks"]:
        for score in task["scores"]:
            numbers = [percent(score["score"]), percent_interval(score["interval"]), count(score["n"]), count(score["errors"])]
            lines.append(f"| {_cell(task['name'])} | {_cell(score['model'])} | {' | '.join(numbers)} |")
    rows = [(task, row) for task in report["tasks"] for row in task["comparisons"]]
    apart = [(task, other) for task in report["tasks"] for other in task["nothing_in_common"]]
    if rows or apart:
        lines += [
            "",
            f"| task | {_cell(report['first'])} minus | difference, points | 95 % interval | p (Holm) | reading |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        for task, row in rows:
            words = _cell("; ".join([reading(row), *beside(report["first"], row)]))
            numbers = [points(row["difference"]), points_interval(row["interval"]), p_value(row["p_holm"]), words]
            lines.append(f"| {_cell(task['name'])} | {_cell(row['other'])} | {' | '.join(numbers)} |")
        lines += [f"| {_cell(task['name'])} | {_cell(other)} | - | - | - | no item in common |" for task, other in apart]
    kept = [(other, family, row) for other, families in report["retention"].items() for family, row in families.items()]
    if kept:
        lines += ["", "| capability | kept of | share | 95 % interval | n | left out of either |", "| --- | --- | --- | --- | --- | --- |"]
        for other, family, row in kept:
            interval = row["interval"]
            whole = percent_interval(interval) if interval and None not in interval else row["status"]
            lines.append(f"| {family} | {_cell(other)} | {percent(row['ratio'])} | {whole} | {count(row['n'])} | {_left_out(row)} |")
    return "\n".join(lines) + "\n"


def _left_out(row: Row) -> str:
    ours, theirs = row["left_out"]["student"], row["left_out"]["teacher"]
    return f"{ours:,} and {theirs:,}" if ours or theirs else "none"


def _cell(words: str) -> str:
    return html.escape(visible(words, 300), quote=False).replace("|", "\\|").replace("\n", " ")
