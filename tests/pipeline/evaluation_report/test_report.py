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
from seodang.pipeline.evaluation_report.page import render_page
from seodang.pipeline.evaluation_report.text import render_text
from seodang.pipeline.report_evaluations import write_report

NASTY = '</details><script>alert(1)</script> & "quoted" \u202e'


def evaluation(
    folder: Path, model: str, right: Sequence[bool], *, task: str = "sums", errors: Sequence[int] = (), say: str = ""
) -> Evaluation:
    items = [Item(f"{task}-{place:03}", "odd" if place % 2 else "even", f"Question {place}? {NASTY}") for place in range(len(right))]
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
    page = render_page(build_report(three))
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?!#)', page)
    assert "⟨U+202E⟩" in text_of(page)


def test_every_score_difference_and_interval_stands_on_the_page_and_in_the_text(three: list[Evaluation]):
    report = build_report(three)
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
    (row,) = build_report([ours, theirs])["tasks"][0]["differing"]
    assert row["count"] == 95
    assert len(row["shown"]) == MAX_DIFFERING
    gaps = [item["gap"] for item in row["shown"]]
    assert (gaps.count(1.0), gaps.count(-1.0)) == (MAX_DIFFERING // 2, MAX_DIFFERING // 2)
    item = row["shown"][0]
    assert [side["answer"].split()[0] for side in item["sides"]] == ["a", "b"]
    page = text_of(render_page(build_report([ours, theirs])))
    assert "a says 0" in page
    assert "b says 0" in page


def test_few_losses_leave_their_room_to_gains(tmp_path: Path):
    ours = evaluation(tmp_path, "a", [place != 0 for place in range(60)])
    theirs = evaluation(tmp_path, "b", [place == 0 for place in range(60)])
    (row,) = build_report([ours, theirs])["tasks"][0]["differing"]
    gaps = [item["gap"] for item in row["shown"]]
    assert (len(gaps), gaps.count(-1.0)) == (MAX_DIFFERING, 1)


def test_equal_evaluations_give_equal_bytes_and_the_json_is_what_the_page_is_made_of(three: list[Evaluation], tmp_path: Path):
    write_report(three, tmp_path / "one")
    write_report(three, tmp_path / "two")
    for name in ("report.html", "report.md", "report.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    read: dict[str, Any] = json.loads((tmp_path / "one" / "report.json").read_text(encoding="utf-8"))
    assert render_page(read) == (tmp_path / "one" / "report.html").read_text(encoding="utf-8")


def test_what_is_synthetic_says_so_everywhere(three: list[Evaluation]):
    report = build_report(three) | {"synthetic": True}
    assert text_of(render_page(report)).count("synthetic") >= len(("scores", "differences", "parts", "cost", "items"))
    assert "**Synthetic**" in render_text(report)


def test_the_first_model_can_be_named_and_must_exist(three: list[Evaluation]):
    assert build_report(three, first="base")["first"] == "base"
    with pytest.raises(InputError, match="no evaluation of `nobody`"):
        build_report(three, first="nobody")


def test_two_evaluations_of_one_model_and_task_are_refused(three: list[Evaluation], tmp_path: Path):
    again = evaluation(tmp_path / "again", "student", [True] * 80)
    with pytest.raises(InputError, match="two evaluations"):
        build_report([*three, again])


def test_a_task_is_named_with_options_only_where_these_tell_two_apart(three: list[Evaluation], tmp_path: Path):
    assert [task["name"] for task in build_report(three)["tasks"]] == ["sums", "products"]
    other = evaluation(tmp_path / "other", "student", [True] * 8)
    told = {**three[0].manifest["summary"], "options": {"level": "hard", "limit": 8}}
    hard = Evaluation(other.folder, {**other.manifest, "summary": told}, other.items, other.results)
    assert [task["name"] for task in build_report([three[0], hard])["tasks"]] == ["sums", "sums (level hard)"]


def test_the_text_holds_no_tag_of_a_model(tmp_path: Path):
    one = evaluation(tmp_path, "a", [True] * 4, task="<img src=x>&y")
    written = render_text(build_report([one]))
    assert "<img" not in written
    assert "&lt;img src=x&gt;&amp;y" in written


def test_items_that_differ_most_come_first(tmp_path: Path):
    ours, theirs = evaluation(tmp_path, "a", [True, True, True]), evaluation(tmp_path, "b", [True, True, False])
    half = {**theirs.results, "sums-001": (replace(theirs.results["sums-001"][0], score=0.5),)}
    (row,) = build_report([ours, replace(theirs, results=half)])["tasks"][0]["differing"]
    assert [(item["id"], item["gap"]) for item in row["shown"]] == [("sums-002", 1.0), ("sums-001", 0.5)]
