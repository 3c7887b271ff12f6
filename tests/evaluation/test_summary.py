"""What a table of answers says about each arm and between two arms."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import booleans, lists
from scipy import stats

from seodang.core.errors import VerificationError
from seodang.evaluation.answers import Answer
from seodang.evaluation.exam import ExamItem
from seodang.evaluation.summary import Arm, compare, summarise

ITEMS = [ExamItem(f"{part}-{number}", part, f"{part} {number}", ("x",), ()) for part in ("act", "know") for number in range(20)]


def run(right: list[bool]) -> list[Answer]:
    return [
        Answer(item.id, "said", is_right, 4 if is_right else 64, "stop" if is_right else "length")
        for item, is_right in zip(ITEMS, right, strict=True)
    ]


VERDICTS = lists(booleans(), min_size=len(ITEMS), max_size=len(ITEMS))
HALF = Arm("half", [run([True] * 20 + [False] * 20)])
NONE = Arm("none", [run([False] * 40)])


def test_one_run_is_summarised_with_wilson_intervals():
    """scipy's Wilson intervals are the oracle."""
    summary = summarise(ITEMS, HALF, dissimilar={"act-0", "know-0", "know-1"})
    oracle = stats.binomtest(20, 40).proportion_ci(0.95, method="wilson")
    assert (summary["name"], summary["score"], summary["n"]) == ("half", 0.5, 40)
    assert summary["interval"] == pytest.approx([oracle.low, oracle.high], abs=1e-4)
    assert {part: (score["score"], score["n"]) for part, score in summary["parts"].items()} == {"act": (1.0, 20), "know": (0.0, 20)}
    assert summary["parts"]["know"]["interval"][1] > 0.1
    dissimilar = summary.get("dissimilar_half")
    assert dissimilar is not None
    assert (dissimilar["score"], dissimilar["n"]) == (pytest.approx(1 / 3), 3)
    assert (summary["mean_new_tokens"], summary["cut_share"], summary["seed_scores"]) == (34.0, 0.5, [0.5])
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_without_training_questions_there_is_no_dissimilar_half():
    assert "dissimilar_half" not in summarise(ITEMS, NONE)


@given(VERDICTS)
def test_parts_add_up_to_the_whole(right: list[bool]):
    summary = summarise(ITEMS, Arm("any", [run(right)]))
    assert sum(score["score"] * score["n"] for score in summary["parts"].values()) == pytest.approx(sum(right))
    assert summary["interval"][0] <= summary["score"] <= summary["interval"][1]


def test_one_run_each_is_compared_by_mcnemar():
    rows = compare(ITEMS, HALF, NONE)
    assert [(row["a"], row["b"], row["part"], row["difference"], row["n"]) for row in rows] == [
        ("half", "none", "all", 0.5, 40),
        ("half", "none", "act", 1.0, 20),
        ("half", "none", "know", 0.0, 20),
    ]
    assert [row["p"] for row in rows] == pytest.approx([stats.binomtest(20, 20).pvalue, stats.binomtest(20, 20).pvalue, 1.0])
    assert rows[0]["interval"][0] > 0
    assert rows[2]["interval"][0] < 0 < rows[2]["interval"][1]
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows


def test_several_seeds_are_averaged_over_the_items():
    generator = np.random.default_rng(4)
    verdicts = generator.random((3, 40)) < 0.6
    summary = summarise(ITEMS, Arm("distilled", [run([bool(x) for x in row]) for row in verdicts]))
    oracle = stats.bootstrap(
        (verdicts.mean(axis=0),), np.mean, method="percentile", n_resamples=10_000, rng=np.random.default_rng(8)
    ).confidence_interval
    assert summary["seed_scores"] == pytest.approx(list(verdicts.mean(axis=1)))
    assert (summary["score"], summary["n"]) == (pytest.approx(verdicts.mean()), 40)
    assert summary["interval"] == pytest.approx([oracle.low, oracle.high], abs=0.015)
    assert "3 seeds" in summary["method"]


def test_several_seeds_are_compared_with_one_run():
    verdicts = np.random.default_rng(5).random((3, 40)) < 0.6
    row = compare(ITEMS, Arm("distilled", [run([bool(x) for x in seed]) for seed in verdicts]), NONE)[0]
    assert (row["difference"], row["n"]) == (pytest.approx(verdicts.mean()), 40)
    assert row["p"] < 0.001
    assert row["interval"][0] > 0


@given(VERDICTS)
def test_runs_that_agree_everywhere_are_worth_one(right: list[bool]):
    one, three = summarise(ITEMS, Arm("any", [run(right)])), summarise(ITEMS, Arm("any", [run(right)] * 3))
    assert (one["interval"], one["method"]) == (three["interval"], three["method"])
    assert compare(ITEMS, Arm("any", [run(right)] * 3), NONE) == compare(ITEMS, Arm("any", [run(right)]), NONE)


@given(VERDICTS, VERDICTS)
def test_a_comparison_turns_with_its_arms(first: list[bool], second: list[bool]):
    a, b = Arm("a", [run(first)]), Arm("b", [run(second)])
    for row, turned in zip(compare(ITEMS, a, b), compare(ITEMS, b, a), strict=True):
        assert turned["difference"] == pytest.approx(-row["difference"])
        assert turned["interval"] == pytest.approx([-row["interval"][1], -row["interval"][0]])
        assert turned["p"] == row["p"]


@pytest.mark.parametrize("runs", [[], [[]], [run([True] * 40)[1:]], [run([True] * 40), run([True] * 40)[::-1]]])
def test_answers_that_do_not_fit_the_items_are_refused(runs: list[list[Answer]]):
    with pytest.raises(VerificationError):
        summarise(ITEMS, Arm("odd", runs))
