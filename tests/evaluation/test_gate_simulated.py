"""The gate's rules on simulated students of known truth, in small; benchmarks/gate.py does the whole."""

import json
from pathlib import Path

import numpy as np
import pytest

from gate import ALPHA, RESULT, RETENTIONS, Exam, Pair, draw, false_passes, passes, power, regression_passes, retention
from seodang.evaluation.rules import non_inferior

DRAWS = 120
HIGHEST = 0.09  # more than 10 of 120: 3 in 10,000 where the rate is 2.5 %


@pytest.mark.parametrize("exam", [Exam(150), Exam(200, 4, 0.5)], ids=["alone", "clusters"])
def test_a_student_on_the_bound_seldom_passes(exam: Exam) -> None:
    found = false_passes(exam, DRAWS, seed=1)
    assert {name: row["rate"] for name, row in found.items() if row["rate"] > HIGHEST} == {}


def test_a_family_in_which_one_skill_lost_the_margin_seldom_passes() -> None:
    assert regression_passes(Exam(200), DRAWS, seed=2)["rate"] <= HIGHEST


def test_without_holm_a_family_would_pass_too_often() -> None:
    """What the simulation must be able to see: four rules at alpha each."""
    exam, generator = Exam(200), np.random.default_rng(3)
    pair = Pair(0.6, -0.05, 0.2)
    hits = sum(
        any(non_inferior(*draw(exam, pair, generator), exam.clusters, margin=0.05).p <= ALPHA for _ in range(4)) for _ in range(DRAWS)
    )
    assert hits / DRAWS > 0.05


def test_power_is_as_announced() -> None:
    for row in power(200, DRAWS, seed=4):
        assert row["rate"] == pytest.approx(row["announced"], abs=0.14), row


@pytest.mark.parametrize("name", ["300 items, teacher .3", "60 clusters of 5, correlated .25"])
def test_a_retention_rule_has_the_power_that_its_verdict_tells(name: str) -> None:
    false, found = retention(RETENTIONS[name], DRAWS, seed=6)
    assert false["rate"] <= HIGHEST
    assert found["rate"] == pytest.approx(found["announced"], abs=0.14)


def test_a_simulated_pair_has_the_shares_that_it_names() -> None:
    a, b = draw(Exam(40_000, 4, 0.5), Pair(0.6, 0.1, 0.3), np.random.default_rng(5))
    assert a.mean() == pytest.approx(0.7, abs=0.02)
    assert b.mean() == pytest.approx(0.6, abs=0.02)
    assert (a != b).mean() == pytest.approx(0.3, abs=0.02)


def test_nobody_passes_where_nothing_is_asked_for() -> None:
    assert passes(lambda _: [], 3, seed=1) == (0, 3)


def test_the_stored_result_keeps_its_promises() -> None:
    stored = json.loads(Path(RESULT).read_text(encoding="utf-8"))
    rates = [row for cases in stored["false_passes"].values() for row in cases.values()]
    assert all(row["draws"] >= 2000 and row["rate"] <= stored["limit"] for row in rates)
    assert all(abs(row["rate"] - row["announced"]) <= 0.03 for row in stored["power"])
