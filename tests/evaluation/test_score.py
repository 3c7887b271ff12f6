"""What an evaluation says of itself: intervals by clusters and samples, and what errors may hide."""

from pathlib import Path

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from answered import FAILED, evaluated, make_items
from seodang.evaluation.score import summarise


def test_right_and_wrong_items_of_their_own_have_wilsons_interval(tmp_path: Path) -> None:
    told = summarise(evaluated(tmp_path / "a", make_items(40), [1.0] * 30 + [0.0] * 10))
    assert told["score"] == 0.75
    assert told["interval"] == pytest.approx(proportion_confint(30, 40, method="wilson"), abs=1e-3)
    assert "samples" not in told


def test_items_that_hang_together_widen_the_interval(tmp_path: Path) -> None:
    scores = [float(index // 4 % 2) for index in range(160)]  # groups of four, right or wrong together
    alone = summarise(evaluated(tmp_path / "alone", make_items(160), scores))
    grouped = summarise(evaluated(tmp_path / "grouped", make_items(160, per_group=4), scores))
    assert grouped["num_clusters"] == 40
    ratio = np.subtract(*grouped["interval"]) / np.subtract(*alone["interval"])
    assert ratio == pytest.approx(2, abs=0.15)


def test_errors_count_as_wrong_and_what_they_may_hide_stands_beside(tmp_path: Path) -> None:
    told = summarise(evaluated(tmp_path / "a", make_items(10), [1.0] * 6 + [0.0] * 2 + [FAILED] * 2))
    assert (told["score"], told["errors"], told["score_without_errors"]) == (0.6, 2, 0.75)
    assert told["score_range"] == [0.6, 0.8]
    assert told["interval"] == pytest.approx(proportion_confint(6, 10, method="wilson"), abs=1e-3)


def test_an_evaluation_of_errors_alone_has_no_score_without_them(tmp_path: Path) -> None:
    told = summarise(evaluated(tmp_path / "a", make_items(3), [FAILED] * 3))
    assert told["score_without_errors"] is None
    assert told["score_range"] == [0, 1]
    assert told["cost"]["new_tokens_per_right"] is None


def test_tokens_of_an_answer_are_those_of_judged_answers_and_tokens_of_a_right_one_are_all(tmp_path: Path) -> None:
    cost = summarise(evaluated(tmp_path / "a", make_items(4), [1.0, 0.0, FAILED, FAILED], tokens=[10, 20, 2, 0]))["cost"]
    assert (cost["mean_new_tokens"], cost["new_tokens_per_right"]) == (15, 32)
    assert summarise(evaluated(tmp_path / "b", make_items(2), [FAILED] * 2))["cost"]["mean_new_tokens"] is None


def test_samples_give_pass_at_k_and_pass_hat_k_over_items(tmp_path: Path) -> None:
    told = summarise(evaluated(tmp_path / "a", make_items(4), [[1, 1, 1], [1, 0, 0], [0, 0, 0], [1, 1, FAILED]], temperature=0.7))
    assert told["score"] == pytest.approx((1 + 1 / 3 + 0 + 2 / 3) / 4)
    at, hat = told["samples"]["pass_at_k"], told["samples"]["pass_hat_k"]
    assert [at[k]["score"] for k in "123"] == pytest.approx([0.5, (1 + 2 / 3 + 0 + 1) / 4, 0.75])
    assert [hat[k]["score"] for k in "123"] == pytest.approx([0.5, (1 + 0 + 0 + 1 / 3) / 4, 0.25])
    assert at["1"]["n"] == 4  # items, not answers


def test_tokens_of_a_right_answer_are_all_tokens_over_the_right_ones(tmp_path: Path) -> None:
    told = summarise(evaluated(tmp_path / "a", make_items(4), [1, 0, 0, 1], tokens=[10, 20, 30, 40]))
    assert told["cost"]["new_tokens_per_right"] == 50
