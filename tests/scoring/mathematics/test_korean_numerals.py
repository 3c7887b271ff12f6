"""Numerals are read back as the numbers that an independent speller spelt; what is no numeral is read as none."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles.answer_pairs import DIGITS, spell, spell_native
from seodang.scoring.mathematics.korean_numerals import read_numeral


@given(st.integers(0, 10**16 - 1), st.booleans())
def test_a_spelt_number_is_read_back(number: int, spaced: bool) -> None:
    assert read_numeral(spell(number, spaced)) == number


@given(st.integers(1, 99), st.booleans())
def test_a_native_numeral_is_read_back(number: int, counted: bool) -> None:
    assert read_numeral(spell_native(number, counted)) == number


@given(st.integers(0, 9999), st.text("0123456789", min_size=1, max_size=6))
def test_a_decimal_is_read_digit_by_digit(whole: int, decimals: str) -> None:
    said = f"{spell(whole)}점{''.join(DIGITS[int(digit)] for digit in decimals)}"
    assert read_numeral(said) == Fraction(f"{whole}.{decimals}")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3만 5천", 35000),
        ("1.5만", 15000),
        ("12만 3456", 123456),
        ("1,200만", 12000000),
        ("3만 오천", 35000),
        ("만", 10**4),
        ("백스물셋", 123),
    ],
)
def test_written_digits_and_units_of_counting_mix(text: str, number: int) -> None:
    assert read_numeral(text) == number


@pytest.mark.parametrize(
    "text", ["", "일이삼", "억", "만억만", "십백", "스무하나", "3만 50000", "3만 2.5", "사람", "천천", "이 삼", "삼만 영"]
)
def test_what_breaks_the_order_of_units_is_no_numeral(text: str) -> None:
    assert read_numeral(text) is None
