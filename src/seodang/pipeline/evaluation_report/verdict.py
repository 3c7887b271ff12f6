"""The page's opening and what a gate decided, rule by rule."""

from collections.abc import Mapping
from typing import Any

from seodang.pipeline.report.blocks import facts, lines, note, section, table
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
_SYNTHETIC = "Synthetic: fake or random weights, or made-up items, took part. These numbers say nothing about a real model."
_BEFORE = "The rules were declared before the first item was asked."
_AFTER = "The rules in force were not declared before the student's answers were there."
_CLASSES = {"passed": "better", "failed": "worse", "inconclusive": "not-distinguishable"}


def opening(report: Row) -> Safe:
    """The one result, large enough to be read in five seconds."""
    verdict = report["verdict"]
    others = [model["name"] for model in report["models"] if model["name"] != report["first"]]
    about = f"{report['first']} against {', '.join(others)}" if others else report["first"]
    outcome = verdict["verdict"] if verdict else None
    sentence = _WORDS[outcome] if outcome else _found(report, others)
    return element(
        "header",
        element("p", "seodang evaluation", element("span", visible(about, 200), class_="run"), class_="eyebrow"),
        element(
            "p",
            "Synthetic: fake or random weights, or made-up items, took part. These numbers say nothing about a real model.",
            class_="warning",
        )
        if report["synthetic"]
        else None,
        element("h1", sentence),
        _why(verdict) if verdict else None,
        facts([(model["name"], lines(*_of_model(report, model["name"]))) for model in report["models"]]),
        class_=_CLASSES[outcome] if outcome else None,
    )


def _found(report: Row, others: list[str]) -> str:
    """How many differences were shown, of how many tested."""
    rows = [row for task in report["tasks"] for row in task["comparisons"]]
    if not rows:
        return f"{plural(len(report['tasks']), 'task')}, {plural(len(report['models']), 'model')}"
    shown = [row for row in rows if row["p_holm"] <= 0.05]
    better = sum(row["difference"] > 0 for row in shown)
    told = f"{better} better, {len(shown) - better} worse" if shown else "none is shown to be real"
    return f"{plural(len(rows), 'difference')} tested against {plural(len(others), 'model')}: {told}"


def _of_model(report: Row, name: str) -> tuple[str, str]:
    rows = [score for task in report["tasks"] for score in task["scores"] if score["model"] == name]
    mean = sum(row["score"] for row in rows) / len(rows)
    interval = percent_interval(mean_interval([row["score"] for row in rows], [row["interval"] for row in rows]))
    items, errors = count(sum(row["n"] for row in rows)), plural(sum(row["errors"] for row in rows), "error")
    return percent(mean), f"mean of {plural(len(rows), 'task')}, {interval}; {items} items, {errors}"


def _why(verdict: Mapping[str, Any]) -> Safe:
    """The rule that decides, or all of them."""
    worst = next((row for kind in ("failed", "inconclusive") for row in verdict["rules"] if row["outcome"] == kind), None)
    words = worst["sentence"] if worst else f"All {plural(len(verdict['rules']), 'rule')} hold."
    return element("p", own(words), class_=f"guard {verdict['verdict']}")


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
    told = [f"{role}: {words}." for role, words in verdict["error_rates"].items() if any(row["role"] == role for row in _rules(verdict))]
    return section(
        report,
        "verdict",
        "Verdict",
        _declared(verdict),
        table("Rules, those of primary tasks first", ["outcome", "rule", "finding", "p, corrected"], rows, words=(0, 1, 2)),
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
    return element("ul", *(element("li", own(words)) for words in said), class_="verdict")
