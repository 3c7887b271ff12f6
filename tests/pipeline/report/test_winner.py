"""Which arm won: by every other arm, by Holm's correction, and hardly ever where all are equal."""

from typing import Any

import numpy as np
import pytest

from seodang.pipeline.report.build import build_report
from seodang.pipeline.report.html import render_html
from seodang.pipeline.report.winner import find_winner
from seodang.statistics.families import holm
from seodang.statistics.paired import paired_exact

Row = dict[str, Any]


def made(right: dict[str, list[bool]], seeds: dict[str, list[float]] | None = None) -> tuple[list[Row], list[Row]]:
    """Arms and their paired rows, as a run's answers give them: each pair once, the later arm against the earlier one."""
    names = list(right)
    arms = [
        {
            "name": name,
            "score": sum(right[name]) / len(right[name]),
            "seeds": [{"seed": None, "score": score} for score in (seeds or {}).get(name, [])],
        }
        for name in names
    ]
    rows: list[Row] = []
    for place, a in enumerate(names):
        for b in names[:place]:
            found = paired_exact(right[a], right[b])
            rows.append(
                {
                    "a": a,
                    "b": b,
                    "part": "all",
                    "difference": found.difference,
                    "interval": list(found.interval),
                    "p": found.p,
                    "n": found.n,
                }
            )
    return arms, rows


def winner(right: dict[str, list[bool]], seeds: dict[str, list[float]] | None = None) -> Row:
    arms, rows = made(right, seeds)
    found = find_winner(arms, rows, list(right))
    assert found is not None
    return found


def answers(number: int, n: int = 100) -> list[bool]:
    return [place < number for place in range(n)]


def test_the_best_arm_wins_where_it_beats_every_other_one() -> None:
    found = winner({"sft": answers(60), "distilled": answers(85), "mild": answers(40)})
    assert (found["outcome"], found["arm"], found["runner_up"], found["n"]) == ("won", "distilled", "sft", 100)
    assert found["difference"] == pytest.approx(0.25)
    assert [row["b"] for row in found["comparisons"]] == ["sft", "mild"]
    assert [row["p_holm"] for row in found["comparisons"]] == holm([row["p"] for row in found["comparisons"]])
    result, rests = found["sentences"]
    assert result.startswith(
        "Of 3 trained arms, the distilled student won, ahead of supervised fine-tuning (85.0 % right; difference +25.0"
    )
    assert rests.startswith("This rests on 1 seed of training; with fewer than three, other seeds may order the arms otherwise.")


def test_one_arm_that_is_not_beaten_is_enough_for_none_to_win() -> None:
    found = winner({"sft": answers(84), "distilled": answers(40), "mild": answers(85)})
    assert (found["outcome"], found["arm"], found["not_beaten"]) == ("none", "mild", ["sft"])
    assert found["sentences"][0].startswith(
        "None of 3 trained arms won: the variant mild is highest, but not distinguishable from supervised fine-tuning (85.0 % right; "
        "difference +1.0 points"
    )
    unclear = winner({"sft": answers(84), "distilled": answers(83), "mild": answers(85)})["sentences"][0]
    assert "from supervised fine-tuning and the distilled student; the numbers are against supervised fine-tuning (" in unclear


def test_arms_of_one_score_share_it() -> None:
    found = winner({"sft": answers(84), "distilled": answers(84), "mild": answers(85)[::-1], "hot": answers(85)})
    assert found["outcome"] == "none"
    assert "won: the variant mild and the variant hot share the highest score (85.0 % right; difference +0.0" in found["sentences"][0]


def test_the_correction_can_take_a_win_away() -> None:
    """Seven discordant items in one direction have an exact p of 0.0156: enough for one comparison, not for the smallest of four."""
    right = {"best": answers(57)} | {name: answers(50) for name in ("a", "b", "c", "d")}
    assert winner({"best": answers(57), "a": answers(50)})["outcome"] == "won"
    found = winner(right)
    assert found["outcome"] == "none"
    assert all(row["p"] < 0.05 <= row["p_holm"] for row in found["comparisons"])
    assert "after Holm's correction" in found["sentences"][0]


def test_it_is_the_same_whichever_way_round_the_pairs_were_computed() -> None:
    right = {"sft": answers(60), "distilled": answers(85)}
    arms, rows = made(right)
    turned = [
        {**row, "a": row["b"], "b": row["a"], "difference": -row["difference"], "interval": [-x for x in row["interval"][::-1]]}
        for row in rows
    ]
    assert find_winner(arms, turned, list(right)) == find_winner(arms, rows, list(right))


def test_seeds_are_counted_and_the_smallest_difference_is_half_of_the_interval() -> None:
    seeds = {"sft": [0.6, 0.7, 0.5], "distilled": [0.8, 0.6, 0.9]}
    found = winner({"sft": answers(60), "distilled": answers(77)}, seeds)
    assert (found["num_seeds"], found["seeds_ahead"]) == (3, 2)
    assert found["sentences"][1].startswith(
        "This rests on 3 seeds of training, in 2 of which the distilled student is ahead of supervised fine-tuning. This exam could show"
    )
    low, high = found["interval"]
    assert found["smallest_difference"] == (high - low) / 2


@pytest.mark.parametrize("num_arms", [2, 3, 5])
def test_among_equal_arms_hardly_any_wins(num_arms: int) -> None:
    """Arms that are equally good in truth, each with its own luck on every item: at most one exam of twenty has a winner."""
    draw = np.random.default_rng(num_arms)
    num_exams, won = 400, 0
    for _ in range(num_exams):
        likely = draw.random(120)
        right = {f"arm_{i}": (draw.random(120) < likely).tolist() for i in range(num_arms)}
        won += winner(right)["outcome"] == "won"
    assert won / num_exams <= 0.05


def test_a_better_arm_is_found_where_the_exam_can_show_it() -> None:
    draw = np.random.default_rng(0)
    won = 0
    for _ in range(50):
        likely = draw.random(200) * 0.6
        right = {name: (draw.random(200) < likely + more).tolist() for name, more in (("sft", 0.0), ("mild", 0.0), ("distilled", 0.3))}
        found = winner(right)
        won += (found["outcome"], found["arm"]) == ("won", "distilled")
    assert won >= 48


def test_the_report_has_it_with_its_sentences_and_a_run_of_one_trained_arm_has_none(run: Row) -> None:
    report = build_report(run)
    assert report["winner"]["arm"] == "distilled"
    assert report["winner"]["num_seeds"] == 3
    assert all(sentence in report["verdict"] for sentence in report["winner"]["sentences"])
    assert "against each of the others" in render_html(report)
    del run["training"]["sft"]
    assert build_report(run)["winner"] is None


def test_an_untested_pair_gives_no_winner(run: Row) -> None:
    run["paired"] = [row for row in run["paired"] if row["b"] != "sft"]
    assert build_report(run)["winner"] is None
