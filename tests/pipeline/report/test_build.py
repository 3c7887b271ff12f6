"""The content of report.json: stable keys, nothing invented, nothing that depends on when or where it was made."""

import copy
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import integers
from statsmodels.stats.multitest import multipletests

from seodang.core.errors import VerificationError
from seodang.pipeline.report.build import build_report
from seodang.pipeline.report.html import render_html
from seodang.pipeline.report.markdown import render_markdown

Run = dict[str, Any]


def test_equal_runs_give_an_equal_report_and_stay_as_they_were(make_run: Callable[[], Run]):
    run, untouched = make_run(), copy.deepcopy(make_run())
    text = json.dumps(build_report(run), allow_nan=False)
    assert run == untouched
    assert json.dumps(build_report(make_run()), allow_nan=False) == text


def test_the_stable_keys_say_what_others_judge_by(run: Run):
    report = build_report(run)
    distilled = next(arm for arm in report["arms"] if arm["name"] == "distilled")
    assert (distilled["score"], distilled["n"], distilled["interval"]) == (139 / 218, 218, run["arms"][2]["interval"])
    assert {part: set(score) >= {"score", "n", "interval"} for part, score in distilled["parts"].items()} == {"act": True, "know": True}
    first = report["paired"][0]
    assert (first["a"], first["b"], first["part"]) == ("distilled", "base", "all")
    assert set(first) >= {"difference", "interval", "p", "n", "reading"}
    assert set(report["data"]) >= {"input", "accepted", "rejected", "rejected_by_check", "failed"}
    assert set(report["export"]["Q8_0"]) >= {"bytes", "tokens_per_s", "kl", "top1"}
    assert report["seconds"] == {step["name"]: step["seconds"] for step in run["steps"]}
    assert report["synthetic"] is True
    assert report["not_run"] == []


def test_rows_over_the_whole_exam_stand_first(run: Run):
    run["paired"].reverse()
    for row in run["paired"]:
        row["part"] = {"all": "overall"}.get(row["part"], row["part"])
    parts = [row["part"] for row in build_report(run)["paired"]]
    assert parts == sorted(parts, key=lambda part: part != "all")
    assert "overall" not in parts


def test_each_seed_is_compared_alone_and_small_parts_of_the_general_suite_are_not(run: Run):
    small = {"a": "distilled", "b": "base", "part": "capitals", "difference": 0.1, "interval": [-0.2, 0.4], "p": 1.0, "n": 6}
    run["paired_general"].append(small)
    report = build_report(run)
    assert [(row["seed"], row["part"]) for row in report["paired_by_seed"]][:2] == [(0, "all"), (1, "all")]
    assert {row["part"] for row in report["paired_general"]} == {"all"}
    html = render_html(report)
    assert "Seed 0 alone" in html
    assert "Seed 1 alone" in html
    assert ", seed 1 |" in render_markdown(report)


def test_what_was_not_run_is_named_and_no_zero():
    report = build_report({"name": "early", "synthetic": False})
    assert report["not_run"] == [
        "arms", "paired", "general", "paired_general", "data", "targets", "training", "export", "examples", "steps", "documents",
    ]  # fmt: skip
    assert report["data"] is None
    assert report["headline"]["difference"] is None
    assert not [value for value in _leaves(report) if value in (0, 0.0) and value is not False]


def test_a_count_that_is_missing_stays_unknown(run: Run):
    del run["data"]["failed"]
    assert build_report(run)["data"]["failed"] is None


@given(integers(-3, 3))
def test_records_that_do_not_add_up_are_refused(surplus: int):
    data = {"input": 10 + surplus, "accepted": 4, "rejected": 3, "quarantined": 2, "failed": 1}
    run = {"name": "x", "synthetic": False, "data": data}
    if surplus == 0:
        assert build_report(run)["data"]["input"] == 10
    else:
        with pytest.raises(VerificationError, match="do not add up"):
            build_report(run)


def test_the_cost_says_estimate_and_actual_by_step_in_every_form(run: Run):
    report = build_report(run)
    build = next(step for step in report["cost"]["steps"] if step["name"] == "build")
    assert build["seconds"] == {"estimate": 1.25 * 312.7, "actual": 312.7, "ratio": 0.8}
    for text in (render_html(report).replace("\u00a0", " "), render_markdown(report)):
        for told in ("6 min 31 s", "5 min 13 s", "0.80", "1.5 MB", "810.0 kB actual", "1.2 GB actual", "within a factor of 1.6"):
            assert told in text


def test_a_run_without_an_estimate_says_why(run: Run):
    run["cost"] = {"reason": "a configuration without a model's sizes", "steps": []}
    assert "without a model" in render_html(build_report(run))
    assert "No estimate was made" in render_markdown(build_report(run))
    del run["cost"]
    report = build_report(run)
    assert report["cost"] is None
    assert "## Cost (synthetic)\n\nNot run." in render_markdown(report)


def test_numbers_that_are_not_finite_are_left_out_and_counted(run: Run):
    run["training"]["sft"][0]["loss_curve"][3][1] = math.nan
    run["training"]["sft"][0]["held_out_curve"][1][1] = math.inf
    first = build_report(run)["training"]["sft"][0]
    assert (len(first["loss_curve"]), len(first["held_out_curve"]), first["num_not_finite"]) == (399, 8, 2)


