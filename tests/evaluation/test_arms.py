"""What the evaluations of a recipe's arms say about each arm and between two arms."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import booleans, lists
from scipy import stats

from seodang.core.errors import VerificationError
from seodang.evaluation.arms import Arm, arm_differences, arm_score
from seodang.evaluation.result import Evaluation, Result
from seodang.evaluation.task import Item

ITEMS = [Item(f"{part}-{number}", part, f"{part} {number}") for part in ("act", "know") for number in range(20)]
VERDICTS = lists(booleans(), min_size=len(ITEMS), max_size=len(ITEMS))


def run(right: Sequence[bool], items: Sequence[Item] = ITEMS) -> Evaluation:
    """Every right answer has 4 tokens, every wrong one is cut at 64."""
    results = [
        Result(item.id, 0, "judged", float(is_right), "said", num_new_tokens=4 if is_right else 64, cut=not is_right)
        for item, is_right in zip(items, right, strict=True)
    ]
    return Evaluation(Path(), {}, tuple(items), {result.item: (result,) for result in results})


HALF = Arm("half", [run([True] * 20 + [False] * 20)])
NONE = Arm("none", [run([False] * 40)])


def test_one_run_is_scored_with_wilson_intervals():
    """scipy's Wilson intervals are the oracle."""
    found = arm_score(HALF, dissimilar={"act-0", "know-0", "know-1"})
    oracle = stats.binomtest(20, 40).proportion_ci(0.95, method="wilson")
    assert (found["name"], found["score"], found["n"]) == ("half", 0.5, 40)
    assert found["interval"] == pytest.approx([oracle.low, oracle.high], abs=1e-4)
    assert {part: (score["score"], score["n"]) for part, score in found["parts"].items()} == {"act": (1.0, 20), "know": (0.0, 20)}
    assert found["parts"]["know"]["interval"][1] > 0.1
    dissimilar = found.get("dissimilar_half")
    assert dissimilar is not None
    assert (dissimilar["score"], dissimilar["n"]) == (pytest.approx(1 / 3), 3)
    assert (found["mean_new_tokens"], found["cut_share"], found["seed_scores"], found["errors"]) == (34.0, 0.5, [0.5], 0)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_without_training_questions_there_is_no_dissimilar_half():
    assert "dissimilar_half" not in arm_score(NONE)


@given(VERDICTS)
def test_parts_add_up_to_the_whole(right: list[bool]):
    found = arm_score(Arm("any", [run(right)]))
    assert sum(score["score"] * score["n"] for score in found["parts"].values()) == pytest.approx(sum(right))
    assert found["interval"][0] <= found["score"] <= found["interval"][1]


def test_an_error_counts_as_wrong_and_is_told():
    failed = Result("act-0", 0, "error", 0.0, error="the context is too long")
    run_with_error = run([True] * 40)
    arm = Arm("one", [Evaluation(Path(), {}, run_with_error.items, {**run_with_error.results, "act-0": (failed,)})])
    found = arm_score(arm)
    assert (found["errors"], found["n"], found["score"]) == (1, 40, 39 / 40)
    assert found["mean_new_tokens"] == 4
    assert arm_differences(arm, Arm("all", [run([True] * 40)]))[0]["difference"] == -1 / 40


def test_one_run_each_is_compared_by_mcnemar():
    rows = arm_differences(HALF, NONE)
    assert [(row["a"], row["b"], row["part"], row["difference"], row["n"]) for row in rows] == [
        ("half", "none", "all", 0.5, 40),
        ("half", "none", "act", 1.0, 20),
        ("half", "none", "know", 0.0, 20),
    ]
    assert [row["p"] for row in rows] == pytest.approx([stats.binomtest(20, 20).pvalue, stats.binomtest(20, 20).pvalue, 1.0])
    assert rows[0]["interval"][0] > 0
    assert rows[2]["interval"][0] < 0 < rows[2]["interval"][1]
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows


def test_items_about_one_statement_count_less_than_single_ones():
    """Each pair of neighbours is about one statement and falls alike: as many clusters as half the items."""
    right = [number % 4 < 2 for number in range(40)]
    grouped = [Item(item.id, item.part, item.question, group=f"span {number // 2}") for number, item in enumerate(ITEMS)]
    alone, together = arm_score(Arm("a", [run(right)])), arm_score(Arm("a", [run(right, grouped)]))
    assert (together["num_clusters"], alone["num_clusters"]) == (20, 40)
    assert together["interval"][0] < alone["interval"][0] < 0.5 < alone["interval"][1] < together["interval"][1]
    by_item = arm_differences(Arm("a", [run(right)]), NONE)[0]
    by_cluster = arm_differences(Arm("a", [run(right, grouped)]), Arm("b", [run([False] * 40, grouped)]))[0]
    assert (by_cluster["num_clusters"], by_cluster["difference"]) == (20, by_item["difference"])
    assert by_cluster["p"] > by_item["p"]
    assert by_cluster["interval"][0] < by_item["interval"][0]


def test_several_seeds_are_averaged_over_the_items():
    """Student's t about the items' means, from scipy, is near where the share is near a half."""
    verdicts = np.random.default_rng(4).random((3, 40)) < 0.6
    found = arm_score(Arm("distilled", [run([bool(x) for x in row]) for row in verdicts]))
    means = verdicts.mean(axis=0)
    oracle = stats.t.interval(0.95, 39, loc=means.mean(), scale=stats.sem(means))
    assert found["seed_scores"] == pytest.approx(list(verdicts.mean(axis=1)))
    assert (found["score"], found["n"]) == (pytest.approx(verdicts.mean()), 40)
    assert found["interval"] == pytest.approx(oracle, abs=0.015)
    assert "3 seeds" in found["method"]


def test_several_seeds_are_compared_with_one_run():
    verdicts = np.random.default_rng(5).random((3, 40)) < 0.6
    row = arm_differences(Arm("distilled", [run([bool(x) for x in seed]) for seed in verdicts]), NONE)[0]
    assert (row["difference"], row["n"]) == (pytest.approx(verdicts.mean()), 40)
    assert row["p"] < 0.001
    assert row["interval"][0] > 0


@given(VERDICTS)
def test_runs_that_agree_everywhere_are_worth_one(right: list[bool]):
    one, three = Arm("any", [run(right)]), Arm("any", [run(right)] * 3)
    assert arm_score(one)["interval"] == arm_score(three)["interval"]
    assert arm_differences(three, NONE) == arm_differences(one, NONE)


@given(VERDICTS, VERDICTS)
def test_a_comparison_turns_with_its_arms(first: list[bool], second: list[bool]):
    a, b = Arm("a", [run(first)]), Arm("b", [run(second)])
    for row, turned in zip(arm_differences(a, b), arm_differences(b, a), strict=True):
        assert turned["difference"] == pytest.approx(-row["difference"])
        assert turned["interval"] == pytest.approx([-row["interval"][1], -row["interval"][0]])
        assert turned["p"] == row["p"]


@pytest.mark.parametrize(
    "runs", [[], [run([], [])], [run([True] * 40), run([True] * 39, ITEMS[1:])], [run([True] * 40), run([True] * 40, ITEMS[::-1])]]
)
def test_runs_of_unlike_items_are_refused(runs: list[Evaluation]):
    with pytest.raises(VerificationError):
        Arm("odd", runs)


def test_arms_that_answered_unlike_items_are_not_compared():
    with pytest.raises(VerificationError, match="same items"):
        arm_differences(HALF, Arm("short", [run([True] * 39, ITEMS[1:])]))
