"""The page's sections about how it came about: records, training, steps, provenance."""

import json
from typing import Any

from seodang.pipeline.report.arm_tables import gold_sentence, grid_table, own_answers_table, variants_table
from seodang.pipeline.report.blocks import arm_name, facts, note, plain_table, quoted, section, table
from seodang.pipeline.report.build import COUNTS
from seodang.pipeline.report.curves import loss_figure
from seodang.pipeline.report.dropped_table import dropped_table
from seodang.pipeline.report.figures import bar_figure
from seodang.pipeline.report.held_out_table import held_out_table
from seodang.pipeline.report.markup import Safe, element, joined, own, visible
from seodang.pipeline.report.wording import brief, count, duration, percent, significant, size, thinking_words

Row = dict[str, Any]

_RUN_COLUMNS = (
    "arm", "seed", "steps", "training tokens", "learning rate", "last loss", "last held-out loss", "held-out cross-entropy", "time"
)  # fmt: skip
MAX_RECORDS = 6  # accepted and rejected records shown, each


def data_section(report: Row) -> Safe:
    """What became of every record, and why."""
    data = report["data"]
    if data is None:
        return section(report, "data", "Data")
    children: list[Safe | None] = [_conservation(data)]
    if data["accepted_by_kind"]:
        kinds = ", ".join(f"{visible(kind, 40)} {count(number)}" for kind, number in data["accepted_by_kind"].items())
        children.append(element("p", own(f"Accepted by kind: {kinds}.")))
    if data["rejected_by_check"]:
        children += [
            element("h3", "Rejections by check"),
            bar_figure("checks-figure", "Rejected records by check", data["rejected_by_check"], "records", own(_how_counted(data))),
        ]
    children.append(plain_table(dropped_table(data)))
    children.append(note(report, "Counts are records: one question with its answer.", "data"))
    gold = gold_sentence(report)
    if gold is not None:
        children += [
            element("h3", "Gold answers"),
            element("p", quoted(gold)),
            note(report, "For the arm that learns from people.", "gold"),
        ]
    children += [_records("Accepted, for example", data.get("examples")), _records("Rejected, for example", data.get("rejected_examples"))]
    return section(report, "data", "Data", *children)


def _conservation(data: Row) -> Safe:
    """accepted + rejected + quarantined + failed = input, with the word whether it holds."""
    parts: list[Safe] = []
    for index, name in enumerate((*COUNTS, "input")):
        sign = "" if index == 0 else "=" if name == "input" else "+"
        parts.append(element("span", sign, class_="operator") if sign else joined())
        value = "unknown" if data[name] is None else count(data[name])
        parts.append(element("span", element("strong", value), element("span", name, class_="small"), class_="term"))
    known = None not in [data[name] for name in (*COUNTS, "input")]
    return element(
        "p", *parts, element("span", "✓ adds up" if known else "· not checked: a count is missing", class_="sum"), class_="conservation"
    )


def _how_counted(data: Row) -> str:
    total, rejected = sum(data["rejected_by_check"].values()), data["rejected"]
    if rejected is None:
        return "Records by the check that they failed."
    if total == rejected:
        return f"n = {count(rejected)} rejected records, each under one check."
    return f"n = {count(rejected)} rejected records; {count(total)} failures, because a record can fail several checks."


def _records(title: str, rows: list[Row] | None) -> Safe | None:
    if not rows:
        return None
    cards: list[Safe] = []
    for row in rows[:MAX_RECORDS]:
        check = joined("✗ ", row["check"]) if row.get("check") else joined("✓ ", row.get("kind") or "accepted")
        evidence = element("p", "Evidence: ", quoted(brief(row["evidence"])), class_="small") if row.get("evidence") else None
        cards.append(
            element(
                "article",
                element("p", element("span", check, class_="wrong" if row.get("check") else "right"), class_="small"),
                element("h4", quoted(row["question"])),
                element("p", quoted(row["answer"])),
                evidence,
                class_="card",
            )
        )
    shown = f"{title} ({len(cards)} of {len(rows)})" if len(rows) > len(cards) else title
    return joined(element("h3", shown), element("div", *cards, class_="cards"))


def training_section(report: Row) -> Safe:
    """Loss curves, training runs and the teacher's targets."""
    training, targets = report["training"], report["targets"]
    if not training and not targets:
        return section(report, "training", "Training")
    children: list[Safe | None] = []
    if any(run["loss_curve"] for runs in training.values() for run in runs):
        words = "Each arm has its own loss, so heights are not to be compared between arms."
        children.append(loss_figure("loss-figure", "Loss over optimizer steps", training, words))
    if training:
        children += [
            _training_table(training),
            plain_table(held_out_table(report)),
            plain_table(grid_table(report)),
            plain_table(variants_table(report)),
            plain_table(own_answers_table(report)),
        ]
    children.append(
        note(
            report,
            "Losses are in nats a token; held-out cross-entropy is the kept student's. A long curve is drawn as means of neighbours.",
            "training",
        )
    )
    if targets:
        children += [
            element("h3", "Teacher targets"),
            _targets(targets),
            note(report, "What the student was shown of the teacher's distribution.", "targets"),
        ]
    return section(report, "training", "Training", *children)


