"""What a report calls tasks and models: two that differ never share a name, and what is alike is called alike."""

from pathlib import Path
from typing import Any

import pytest

from answered import evaluated, make_items
from seodang.evaluation.result import Evaluation
from seodang.pipeline.evaluation_report.build import build_report
from seodang.pipeline.evaluation_report.naming import name_evaluations
from seodang.pipeline.evaluation_report.page import render_page
from seodang.pipeline.evaluation_report.text import render_text

ITEMS = make_items(12)


def run(folder: Path, model: str = "m", weights: str = "w", **told: Any) -> Evaluation:
    """A run of the model `model` with these weights."""
    told = {"task": "sums", "temperature": 0.0, "seed": 0, "top_p": 1.0, "max_reasoning_tokens": 2048, **told}
    return evaluated(folder, ITEMS, [1.0, 0.0] * 6, model=model, identity={"kind": "local", "weights": weights, "engine": "e 1"}, **told)


def names(*evaluations: Evaluation) -> list[tuple[str, str]]:
    """The title and the label of each, all of which can be reported."""
    named = name_evaluations(evaluations)
    report = build_report(named)
    assert render_page(report)
    assert render_text(report)
    assert list(named.values()) == list(evaluations)
    return list(named)


def test_a_task_is_named_with_options_and_version_only_where_these_tell_two_apart(tmp_path: Path) -> None:
    easy, hard = {"level": "easy", "limit": 12}, {"level": "hard", "limit": None}
    first, products = run(tmp_path / "a", options=easy), run(tmp_path / "b", options=easy, task="products")
    assert names(first, products) == [("sums", "m"), ("products", "m")]
    assert names(first, run(tmp_path / "c", options=hard)) == [("sums (level easy)", "m"), ("sums (level hard)", "m")]
    newer = run(tmp_path / "d", "n", options=easy, task_version=2)
    assert names(first, newer) == [("sums (version 1)", "m"), ("sums (version 2)", "n")]


def test_made_items_of_two_seeds_are_two_tasks(tmp_path: Path) -> None:
    a, b = (run(tmp_path / name, name, options={"seed": seed}) for seed, name in enumerate("ab"))
    assert names(a, b) == [("sums (seed 0)", "a"), ("sums (seed 1)", "b")]


@pytest.mark.parametrize(
    ("ours", "theirs", "labels"),
    [
        ({"temperature": 0.2}, {"temperature": 0.7}, ["m (temperature 0.2)", "m (temperature 0.7)"]),
        ({"seed": 1}, {"seed": 2}, ["m (seed 1)", "m (seed 2)"]),
        ({"max_reasoning_tokens": 0}, {"max_reasoning_tokens": 9}, ["m (reasoning tokens 0)", "m (reasoning tokens 9)"]),
        ({"thinking": "on"}, {"thinking": "off"}, ["m (think on)", "m (think off)"]),
        ({"thinking": "on", "seed": 1}, {"thinking": "on", "seed": 2}, ["m (think on, seed 1)", "m (think on, seed 2)"]),
        ({}, {}, ["m", "m (sums__2)"]),
    ],
)
def test_two_runs_of_one_model_on_one_task_are_two_models_named_by_how_they_were_asked(
    tmp_path: Path, ours: dict[str, Any], theirs: dict[str, Any], labels: list[str]
) -> None:
    a, b = run(tmp_path / "m__sums__1", **ours), run(tmp_path / "m__sums__2", **theirs)
    assert [label for _, label in names(a, b)] == labels


def test_a_task_that_one_model_answered_at_two_limits_is_two_tasks_and_nothing_else_is_named_otherwise(tmp_path: Path) -> None:
    longer, shorter, other = ({"limit": limit} for limit in (40, 20, 24))
    ours = [run(tmp_path / "1", options=longer), run(tmp_path / "2", options=shorter), run(tmp_path / "3", task="products", options=other)]
    theirs = [run(tmp_path / "4", "n", options=longer), run(tmp_path / "5", "n", task="products", options=other)]
    two = [("sums (limit 40)", "m"), ("sums (limit 20)", "m"), ("products", "m")]
    assert names(*ours, *theirs) == [*two, ("sums (limit 40)", "n"), ("products", "n")]
    assert names(*ours[1:], *theirs) == [("sums", "m"), ("products", "m"), ("sums", "n"), ("products", "n")]
    whole = run(tmp_path / "6", options={"level": "easy", "limit": None}), run(tmp_path / "7", options={"level": "easy", "limit": 9})
    hard = run(tmp_path / "8", "n", options={"level": "hard", "limit": 9})
    assert [title for title, _ in names(*whole, hard)] == [
        "sums (level easy, all items)",
        "sums (level easy, limit 9)",
        "sums (level hard)",
    ]


def test_runs_that_are_told_apart_otherwise_share_a_task_whatever_their_limits(tmp_path: Path) -> None:
    cold, warm = run(tmp_path / "a", temperature=0.2, options={"limit": 5}), run(tmp_path / "b", temperature=0.7, options={"limit": 9})
    assert names(cold, warm) == [("sums", "m (temperature 0.2)"), ("sums", "m (temperature 0.7)")]


def test_a_run_on_another_task_belongs_to_the_one_that_was_asked_like_it(tmp_path: Path) -> None:
    cold, warm = run(tmp_path / "a", temperature=0.2), run(tmp_path / "b", temperature=0.7)
    other = run(tmp_path / "c", temperature=0.7, task="products")
    assert names(cold, warm, other)[2] == ("products", "m (temperature 0.7)")
    assert names(cold, other) == [("sums", "m"), ("products", "m")]


@pytest.mark.parametrize("task", ["sums", "products"])
def test_two_models_of_one_name_are_two_models_whatever_they_answered(tmp_path: Path, task: str) -> None:
    a, b = run(tmp_path / "m__sums__1", weights="v"), run(tmp_path / f"m__{task}__2", weights="w", task=task)
    assert [label for _, label in names(a, b)] == ["m (sums__1)", f"m ({task}__2)"]


def test_one_model_of_two_tasks_keeps_one_name_beside_a_namesake_and_on_another_engine(tmp_path: Path) -> None:
    a, b, c = run(tmp_path / "1"), run(tmp_path / "2", task="products"), run(tmp_path / "3", weights="other")
    assert [label for _, label in names(a, b, c)] == ["m (1)", "m (1)", "m (3)"]
    newer = evaluated(
        tmp_path / "4", ITEMS, [1.0] * 12, model="m", task="last", identity={"kind": "local", "weights": "w", "engine": "e 2"}
    )
    assert [label for _, label in names(a, newer)] == ["m", "m"]


def test_folders_of_one_name_are_told_apart_by_those_above(tmp_path: Path) -> None:
    a, b = run(tmp_path / "x" / "out"), run(tmp_path / "y" / "out", weights="other")
    assert [label for _, label in names(a, b)] == ["m (x/out)", "m (y/out)"]


def test_a_folder_that_is_given_twice_counts_once(tmp_path: Path) -> None:
    a = run(tmp_path / "a")
    assert list(name_evaluations([a, a, run(tmp_path / "b", "n")])) == [("sums", "m"), ("sums", "n")]
