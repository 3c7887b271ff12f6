"""No wrong answer is accepted, both engines must agree, and neither order nor a hang changes a judgement."""

import os
import signal
from fractions import Fraction
from itertools import combinations

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles.answer_pairs import PUBLISHED, Pair, korean_pairs, ordinary_pairs
from seodang.scoring.mathematics import exact
from seodang.scoring.mathematics.engine_process import EngineProcess
from seodang.scoring.mathematics.judge import judge

PAIRS = [*PUBLISHED, *korean_pairs()[::3], *ordinary_pairs()[::6]]


def test_no_wrong_pair_is_accepted_and_almost_all_are_decided_right() -> None:
    said = [(pair, judge(pair.gold, pair.answer).outcome) for pair in PAIRS]
    assert not [pair for pair, outcome in said if outcome == "equal" and not pair.equal]
    right = [pair for pair, outcome in said if outcome == ("equal" if pair.equal else "different")]
    assert len(right) >= 0.95 * len(PAIRS)


@pytest.mark.parametrize("pair", PUBLISHED, ids=lambda pair: pair.gold)
def test_published_failures_of_math_verify_are_not_ours(pair: Pair) -> None:
    assert judge(pair.gold, pair.answer).outcome in (("equal",) if pair.equal else ("different", "undecided"))


SAMPLE = ["1/2", "0.5", "50%", "x = 2", "2", "(1, 2)", "{1, 2}", "1, 2", "[1, 2]", "B", "3 cm", "3만", r"\sqrt{8}", "", "x > 1", "red"]


def test_a_judgement_does_not_depend_on_the_order() -> None:
    for a, b in combinations(SAMPLE, 2):
        assert judge(a, b).outcome == judge(b, a).outcome, (a, b)


RATIONAL = st.fractions(min_value=-(10**6), max_value=10**6, max_denominator=10**4)


@given(RATIONAL, RATIONAL)
@settings(max_examples=40, deadline=None)
def test_fractions_are_judged_as_python_does(a: Fraction, b: Fraction) -> None:
    assert judge(str(a), rf"\frac{{{b.numerator}}}{{{b.denominator}}}").outcome == ("equal" if a == b else "different")
    assert judge(str(a), rf"\frac{{{3 * a.numerator}}}{{{3 * a.denominator}}}").outcome == "equal"


@given(st.integers(1, 10**6), st.integers(0, 12), st.integers(1, 9))
@settings(max_examples=20, deadline=None)
def test_a_last_digit_is_never_rounded_away(digits: int, places: int, added: int) -> None:
    number = Fraction(digits, 10**places)
    near = number + Fraction(added, 10 ** (places + 12))
    decimal = f"{int(near)}.{int((near - int(near)) * 10 ** (places + 12)):0{places + 12}}"
    assert judge(f"{number.numerator}/{number.denominator}", decimal).outcome == "different"


LETTERS = sympy.symbols("x y")


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=4))
@settings(max_examples=25, deadline=None)
def test_our_engine_expands_polynomials_as_sympy_does(terms: list[tuple[int, int, int]]) -> None:
    polynomial = sum((c * LETTERS[0] ** i * LETTERS[1] ** j for c, i, j in terms), sympy.Integer(0))
    squared = sympy.expand(polynomial**2)
    written, expanded = (sympy.latex(term).replace(r"\,", " ") for term in (polynomial, squared))
    assert exact.compare(f"({written})^{{2}}", expanded) == ("equal", "")
    assert exact.compare(f"({written})^{{2}}", f"{expanded} + 1") == ("different", "")


@pytest.mark.parametrize(
    ("text", "other"),
    [
        (r"10^{10^{10}}", "1"),
        ("9999999!", "1"),
        ("2^{999999999}", "2"),
        ("(" * 300 + "1" + ")" * 300, "1"),
        ("9" * 3000, "1"),
        ("x^{99999}", "x"),
    ],
)
def test_what_is_too_large_is_undecided_at_once(text: str, other: str) -> None:
    assert judge(text, other).outcome == "undecided"


@pytest.mark.parametrize("text", ["", "   ", "$$", r"\frac{1}{0}", "?!", "1 +", "월요일", r"\foo{3}"])
def test_what_cannot_be_read_is_undecided_even_against_itself(text: str) -> None:
    assert judge(text, text).outcome == "undecided"


def test_an_engine_that_does_not_come_back_is_ended_and_the_next_question_is_answered() -> None:
    engines = EngineProcess()
    try:
        assert engines.ask("1", "1")[0].outcome == "equal"
        engines.wall_seconds = 0.05
        assert engines._process is not None  # pyright: ignore[reportPrivateUsage]
        os.kill(engines._process.pid, signal.SIGSTOP)  # pyright: ignore[reportPrivateUsage]
        assert engines.ask("1", "1")[0].outcome == "unknown"
        engines.wall_seconds = 60.0
        assert [found.outcome for found in engines.ask("1", "2")] == ["different", "different"]
    finally:
        engines.close()


@pytest.mark.parametrize(
    ("gold", "answer", "outcome"),
    [
        ("3 m", "300 cm", "equal"),
        ("3 m", "3 cm", "different"),
        ("2 km", "2000 m", "equal"),
        ("3명", "3개", "different"),
        ("3명", "3", "equal"),
        ("5m", "5", "undecided"),
        ("12 apples", "12 fruits", "undecided"),
        ("12 apples", "13 fruits", "different"),
        ("약 3.14", r"\pi", "equal"),
        ("약 3.14", "3.1449", "equal"),
        ("약 3.14", "3.146", "different"),
        (r"\pi", "약 3.14", "undecided"),
        (r"\pi", "3.14", "different"),
        ("1/3", "0.333333333", "different"),
        ("50%", "50", "undecided"),
        ("2, 3", "3, 2", "undecided"),
        ("2 or 3", "3 or 2", "equal"),
        ("(0, 1)", "0, 1", "undecided"),
        ("3, 14", "3.14", "undecided"),
        ("x = 1", "y = 1", "different"),
        ("x = 5", "5", "equal"),
        ("(0, 1]", "[0, 1)", "different"),
        ("1:2", "2:4", "equal"),
        ("1:20", "2:40", "undecided"),
        ("12:00", "1:00", "undecided"),
        ("x = 1, y = 2", "y = 2, x = 1", "equal"),
        (r"\log 100", "2", "undecided"),
        ("x < 3", r"(-\infty, 3)", "equal"),
        ("n", "N", "undecided"),
        ("a-b", "b-a", "different"),
        ("yes", "no", "different"),
        ("no", "on", "undecided"),
        ("three-digit", "three-digit", "equal"),
        ("-x > 1", "x < -1", "equal"),
        ("-x > 1", "x > -1", "different"),
        (r"\sqrt{5+2\sqrt{6}}", r"\sqrt{2}+\sqrt{3}", "equal"),
    ],
)
def test_a_rule_decides_as_it_says(gold: str, answer: str, outcome: str) -> None:
    assert judge(gold, answer).outcome == outcome


def test_the_unit_of_the_record_counts_where_its_text_names_none() -> None:
    assert judge("3", "3 kg", unit="cm").outcome == "different"
    assert judge("3", "30 mm", unit="cm").outcome == "equal"