def _training_table(training: dict[str, list[Row]]) -> Safe:
    rows: list[list[str]] = []
    for arm, runs in training.items():
        for run in runs:
            ends = [significant(curve[-1][1]) if curve else "-" for curve in (run["loss_curve"], run["held_out_curve"])]
            name = arm_name(arm) + (f" ({run['num_not_finite']} losses not finite)" if run["num_not_finite"] else "")
            numbers = [
                str(run.get("seed", "-")),
                count(run.get("num_steps")),
                count(run.get("num_tokens")),
                significant(run.get("learning_rate")),
                *ends,
                significant(run.get("held_out_cross_entropy")),
                duration(run.get("seconds")),
            ]
            rows.append([name, *(own(visible(number, 40)) for number in numbers)])
    return table("Training runs", _RUN_COLUMNS, rows)


_FIDELITY = (
    ("KL(full || stored), nats", "kl"),
    ("gradient cosine", "gradient_cosine"),
    ("largest difference, nats", "largest_difference"),
)


def _targets(targets: Row) -> Safe:
    reused, certificate = targets.get("reused"), targets.get("certificate") or {}
    sizes = [(name, targets.get(key)) for name, key in (("top-k kept a token", "top_k"), ("bytes a token", "bytes_per_token"))]
    fidelity = [(name, certificate.get(key)) for name, key in _FIDELITY]
    tail = targets.get("mean_tail_mass")
    return facts(
        [
            ("sequences", own(count(targets.get("num_sequences")))),
            ("answer tokens", own(count(targets.get("num_tokens")))),
            ("size on disk", own(size(targets.get("bytes")))),
            ("kept as", own(visible(str(targets["codec"]), 40)) if "codec" in targets else None),
            *((name, None if value is None else own(significant(value))) for name, value in [*sizes, *fidelity]),
            ("mean mass in the tail", None if tail is None else own(percent(tail))),
            ("reused", None if reused is None else own(brief(reused))),
        ]
    )


def steps_section(report: Row) -> Safe:
    """What each step did, in which time, and whether it was reused."""
    steps = report["steps"]
    if not steps:
        return section(report, "steps", "Steps")
    rows = [
        [
            visible(str(step["name"]), 60),
            own(duration(step.get("seconds"))),
            _reused(step),
            visible(brief(step["summary"]), 300),
            visible(str(step.get("key") or "-")[:8]),
        ]
        for step in steps
    ]
    computed = [step["seconds"] for step in steps if step.get("seconds") is not None and not step.get("reused")]
    took = f"Steps computed in this run took {duration(sum(computed))}."
    took += " The time of a reused step is that of the run which computed it."
    words = f"{took} The key begins a hash over the step's settings and inputs; a step whose key was computed before is reused."
    return section(
        report,
        "steps",
        "Steps",
        table("Steps of the run", ["step", "time", "work", "what it says", "key"], rows, words=(0, 2, 3, 4)),
        note(report, words),
    )


def _reused(step: Row) -> str:
    return "unknown" if step.get("reused") is None else "↺ reused" if step["reused"] else "● computed"


def provenance_section(report: Row) -> Safe:
    """Where everything came from: documents, models, machine, versions, recipe."""
    children: list[Safe | None] = []
    if report["documents"]:
        rows = [
            [
                quoted(str(document["name"])),
                own(count(document.get("num_characters"))),
                own(count(document.get("num_passages"))),
                *(visible(str(document.get(key) or "unknown"), 80) for key in ("language", "license")),
                element("code", document.get("sha256") or "unknown"),
            ]
            for document in report["documents"]
        ]
        columns = ["document", "characters", "passages", "language", "licence", "SHA-256"]
        children += [table("Documents", columns, rows, words=(0, 3, 4, 5)), note(report, "What was taught.", "documents")]
    if report["licenses"]:
        children += [element("h3", "Licences"), element("p", quoted(visible(report["licenses"]["statement"], 2_000)))]
    if report["thinking"]:
        children += [element("h3", "Think mode"), element("p", own(thinking_words(report["thinking"])))]
    for title in ("teacher", "student", "machine", "versions"):
        if report[title]:
            children += [
                element("h3", title.capitalize()),
                facts([(key.replace("_", " "), _value(key, value)) for key, value in report[title].items()]),
            ]
    if report["recipe"]:
        recipe = json.dumps(report["recipe"], indent=2, ensure_ascii=False)
        children.append(element("details", element("summary", "Recipe"), element("pre", visible(recipe, 20_000))))
    return section(report, "provenance", "Provenance", *children)


def _value(key: str, value: Any) -> Safe:
    if key.endswith("_bytes"):
        return own(size(value))
    return own(brief(value)) if isinstance(value, int | float | bool) or value is None else quoted(visible(brief(value), 400))
