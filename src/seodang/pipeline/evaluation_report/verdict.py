"""The page's opening and what a gate decided, rule by rule."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from seodang.pipeline.evaluation_report.stacked import stacked_table
from seodang.pipeline.report.blocks import facts, lines, note, section
from seodang.pipeline.report.markup import Safe, element, joined, own, visible
from seodang.pipeline.report.wording import count, percent, percent_interval, plural
from seodang.statistics.intervals import mean_interval

Row = dict[str, Any]

SIGNS = {"passed": "✓", "waived": "✓", "failed": "✗", "inconclusive": "?"}
_WORDS = {
    "passed": "The gate is passed.",
    "failed": "The gate is not passed.",
    "inconclusive": "The gate is inconclusive: the answers do not suffice to say yes or no.",
}
SYNTHETIC = "Synthetic: fake or random weights, or made-up items, took part. These numbers say nothing about a real model."
_BEFORE = "The rules were declared before the first item was asked."
_AFTER = "The rules in force were not declared before the student's answers were there."
_CLASSES = {"passed": "better", "failed": "worse", "inconclusive": "not-distinguishable"}


def opening(report: Row) -> Safe:
    """The one result, large enough to be read in five seconds."""
    verdict = report["verdict"]
    outcome = verdict["verdict"] if verdict else None
    sentence = _decided(verdict) if verdict else _found(report)
    return element(
        "header",
        element("p", "seodang evaluation", element("span", visible(about(report), 200), class_="run"), class_="eyebrow"),
        element("p", SYNTHETIC, class_="warning") if report["synthetic"] else None,
        element("h1", sentence),
        _why(verdict) if verdict else None,
        facts([(_with_model(model), lines(*_of_model(report, model["name"]))) for model in report["models"]]),
        class_=_CLASSES[outcome] if outcome else None,
    )


def about(report: Row) -> str:
    """Who is held against whom."""
    first = next(_with_model(model) for model in report["models"] if model["name"] == report["first"])
    others = [_with_model(model) for model in report["models"] if model["name"] != report["first"]]
    return f"{first} against {', '.join(others)}" if others else first


def _with_model(model: Row) -> str:
    """A label, with the name under which the model answered where the label is not made of it."""
    label, name = model["name"], model["model"]
    return label if label == name or label.startswith(f"{name} (") else f"{label} ({name})"


def _decided(verdict: Mapping[str, Any]) -> str:
    held_back = verdict["verdict"] == "inconclusive" and "held_back" in verdict
    return "The gate is inconclusive: it is held back." if held_back else _WORDS[verdict["verdict"]]


def _found(report: Row) -> str:
    """How many differences were shown, of how many tested, all of them being one family for Holm's correction."""
    rows = [row for task in report["tasks"] for row in task["comparisons"]]
    if not rows:
        return f"{plural(len(report['tasks']), 'task')}, {plural(len(report['models']), 'model')}"
    shown = [row for row in rows if row["p_page"] <= 0.05]
    better = sum(row["difference"] > 0 for row in shown)
    told = f"{better} better, {len(shown) - better} worse" if shown else "none is shown to be real"
    corrected = f", corrected for {len(rows):,} differences" if len(rows) > 1 else ""
    return f"{plural(len(rows), 'difference')} tested against {plural(len(report['models']) - 1, 'model')}: {told}{corrected}"


def _of_model(report: Row, name: str) -> tuple[str, str]:
    rows = [score for task in report["tasks"] for score in task["scores"] if score["model"] == name]
    mean = sum(row["score"] for row in rows) / len(rows)
    interval = percent_interval(mean_interval([row["score"] for row in rows], [row["interval"] for row in rows]))
    items, errors = count(sum(row["n"] for row in rows)), plural(sum(row["errors"] for row in rows), "error")
    return percent(mean), f"mean of {plural(len(rows), 'task')}, {interval}; {items} items, {errors}"


def _why(verdict: Mapping[str, Any]) -> Safe:
    """The rule that decides, or all of them, and what holds the gate back."""
    worst = next((row for kind in ("failed", "inconclusive") for row in verdict["rules"] if row["outcome"] == kind), None)
    words = worst["sentence"] if worst else _holding(verdict["rules"])
    if "held_back" in verdict:
        waived = any(row["outcome"] == "waived" for row in verdict["rules"])
        words = (f"{words} " if worst or waived else "") + f"Held back: {visible(verdict['held_back'], 300)}."
    return element("p", own(words), class_=f"guard {verdict['verdict']}")


def _holding(rules: Sequence[Row]) -> str:
    """How many rules hold by themselves, and how many on whose word."""
    words = Counter(row["waived"]["waived_by"] for row in rules if row["outcome"] == "waived")
    if not words:
        return "The rule holds." if len(rules) == 1 else f"All {len(rules):,} rules hold."
    held = len(rules) - words.total()
    waived = ", ".join(f"{number:,} waived by {visible(name, 80)}" for name, number in words.items())
    return f"{plural(held, 'rule')} {'holds' if held == 1 else 'hold'}, {waived}."


def verdict_section(report: Row) -> Safe | None:
    """Every rule with its outcome, estimate and interval."""
    verdict = report["verdict"]
    if verdict is None:
        return None
    rows = [
        [
            joined(element("span", SIGNS[row["outcome"]], class_="sign"), " ", row["outcome"]),
            visible(row["id"], 80),
            own(row["sentence"]),
            own(f"{row['p_corrected']:.3g}"),
        ]
        for row in [*verdict["rules"], *verdict["secondary"]]
    ]
    columns = ["outcome", "rule", "finding", "p, corrected"]
    told = [f"{role}: {words}." for role, words in verdict["error_rates"].items() if any(row["role"] == role for row in _rules(verdict))]
    return section(
        report,
        "verdict",
        "Verdict",
        _declared(verdict),
        stacked_table("Rules, those of primary tasks first", columns, [(None, rows)], words=(0, 1, 2)),
        note(report, " ".join(told)),
    )


def _rules(verdict: Mapping[str, Any]) -> list[Row]:
    return [*verdict["rules"], *verdict["secondary"]]


def _declared(verdict: Mapping[str, Any]) -> Safe:
    """Whether the rules stood before the first answer, what was changed since, and what was waived on whose word."""
    said = [_BEFORE if verdict["declared_before"] else _AFTER]
    said += [f"Changed: {visible(str(change), 300)}." for change in verdict["changes"]]
    said += [f"Declared anew at {one['at']}: {visible(one['reason'], 300)}." for one in verdict["redeclared"]]
    said += [f"Waived by {visible(one['waived_by'], 80)}: {visible(one['reason'], 300)}." for one in verdict.get("waivers", ())]
    said += [f"Held back: {visible(verdict['held_back'], 300)}."] if "held_back" in verdict else []
    unread = verdict.get("could_not_be_read", ())
    said += [f"Could not be read, and may hold the student's answers: {visible(place, 300)}." for place in unread]
    return element("ul", *(element("li", own(words)) for words in said), class_="verdict")
