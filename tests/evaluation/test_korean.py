"""Particles fit the sound before them, and numerals in words read back as the number, by the reader of `scoring`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seodang.evaluation.korean import called, full_width, in_sections, native, native_before, sino, with_particle
from seodang.scoring.mathematics.korean_numerals import read_numeral


@pytest.mark.parametrize(
    ("word", "pair", "expected"),
    [
        ("책", "을/를", "책을"), ("나무", "을/를", "나무를"), ("3", "으로/로", "3으로"), ("8", "으로/로", "8로"),
        ("부산", "으로/로", "부산으로"), ("6", "이/가", "6이"), ("2", "이/가", "2가"), ("10", "은/는", "10은"), ("버스", "과/와", "버스와"),
        ("서울", "으로/로", "서울로"),
    ],
)  # fmt: skip
def test_a_particle_fits_the_sound_before_it(word: str, pair: str, expected: str) -> None:
    assert with_particle(word, pair) == expected


def test_a_given_name_takes_a_vowel_where_it_ends_in_a_consonant() -> None:
    assert [called("지민"), called("서아")] == ["지민이", "서아"]


@given(st.integers(1, 10**16 - 1))
def test_sino_korean_words_and_sections_read_back_as_the_number(number: int) -> None:
    assert read_numeral(sino(number)) == number
    assert read_numeral(in_sections(number)) == number


@pytest.mark.parametrize("number", range(1, 100))
def test_native_words_read_back_as_the_number(number: int) -> None:
    assert read_numeral(native(number)) == number
    assert read_numeral(native_before(number)) == number


def test_numbers_out_of_range_are_refused() -> None:
    for call in (lambda: native(100), lambda: native(0), lambda: sino(-1), lambda: sino(10**16)):
        with pytest.raises(ValueError, match=r"numerals|number"):
            call()


def test_full_width_digits_are_digits_still() -> None:
    assert full_width("12 + 3") == "１２ ＋ ３"
    assert int(full_width("123")) == 123
