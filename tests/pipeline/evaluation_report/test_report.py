"""The report of evaluations: every number on the page, both sides of every difference, and nothing that a model wrote obeyed."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from seodang.core.errors import InputError
from seodang.evaluation.adapters.keep import keep_evaluation
from seodang.evaluation.result import Evaluation, Result
from seodang.evaluation.task import Item
from seodang.pipeline.evaluation_report.build import MAX_DIFFERING, build_report
from seodang.pipeline.evaluation_report.naming import name_evaluations
from seodang.pipeline.evaluation_report.page import render_page
from seodang.pipeline.evaluation_report.text import render_text
from seodang.pipeline.report_evaluations import write_report

NASTY = '</details><script>alert(1)</script> & "quoted" \u202e'


def evaluation(
    folder: Path, model: str, right: Sequence[bool], *, task: str = "sums", errors: Sequence[int] = (), say: str = "", per_group: int = 1
) -> Evaluation:
    groups = [f"g{place // per_group}" if per_group > 1 else "" for place in range(len(right))]
    items = [
        Item(f"{task}-{place:03}", "odd" if place % 2 else "even", f"Question {place}? {NASTY}", group=group)
        for place, group in enumerate(groups)
    ]
    results = [
        Result(
            item.id,
            0,
            "error" if place in errors else "judged",
            0.0 if place in errors else float(good),
            f"{model} says {place} {say}",
            ({"role": "user", "content": item.question}, {"role": "assistant", "content": f"{model} says {place} {say}"}),
            {"accepted": [NASTY]},
            error="too long" if place in errors else "",
            num_new_tokens=7,
        )
        for place, (item, good) in enumerate(zip(items, right, strict=True))
    ]
    told = {"model": model, "identity": {"name": model}, "task": task, "task_version": 1, "family": "mathematics", "chance": 0.25}
    return keep_evaluation(folder / f"{model}-{task}", items, results, told)


@pytest.fixture
def three(tmp_path: Path) -> list[Evaluation]:
    return [
        evaluation(tmp_path, "student", [place % 5 > 0 for place in range(80)], say=NASTY),
        evaluation(tmp_path, "base", [place % 2 > 0 for place in range(80)], errors=(3, 4)),
        evaluation(tmp_path, "teacher", [True] * 80),
        evaluation(tmp_path, "student", [True] * 40, task="products"),
        evaluation(tmp_path, "base", [True] * 40, task="products"),
    ]


def text_of(page: str) -> str:
    tree = ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))
    return re.sub(r"\s+", " ", " ".join(tree.itertext())).replace("\u00a0", " ")


def test_the_page_is_well_formed_needs_nothing_else_and_obeys_nobody(three: list[Evaluation]):
    page = render_page(build_report(name_evaluations(three)))
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?!#)', page)
    assert "⟨U+202E⟩" in text_of(page)


def test_every_score_difference_and_interval_stands_on_the_page_and_in_the_text(three: list[Evaluation]):
    report = build_report(name_evaluations(three))
    shown, written = text_of(render_page(report)), render_text(report)
    for task in report["tasks"]:
        for score in task["scores"]:
            low, high = score["interval"]
            for words in (f"{100 * score['score']:.1f} %", f"{100 * low:.1f} to {100 * high:.1f}"):
                assert words in shown
                assert words in written
        for row in task["comparisons"]:
            assert f"{100 * row['difference']:+.1f}".replace("-", "−") in shown or f"{100 * row['difference']:+.1f}" in shown
            assert f"{100 * row['difference']:+.1f}" in written
    assert "2 errors" in shown


def test_items_that_differ_show_both_sides_and_gains_do_not_hide_losses(tmp_path: Path):
    ours = evaluation(tmp_path, "a", [place < 70 for place in range(100)])
    theirs = evaluation(tmp_path, "b", [(place >= 5 and place < 10) or place >= 70 for place in range(100)])
    (row,) = build_report(name_evaluations([ours, theirs]))["tasks"][0]["differing"]
    assert row["count"] == 95
    assert len(row["shown"]) == MAX_DIFFERING
    gaps = [item["gap"] for item in row["shown"]]
    assert (gaps.count(1.0), gaps.count(-1.0)) == (MAX_DIFFERING // 2, MAX_DIFFERING // 2)
    item = row["shown"][0]
    assert [side["answer"].split()[0] for side in item["sides"]] == ["a", "b"]
    page = text_of(render_page(build_report(name_evaluations([ours, theirs]))))
    assert "a says 0" in page
    assert "b says 0" in page


def test_few_losses_leave_their_room_to_gains(tmp_path: Path):
    ours = evaluation(tmp_path, "a", [place != 0 for place in range(60)])
    theirs = evaluation(tmp_path, "b", [place == 0 for place in range(60)])
    (row,) = build_report(name_evaluations([ours, theirs]))["tasks"][0]["differing"]
    gaps = [item["gap"] for item in row["shown"]]
    assert (len(gaps), gaps.count(-1.0)) == (MAX_DIFFERING, 1)


def test_equal_evaluations_give_equal_bytes_and_the_json_is_what_the_page_is_made_of(three: list[Evaluation], tmp_path: Path):
    write_report(name_evaluations(three), tmp_path / "one")
    write_report(name_evaluations(three), tmp_path / "two")
    for name in ("report.html", "report.md", "report.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    read: dict[str, Any] = json.loads((tmp_path / "one" / "report.json").read_text(encoding="utf-8"))
    assert render_page(read) == (tmp_path / "one" / "report.html").read_text(encoding="utf-8")


def test_what_is_synthetic_says_so_everywhere(three: list[Evaluation]):
    report = build_report(name_evaluations(three)) | {"synthetic": True}
    assert text_of(render_page(report)).count("synthetic") >= len(("scores", "differences", "parts", "cost", "items"))
    assert "**Synthetic**" in render_text(report)


def test_the_first_model_can_be_named_and_must_exist(three: list[Evaluation]):
    assert build_report(name_evaluations(three), first="base")["first"] == "base"
    with pytest.raises(InputError, match="no evaluation of `nobody`"):
        build_report(name_evaluations(three), first="nobody")


def test_the_text_holds_no_tag_of_a_model(tmp_path: Path):
    one = evaluation(tmp_path, "a", [True] * 4, task="<img src=x>&y")
    written = render_text(build_report(name_evaluations([one])))
    assert "<img" not in written
    assert "&lt;img src=x&gt;&amp;y" in written


def test_items_that_differ_most_come_first(tmp_path: Path):
    ours, theirs = evaluation(tmp_path, "a", [True, True, True]), evaluation(tmp_path, "b", [True, True, False])
    half = {**theirs.results, "sums-001": (replace(theirs.results["sums-001"][0], score=0.5),)}
    (row,) = build_report(name_evaluations([ours, replace(theirs, results=half)]))["tasks"][0]["differing"]
    assert [(item["id"], item["gap"]) for item in row["shown"]] == [("sums-002", 1.0), ("sums-001", 0.5)]


def test_evaluations_of_different_limits_are_compared_on_what_both_have_and_it_is_told(tmp_path: Path):
    ours = evaluation(tmp_path, "a", [place % 4 > 0 for place in range(40)])
    theirs = evaluation(tmp_path, "b", [place % 2 > 0 for place in range(30)])
    report = build_report(name_evaluations([ours, theirs]))
    kept = report["retention"]["b"]["mathematics"]
    assert (kept["n"], kept["left_out"]) == (30, {"student": 10, "teacher": 0})
    assert kept["ratio"] == pytest.approx((30 - 8) / 15)
    assert text_of(render_page(report)).count("left out: 10 items of a, 0 of b") == len(("differences", "retention"))
    assert "left out: 10 items of a, 0 of b" in render_text(report)
    assert "| 30 | 10 and 0 |" in render_text(report)


def test_models_without_a_common_item_stand_beside_each_other_and_are_not_compared(tmp_path: Path):
    ours, theirs = evaluation(tmp_path, "a", [True] * 5), evaluation(tmp_path, "b", [True] * 5)
    items = tuple(replace(item, id=f"other-{item.id}") for item in theirs.items)
    other = replace(theirs, items=items, results={f"other-{name}": results for name, results in theirs.results.items()})
    report = build_report(name_evaluations([ours, other]))
    assert report["tasks"][0]["comparisons"] == []
    assert report["retention"] == {"b": {}}
    assert "no item in common" in text_of(render_page(report))
    assert "no item in common" in render_text(report)


def test_the_headline_is_corrected_for_every_difference_of_the_page(tmp_path: Path):
    tasks = [f"task{number}" for number in range(10)]
    close = [evaluation(tmp_path, name, [place >= end for place in range(40)], task=tasks[0]) for name, end in (("a", 0), ("b", 6))]
    same = [evaluation(tmp_path, name, [True] * 40, task=task) for name in "ab" for task in tasks[1:]]
    report = build_report(name_evaluations([*close, *same]))
    (row,) = report["tasks"][0]["comparisons"]
    assert row["p_holm"] <= 0.05 < 10 * row["p"]
    assert "10 differences tested against 1 model: none is shown to be real, corrected for 10 differences" in text_of(render_page(report))
    alone = text_of(render_page(build_report(name_evaluations(close))))
    assert "1 difference tested against 1 model: 1 better, 0 worse" in alone
    assert "corrected for 1" not in alone


def test_only_differences_that_hold_for_the_page_are_marked_better_or_worse(tmp_path: Path):
    tasks = [f"task{number}" for number in range(10)]
    ends = [(0, 6), (0, 30), (30, 0)]  # the first is shown on its task alone, the second and third for the page
    close = [
        evaluation(tmp_path, name, [place >= end for place in range(40)], task=task)
        for task, both in zip(tasks, ends, strict=False)
        for name, end in zip("ab", both, strict=True)
    ]
    same = [evaluation(tmp_path, name, [True] * 40, task=task) for name in "ab" for task in tasks[3:]]
    report = build_report(name_evaluations([*close, *same]))
    page, written = render_page(report), render_text(report)
    readings = [row.split(" | ")[-1].removesuffix(" |") for row in written.splitlines() if row.startswith("| task") and "| b |" in row]
    assert readings[-10:] == ["better on this task alone", "better", "worse", *["not distinguishable"] * 7]
    assert "1 better, 1 worse, corrected for 10 differences" in text_of(page)
    assert [page.count(f'class="difference {name}"') for name in ("better", "worse", "not-distinguishable")] == [1, 1, 8]
    assert page.count(">better</span>") == page.count(">worse</span>") == 1
    assert "of the page: p = 0.250" in text_of(page)


def test_the_number_of_clusters_stands_beside_that_of_items(tmp_path: Path):
    answers = [evaluation(tmp_path, name, [place % 5 > end for place in range(60)], per_group=5) for name, end in (("a", 0), ("b", 2))]
    report = build_report(name_evaluations(answers))
    shown = text_of(render_page(report))
    assert "n (clusters); better / worse / equal" in shown
    assert "60 (12) 24 / 0 / 36" in shown
    assert shown.count("n = 60 (12)") == len(("a", "b", "retention"))
    assert shown.count("n = 30 (12)") == len(("odd", "even")) * len(("a", "b"))
    assert render_text(report).count("| 60 (12) |") == len(("a", "b", "difference", "retention"))
    alone = text_of(render_page(build_report(name_evaluations([evaluation(tmp_path / "alone", "a", [True, False] * 9)]))))
    assert "n = 18 " in alone
    assert "n = 18 (" not in alone


def test_scores_that_nothing_is_held_against_are_listed(tmp_path: Path):
    both = [evaluation(tmp_path, name, [True] * 9) for name in "ab"]
    alone = [evaluation(tmp_path, "a", [True] * 9, task="ours"), evaluation(tmp_path, "b", [True] * 9, task="theirs")]
    report = build_report(name_evaluations([*both, *alone]))
    shown, written = text_of(render_page(report)), render_text(report)
    assert "no other model was asked" in shown
    assert "a was not asked" in shown
    assert "- ours, a: no other model was asked" in written
    assert "- theirs, b: a was not asked" in written
    single = build_report(name_evaluations([both[0]]))
    assert "nothing is held against" not in render_text(single)
    assert "no other model" not in text_of(render_page(single))


def test_what_was_asked_otherwise_stands_beside_its_difference(tmp_path: Path):
    ours, theirs = evaluation(tmp_path, "a", [True] * 9), evaluation(tmp_path, "b", [False] * 9)
    told = {**theirs.manifest["summary"], "temperature": 0.7, "thinking": "on"}
    report = build_report(name_evaluations([ours, replace(theirs, manifest={**theirs.manifest, "summary": told})]))
    for shown in (text_of(render_page(report)), render_text(report)):
        assert "asked otherwise: thinking: none and on, temperature: none and 0.7" in shown
    assert "think on" in text_of(render_page(report))


def rule(name: str, outcome: str, waived_by: str | None = None) -> dict[str, Any]:
    word = {"waived": {"waived_by": waived_by, "reason": "few items", "at": "now"}} if waived_by else {}
    return {"id": name, "role": "primary", "outcome": outcome, "sentence": f"{name} is {outcome}", "p_corrected": 0.01, **word}


def decided(three: list[Evaluation], outcome: str, *rules: dict[str, Any], **told: Any) -> dict[str, Any]:
    """The report of a gate with these rules."""
    declared = {"declared_before": True, "changes": [], "redeclared": [], "error_rates": {}}
    verdict = {"gate": "g", "verdict": outcome, "rules": list(rules), "secondary": [], **declared, **told}
    return build_report(name_evaluations(three), verdict=verdict)


def opening_of(report: dict[str, Any]) -> str:
    return text_of(render_page(report)).partition("student against")[2].partition("The rules were declared")[0]


def test_a_gate_that_is_held_back_says_so_first_and_claims_nothing_else(three: list[Evaluation]):
    told = {"held_back": "every rule holds, but answers were there", "waivers": [{"waived_by": "Kim", "reason": "none was needed"}]}
    report = decided(three, "inconclusive", rule("a", "passed"), rule("b", "passed"), **told)
    shown = opening_of(report)
    assert "The gate is inconclusive: it is held back. Held back: every rule holds, but answers were there." in shown
    assert "do not suffice" not in shown
    assert "2 rules" not in shown
    assert "Held back: every rule holds, but answers were there" in render_text(report)


def test_a_gate_with_waivers_says_how_many_rules_hold_and_who_waived_the_others(three: list[Evaluation]):
    waivers = [{"waived_by": name, "reason": "few items", "at": "now", "rules": []} for name in ("Kim", "Lee")]
    rules = [rule("a", "passed"), rule("b", "waived", "Kim"), rule("c", "waived", "Kim"), rule("d", "waived", "Lee")]
    report = decided(three, "passed", *rules, waivers=waivers)
    assert "1 rule holds, 2 waived by Kim, 1 waived by Lee." in opening_of(report)
    assert "Waived by Kim: few items" in render_text(report)
    held_back = decided(three, "inconclusive", *rules[:2], waivers=waivers[:1], held_back="it was changed")
    assert "1 rule holds, 1 waived by Kim. Held back: it was changed." in opening_of(held_back)
    assert "All 2 rules hold." in opening_of(decided(three, "passed", rule("a", "passed"), rule("b", "passed")))


def test_a_label_that_is_not_the_models_name_stands_with_it(tmp_path: Path):
    answers = {("exam", arm): evaluation(tmp_path / arm, "qwen", [arm == "student"] * 9) for arm in ("student", "base")}
    report = build_report(answers, first="student")
    assert [score["model"] for score in report["tasks"][0]["scores"]] == ["student", "base"]
    assert "student (qwen) against base (qwen)" in text_of(render_page(report))
    assert render_text(report).startswith("# Evaluation: student (qwen) against base (qwen)")


def test_figures_call_models_as_the_tables_do(tmp_path: Path):
    answers = {("exam", arm): evaluation(tmp_path / arm, arm, [True] * 20 + [False] * 20) for arm in ("distilled", "base")}
    page = render_page(build_report(answers))
    assert "base 50.0 %" in page
    assert "undistilled" not in page


def confident(folder: Path, model: str) -> Evaluation:
    """An evaluation with a confidence of each answer."""
    found = evaluation(folder, model, [place % 3 > 0 for place in range(40)])
    results = {name: tuple(replace(one, confidence=int(name[-3:]) / 40) for one in rows) for name, rows in found.results.items()}
    return replace(found, results=results)


def drawings(page: str, name: str) -> list[ElementTree.Element]:
    """The wide and the narrow drawing of a figure."""
    tree = ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))
    return [one for one in tree.iter("svg") if one.get("aria-labelledby", "").startswith(f"{name}-")]


def test_the_curves_of_no_two_models_look_alike(tmp_path: Path):
    models = [f"m{place}" for place in range(6)]
    page = render_page(build_report(name_evaluations([confident(tmp_path, model) for model in models])))
    for name in ("reliability-0", "risk-0"):
        for drawing in drawings(page, name):
            curves = [group for group in drawing.iter("g") if str(group.get("class")).startswith("series-")]
            assert len({group.get("class") for group in curves}) == len(models)
            assert len({group[0].get("class") for group in curves}) == 4
            assert len({(group[-1].tag, group[-1].get("class"), len(group[-1].attrib)) for group in curves}) == len(models)
    assert "m0 n 40 calibration error" in text_of(page)


def test_the_first_model_has_the_same_colour_in_every_figure(tmp_path: Path):
    report = build_report(name_evaluations([confident(tmp_path, model) for model in "abc"]), first="c")
    for name, order in (("scores", (0, 1, 2)), ("reliability-0", (1, 2, 0)), ("risk-0", (1, 2, 0))):
        for drawing in drawings(render_page(report), name):
            assert [group.get("class") for group in drawing.iter("g")] == [f"series-{place}" for place in order]


@pytest.mark.parametrize("num_tasks", [1, 2, 4, 7])
def test_every_task_is_drawn_as_wide_as_the_others(tmp_path: Path, num_tasks: int):
    found = [evaluation(tmp_path, name, [True, False] * 9, task=f"t{place}") for place in range(num_tasks) for name in "ab"]
    for drawing in drawings(render_page(build_report(name_evaluations(found))), "scores"):
        ends = {word: [float(one.get("x", 0)) for one in drawing.iter("text") if one.text == word] for word in ("0", "100 %")}
        assert len(ends["0"]) == num_tasks
        assert len({round(last - first) for first, last in zip(ends["0"], ends["100 %"], strict=True)}) == 1


def test_a_score_stands_beside_its_own_model_where_another_was_not_asked(tmp_path: Path):
    found = [evaluation(tmp_path, name, [True] * 8) for name in ("early", "late")]
    found.append(evaluation(tmp_path, "late", [True, False] * 4, task="products"))
    for drawing in drawings(render_page(build_report(name_evaluations(found))), "scores"):
        heights = {(one.text, one.get("y")) for one in drawing.iter("text")}
        (score,) = [y for words, y in heights if words == "50.0"]
        assert ("late", score) in heights
        assert ("early", score) not in heights


def test_on_a_narrow_page_every_cell_tells_its_column(three: list[Evaluation]):
    report = decided(three, "passed", rule("a", "passed"))
    tree = ElementTree.fromstring(render_page(report).removeprefix("<!DOCTYPE html>\n"))
    tables = list(tree.iter("table"))
    assert len(tables) == len(("verdict", "scores", "differences", "retention", "parts", "cost"))
    for table in tables:
        columns = [column.text or "" for column in table.iter("th") if column.get("scope") == "col"]
        for row in table.iter("tr"):
            for column, cell in zip(columns[1:], row.findall("td"), strict=False):
                told = [span.text for span in cell.iter("span") if span.get("class") == "label"]
                assert told == ([column] if column else [])