def test_a_comparison_without_a_difference_was_not_run(run: Run):
    run["paired"] = [{"a": "distilled", "b": "base", "part": "all", "difference": math.nan, "interval": None, "p": None, "n": None}]
    report = build_report(run)
    assert report["paired"] == []
    assert "paired" in report["not_run"]


@pytest.mark.parametrize("path", ["/home/somebody/models/a.gguf", "C:\\models\\a.gguf", "~/models/a.gguf", "file:///models/a.gguf"])
def test_absolute_paths_are_cut_to_their_last_part(run: Run, path: str):
    run["recipe"]["documents"]["folder"] = path
    run["teacher"]["identity"] = {"file": path}
    run["steps"][0]["summary"] = {"from": path}
    report = build_report(run)
    assert report["recipe"]["documents"]["folder"] == report["teacher"]["identity"]["file"] == "a.gguf"
    assert report["steps"][0]["summary"]["from"] == "a.gguf"


def test_a_file_that_was_not_examined_stands_at_its_checkpoints_score_and_says_so(run: Run):
    run["export"]["Q8_0"]["score"] = 0.5
    points = {point["label"]: point for point in build_report(run)["size_and_score"]}
    assert (points["F16"]["score"], points["F16"]["examined"]) == (139 / 218, False)
    assert (points["Q8_0"]["score"], points["Q8_0"]["examined"]) == (0.5, True)
    assert points["student, checkpoint"]["bytes"] == 4 * 134_515_008
    assert points["teacher, open book"]["score"] == 147 / 218


def test_manifests_words_for_seeds_and_reuse_are_understood(run: Run):
    for arm in run["arms"]:
        del arm["seeds"]
        arm["seed_scores"] = [0.25, 0.5]
    del run["targets"]["reused"]
    run["targets"]["num_reused"] = 7
    run["student"]["bytes"] = 538_000_000
    report = build_report(run)
    assert [seed["score"] for seed in report["arms"][0]["seeds"]] == [0.25, 0.5]
    assert report["targets"]["reused"] == 7
    assert report["size_and_score"][0]["bytes"] == 538_000_000


def test_steps_keep_facts_and_leave_tables_to_their_own_part(run: Run):
    run["steps"][4]["summary"] = {"num_steps": 400, "loss_curve": [[1, 3.0]], "formats": {"F16": {}}}
    assert build_report(run)["steps"][4]["summary"] == {"num_steps": 400}


def test_origins_are_named_with_their_keys_or_counted(run: Run):
    assert build_report(run)["origins"]["arms"] == "step evaluate (key 6a9f3c6e)"
    run["steps"] += [{"name": f"evaluate.{arm}", "key": "ab" * 32, "reused": False, "seconds": 1.0} for arm in ("base", "sft")]
    assert build_report(run)["origins"]["arms"] == "3 steps, from evaluate to evaluate.sft (keys under Steps)"


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for child in value.values() for leaf in _leaves(child)]
    return [leaf for child in value for leaf in _leaves(child)] if isinstance(value, list) else [value]


def test_licences_and_think_modes_stand_in_every_form_of_the_report(run: Run):
    report = build_report(run)
    assert report["licenses"] == run["licenses"]
    assert report["thinking"] == run["thinking"]
    for text in (render_html(report), render_markdown(report)):
        assert "Apache-2.0 AND MIT" in text
        assert "41 of them after 88.5 tokens of reasoning" in text.replace("\u00a0", " ")
        assert "teacher: on; student: off" in text
    del run["licenses"], run["thinking"]
    assert "Think mode" not in render_html(build_report(run))


def test_what_was_held_out_of_training_stands_with_its_warning_in_every_form(run: Run):
    report = build_report(run)
    for text in (render_html(report), render_markdown(report)):
        told = text.replace("\u00a0", " ")
        assert "the records of 1 document form no groups" in told
        assert "annex.md" in told
        assert "5.0 %" in told


def test_what_generators_dropped_stands_with_its_reasons_in_every_form(run: Run):
    report = build_report(run)
    assert report["data"]["dropped"] == run["data"]["dropped"]
    assert "| self\\_instruct | repeats an earlier one | 41 |" in render_markdown(report)
    page = render_html(report)
    assert "repeats an earlier one" in page
    assert "another &lt;language&gt;" in page
    del run["data"]["dropped"]
    without = build_report(run)
    assert without["data"]["dropped"] == {}
    assert "dropped before they became records" not in render_markdown(without) + render_html(without)


def test_many_parts_make_no_finding_likelier(run: Run) -> None:
    """Holm's correction, as statsmodels has it, for the pairs over the whole exam and for the parts of a pair."""
    ps = {"all": 0.04, "a": 0.01, "b": 0.02, "c": 0.5}
    row = {"difference": 0.1, "interval": [0.01, 0.19], "n": 40}
    run["paired"] = [{"a": "distilled", "b": other, "part": part, "p": p, **row} for other in ("base", "sft") for part, p in ps.items()]
    found = {(one["b"], one["part"]): one for one in build_report(run)["paired"]}
    oracle = np.asarray(multipletests([0.01, 0.02, 0.5], method="holm")[1])
    assert [found["base", part]["p_holm"] for part in "abc"] == pytest.approx(oracle.tolist())
    assert [found["base", part]["reading"] for part in ("all", "a", "b", "c")] == [
        "not distinguishable",  # two pairs at .04
        "better",
        "better",
        "not distinguishable",
    ]
