"""`report.md`: the same facts as the page, compactly, for a terminal, a commit or an issue."""

import html
import re
from collections.abc import Callable, Sequence
from typing import Any

from seodang.pipeline.report.arm_tables import (
    Table,
    gold_sentence,
    grid_table,
    guard_table,
    own_answers_table,
    variants_table,
    winner_table,
)
from seodang.pipeline.report.build import COUNTS
from seodang.pipeline.report.cost_section import COST_COLUMNS, cost_rows, cost_words
from seodang.pipeline.report.dropped_table import dropped_table
from seodang.pipeline.report.held_out_table import held_out_table
from seodang.pipeline.report.markup import visible
from seodang.pipeline.report.reading import OVERALL
from seodang.pipeline.report.result_sections import MAX_ANSWERS
from seodang.pipeline.report.wording import (
    ARM_NAMES,
    brief,
    count,
    decimal,
    duration,
    errors_words,
    items_column,
    p_value,
    percent,
    percent_interval,
    points,
    points_interval,
    significant,
    size,
    thinking_words,
)

Row = dict[str, Any]

MAX_CHARACTERS = 300  # of one text that a model or a document wrote

_SPECIAL = re.compile(r"([\\`*_\[\]|#~$>])")
_TAG_OR_ENTITY = re.compile(r"<(?! )|&(?=[#\w])")


def inline(text: Any, limit: int = MAX_CHARACTERS) -> str:
    """A text from outside on one line, in which nothing is markup, HTML or a link."""
    line = " ".join(visible(str(text), limit).split())
    escaped = _TAG_OR_ENTITY.sub(lambda found: html.escape(found[0]), _SPECIAL.sub(r"\\\1", line))
    return escaped.replace("://", "&#58;//").replace("www.", "www&#46;").replace("@", "&#64;")


def render_markdown(report: Row) -> str:
    """The report as GitHub-flavoured Markdown. Equal reports give equal text."""
    tag = " (synthetic)" if report["synthetic"] else ""
    blocks = [f"# {report['headline']['sentence']} - {inline(report['name'], 120)}"]
    for title, draw in _SECTIONS:
        blocks.append(f"## {title}{tag}")
        blocks.append(draw(report) or "Not run.")
    return "\n\n".join(blocks) + "\n"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose cells are our own words or have gone through `inline`."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _arm(name: str) -> str:
    return ARM_NAMES.get(name) or inline(name, 60)


def _part(name: str) -> str:
    return "overall" if name == OVERALL else inline(name, 40)


def _with_origin(report: Row, part: str, *blocks: str) -> str:
    origin = report["origins"].get(part)
    return "\n\n".join([*blocks, *([f"Origin: {inline(origin)}."] if origin else [])])


def _verdict(report: Row) -> str:
    return "\n".join(f"- {inline(sentence, 1200)}" for sentence in report["verdict"])


def _scores(report: Row, key: str = "arms") -> str:
    arms = report[key]
    if not arms:
        return ""
    parts = list(dict.fromkeys(part for arm in arms for part in arm["parts"]))
    columns = ["arm", "overall", *map(_part, parts), "least similar half", "answer, mean tokens", "cut short"]
    rows = [
        [
            _arm(arm["name"]),
            _score(arm),
            *(_score(arm["parts"].get(part)) for part in parts),
            _score(arm.get("dissimilar_half")),
            decimal(arm.get("mean_new_tokens")),
            percent(arm.get("cut_share")),
        ]
        for arm in arms
    ]
    return _with_origin(report, key, _table(columns, rows), f"Shares of right answers with 95 % intervals.{errors_words(arms, _arm)}")


def _score(score: Row | None) -> str:
    if not score or score.get("score") is None:
        return "-"
    return f"{percent(score['score'])} ({percent_interval(score.get('interval'))}, n = {count(score.get('n'))})"


def _differences(report: Row, key: str = "paired") -> str:
    head, numbers = items_column(report[key])
    rows = [
        [
            f"{_arm(row['a'])} - {_arm(row['b'])}" + (f", seed {row['seed']}" if "seed" in row else ""),
            _part(row["part"]),
            points(row["difference"]),
            points_interval(row["interval"]),
            p_value(row["p_holm"]).removeprefix("= "),
            number,
            row["reading"],
        ]
        for row, number in zip(report[key], numbers, strict=True)
    ]
    return _table(["arms", "part", "difference, points", "95 % interval", "p, corrected", head, "reading"], rows) if rows else ""


def _plain(found: Table | None) -> str:
    if found is None:
        return ""
    rows = [[inline(cell, 120) for cell in row] for row in found.rows]
    return f"{inline(found.caption)}:\n\n{_table(found.columns, rows)}"


def _all_differences(report: Row) -> str:
    return "\n\n".join(filter(None, [_plain(winner_table(report)), _differences(report), _differences(report, "paired_by_seed")]))


def _forgotten(report: Row) -> str:
    return "\n\n".join(filter(None, [_plain(guard_table(report)), _differences(report, "paired_general"), _scores(report, "general")]))


