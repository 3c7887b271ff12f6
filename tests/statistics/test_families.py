"""Corrected p values, against the closed testing procedure and numbers that others published."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats, lists
from statsmodels.stats.multitest import multipletests

from seodang.statistics.families import holm

PS = lists(floats(0, 1), min_size=1, max_size=6)


def by_closed_testing(ps: list[float]) -> list[float]:
    """The definition behind Holm's procedure (Marcus, Peritz and Gabriel 1976): a hypothesis falls when Bonferroni's test rejects every
    set of hypotheses that holds it, so its p is the largest of theirs."""
    places = range(len(ps))
    sets = [chosen for size in range(1, len(ps) + 1) for chosen in combinations(places, size)]
    return [max(min(1.0, len(chosen) * min(ps[i] for i in chosen)) for chosen in sets if place in chosen) for place in places]


@given(PS)
def test_it_equals_statsmodels(ps: list[float]) -> None:
    oracle = np.asarray(multipletests(ps, method="holm")[1])
    assert holm(ps) == pytest.approx(oracle.tolist(), abs=1e-9)


@given(PS)
def test_it_is_the_closure_of_bonferronis_test(ps: list[float]) -> None:
    assert holm(ps) == pytest.approx(by_closed_testing(ps), abs=1e-12)


def test_it_gives_what_r_gives() -> None:
    """`p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm")` and one that is not in order."""
    assert holm([0.01, 0.02, 0.03, 0.04, 0.05]) == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])


@given(PS)
def test_a_correction_never_makes_a_finding_likelier_and_keeps_the_order(ps: list[float]) -> None:
    found = holm(ps)
    assert all(p <= corrected <= 1 for p, corrected in zip(ps, found, strict=True))
    assert [corrected for _, corrected in sorted(zip(ps, found, strict=True))] == sorted(found)


def test_among_true_hypotheses_one_falls_in_five_families_of_a_hundred() -> None:
    draw = np.random.default_rng(0)
    num_families = 4000
    wrong = sum(min(holm(list(ps))) < 0.05 for ps in draw.uniform(size=(num_families, 5)).tolist())
    assert abs(wrong / num_families - (1 - 0.99**5)) < 4 * (0.05 * 0.95 / num_families) ** 0.5


def test_what_is_no_p_value_is_refused() -> None:
    assert holm([]) == []
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([0.5, 1.5])
