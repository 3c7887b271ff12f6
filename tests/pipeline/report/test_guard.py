"""The guard in the report: its outcome, its sentence, and where it stands."""

from typing import Any

import pytest

from seodang.pipeline.report.build import build_report
from seodang.pipeline.report.html import render_html
from seodang.pipeline.report.markdown import render_markdown

Row = dict[str, Any]
OUTCOMES = {"passed": (-0.06, 0.02), "failed": (-0.3, -0.12), "inconclusive": (-0.15, 0.04)}


def changed(run: Row, interval: tuple[float, float], **section: Any) -> Row:
    run["paired_general"][0] |= {"difference": sum(interval) / 2, "interval": list(interval)}
    run["guard"] |= section
    return build_report(run)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_the_outcome_stands_in_the_verdict_near_the_headline_and_in_every_form(run: Row, outcome: str) -> None:
    report = changed(run, OUTCOMES[outcome])
    guard = report["guard"]
    assert (guard["arm"], guard["outcome"], guard["margin"], guard["required"]) == ("distilled", outcome, 0.1, False)
    assert guard["sentence"] in report["verdict"]
    assert guard["sentence"].startswith(f"Regression guard {outcome}: for the distilled student, a loss of more than 10.0 points")
    opening, page = render_html(report).split("<nav", 1)
    assert f'class="guard {outcome}"' in opening
    assert "Regression guard: a loss of more than" in page
    assert guard["sentence"] in render_markdown(report)


def test_every_trained_arm_is_judged_alone(run: Row) -> None:
    rows = {row["arm"]: row["outcome"] for row in changed(run, OUTCOMES["passed"])["guard"]["arms"]}
    assert rows == {"distilled": "passed", "sft": "passed"}
    assert {row["arm"]: row["outcome"] for row in changed(run, OUTCOMES["passed"], margin=0.02)["guard"]["arms"]} == {
        "distilled": "inconclusive",
        "sft": "inconclusive",
    }


def test_a_real_loss_within_the_margin_passes_and_is_said(run: Row) -> None:
    guard = changed(run, (-0.08, -0.01))["guard"]
    assert guard["outcome"] == "passed"
    assert "ruled out, though a smaller loss was shown" in guard["sentence"]


def test_without_a_general_suite_or_the_untaught_student_there_is_no_guard(run: Row) -> None:
    run["paired_general"] = [row for row in run["paired_general"] if row["b"] != "base"]
    assert build_report(run)["guard"] is None
    report = build_report({"name": "x", "synthetic": False})
    assert report["guard"] is None
    assert "guard" not in render_html(report).split("</style>")[1]


def test_only_the_whole_suite_is_judged(run: Row) -> None:
    part = {**run["paired_general"][0], "part": "school", "interval": [-0.5, -0.4]}
    run["paired_general"].insert(0, part)
    assert changed_back(run) == "passed"


def changed_back(run: Row) -> str:
    return build_report(run)["guard"]["outcome"]


def test_the_sentence_has_the_p_of_its_table(run: Row) -> None:
    """Corrected for the pairs on the general suite, as everywhere on the page."""
    run["paired_general"] = [row | {"p": 0.09} for row in run["paired_general"] if row["part"] == "all"]
    report = changed(run, OUTCOMES["inconclusive"])
    told = next(row for row in report["paired_general"] if (row["a"], row["b"]) == ("distilled", "base"))
    assert told["p_holm"] > 0.09
    assert f"p = {told['p_holm']:.3f}" in report["guard"]["sentence"]