def _data(report: Row) -> str:
    data = report["data"]
    if data is None:
        return ""
    terms = " + ".join(f"{count(data[name])} {name}" for name in COUNTS)
    blocks = [f"{terms} = {count(data['input'])} input (records)."]
    for words, key in (("Rejected by check", "rejected_by_check"), ("Accepted by kind", "accepted_by_kind")):
        if data[key]:
            blocks.append(f"{words}: {', '.join(f'{inline(name, 60)} {count(number)}' for name, number in data[key].items())}.")
    blocks += filter(None, [_plain(dropped_table(data))])
    gold = gold_sentence(report)
    blocks += [inline(gold, 1200)] if gold is not None else []
    rejected = [_rejected(row) for row in (data.get("rejected_examples") or [])[:MAX_ANSWERS]]
    return _with_origin(report, "data", *blocks, *(["\n".join(rejected)] if rejected else []))


def _rejected(row: Row) -> str:
    why = f"{inline(row['check'], 60)} ({inline(brief(row.get('evidence')))})"
    return f"- rejected by {why}: {inline(row['question'])} → {inline(row['answer'])}"


def _training(report: Row) -> str:
    rows = [
        [
            _arm(arm),
            inline(run.get("seed", "-")),
            count(run.get("num_steps")),
            count(run.get("num_tokens")),
            significant(run.get("learning_rate")),
            *(significant(curve[-1][1]) if curve else "-" for curve in (run["loss_curve"], run["held_out_curve"])),
            significant(run.get("held_out_cross_entropy")),
            duration(run.get("seconds")),
        ]
        for arm, runs in report["training"].items()
        for run in runs
    ]
    losses = ["last loss, nats a token", "last held-out loss", "held-out cross-entropy"]
    columns = ["arm", "seed", "steps", "training tokens", "learning rate", *losses, "time"]
    targets = report["targets"]
    blocks = [_with_origin(report, "training", _table(columns, rows))] if rows else []
    blocks += filter(
        None,
        [_plain(held_out_table(report)), _plain(grid_table(report)), _plain(variants_table(report)), _plain(own_answers_table(report))],
    )
    return "\n\n".join([*blocks, *([f"Teacher targets: {inline(brief(targets))}."] if targets else [])])


def _export(report: Row) -> str:
    rows = [
        [
            inline(name, 40),
            size(file.get("bytes")),
            decimal(file.get("tokens_per_s")),
            significant(file.get("kl")),
            percent(file.get("top1")),
            count(file.get("num_positions")),
        ]
        for name, file in report["export"].items()
    ]
    columns = ["format", "size", "tokens/s", "KL, nats a token", "same top token", "n, positions"]
    return _with_origin(report, "export", _table(columns, rows)) if rows else ""


def _answers(report: Row) -> str:
    lines: list[str] = []
    for item in report["examples"][:MAX_ANSWERS]:
        lines.append(f"- **{inline(item['question'])}** ({inline(item['id'], 60)})")
        for arm, answer in item["answers"].items():
            mark = {True: "✓ right", False: "✗ wrong"}.get(answer.get("right"), "not judged")
            lines.append(f"  - {_arm(arm)}, {mark}: {inline(answer['text']) or '(no text)'}")
    return "\n".join(lines)


def _cost(report: Row) -> str:
    cost = report["cost"]
    if not cost:
        return ""
    if "reason" in cost:
        return inline(cost_words(cost), 400)
    rows = [[inline(row[0], 60), *row[1:]] for row in cost_rows(cost)]
    return f"{_table(COST_COLUMNS, rows)}\n\n{inline(cost_words(cost), 1200)}"


def _steps(report: Row) -> str:
    rows = [
        [
            inline(step["name"], 60),
            duration(step.get("seconds")),
            "unknown" if step.get("reused") is None else "reused" if step["reused"] else "computed",
            inline(brief(step["summary"])),
            inline(str(step.get("key") or "-")[:8]),
        ]
        for step in report["steps"]
    ]
    return _table(["step", "time", "work", "what it says", "key"], rows) if rows else ""


def _provenance(report: Row) -> str:
    lines = [f"- {title}: {inline(brief(report[title]), 600)}" for title in ("teacher", "student", "machine", "versions") if report[title]]
    for document in report["documents"]:
        known = {key: value for key, value in document.items() if key != "name"}
        lines.append(f"- document {inline(document['name'], 120)}: {inline(brief(known))}")
    if report["thinking"]:
        lines.append(f"- think mode: {thinking_words(report['thinking'])}")
    if report["licenses"]:
        lines.append(f"- licences: {inline(report['licenses']['statement'], 2_000)}")
    return "\n".join(lines)


_SECTIONS: list[tuple[str, Callable[[Row], str]]] = [
    ("Verdict", _verdict),
    ("Scores", _scores),
    ("Paired differences", _all_differences),
    ("What was forgotten", _forgotten),
    ("Answers side by side", _answers),
    ("Data", _data),
    ("Training", _training),
    ("Size and export parity", _export),
    ("Cost", _cost),
    ("Steps", _steps),
    ("Provenance", _provenance),
]
