"""What a check says: the worst case decides, and what is not a number never passes."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_softmax as scipy_log_softmax
from scipy.special import rel_entr

from seodang.testbed.certify.compare import UNIT, log_softmax, max_ulp, nmse, worst_kl
from seodang.testbed.certify.finding import Case, Outcome, holds, outcome, within


@pytest.mark.parametrize("statuses", list(itertools.product(["PASS", "FAIL", "UNSUPPORTED"], repeat=2)))
def test_the_worst_case_decides(statuses: tuple[str, str]) -> None:
    cases = [Case(f"case {place}", status) for place, status in enumerate(statuses)]  # type: ignore[arg-type]
    worst = next(status for status in ("FAIL", "PASS", "UNSUPPORTED") if status in statuses)
    assert outcome(cases, expected="", look="").status == worst


def test_nothing_looked_at_is_no_pass() -> None:
    assert Outcome((), "", "").status == "NOT-RUN"


@given(st.floats(allow_nan=True), st.floats(0, 1e9))
def test_a_number_passes_only_within_its_limit(value: float, limit: float) -> None:
    assert (within("x", value, limit, "s").status == "PASS") == (not math.isnan(value) and value <= limit)


def test_what_says_the_failing_cases_and_their_notes() -> None:
    told = outcome([holds("good", True), holds("bad", False, "seen so"), within("far", 3.0, 2.0, "B")], expected="", look="").what
    assert told == "bad: seen so; far: 3 B, limit 2"


@given(st.lists(st.lists(st.floats(-30, 30), min_size=5, max_size=5), min_size=2, max_size=2), st.floats(-100, 100))
def test_kl_is_scipys_and_does_not_see_a_constant(rows: list[list[float]], constant: float) -> None:
    p, q = (np.array([row]) for row in rows)
    wanted = rel_entr(np.exp(scipy_log_softmax(p, -1)), np.exp(scipy_log_softmax(q, -1))).sum()
    assert worst_kl(p, q) == pytest.approx(wanted, abs=1e-9, rel=1e-6)
    assert worst_kl(p, q + constant) == pytest.approx(wanted, abs=1e-9, rel=1e-6)
    assert np.allclose(log_softmax(p), scipy_log_softmax(p, -1))


def test_measures_of_what_is_not_finite_or_of_another_shape_are_not_numbers() -> None:
    good, bad = np.ones((1, 3)), np.array([[1.0, np.nan, 1.0]])
    for found in (bad, np.ones((1, 4))):
        assert math.isnan(worst_kl(good, found))
        assert math.isnan(nmse(good, found))
        assert math.isnan(max_ulp(good, found, "float32"))


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_unit_in_the_last_place_is_numpys(dtype: str) -> None:
    values = np.array([[1.0, 1.5, 1.999]], dtype)
    one_up = np.nextafter(values, np.array(9, dtype))
    assert max_ulp(values.astype(np.float64), one_up, dtype) == pytest.approx(1.0)
    assert UNIT[dtype] == np.finfo(dtype).eps / 2


def test_an_error_that_is_small_beside_its_row_is_small() -> None:
    truth = np.array([[1.0, 1e-9]])
    assert max_ulp(truth, truth + np.array([[0.0, 1e-7]]), "float32") < 2
    assert nmse(truth, truth * 0.0) == 1.0
