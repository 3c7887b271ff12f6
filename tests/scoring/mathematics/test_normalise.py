"""The audit of the normaliser: text and its canonical form, by hand; and that it never changes a number."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles.answer_pairs import spell, spell_native
from seodang.scoring.mathematics.normalise import normalise

FORMS = [
    ("４２", "42"),
    ("−5", "-5"),
    ("정답은 42입니다.", "42"),
    ("따라서 답은 $\\frac12$이다.", r"\frac{1}{2}"),
    ("The final answer is: **73**", "73"),
    ("#### 1,234", "1234"),
    (r"\boxed{\dfrac{3}{4}}", r"\frac{3}{4}"),
    ("2분의 1", r"\frac{1}{2}"),
    ("이분의 일이다", r"\frac{1}{2}"),
    ("3과 2분의 1", r"3\frac{1}{2}"),
    ("마이너스 삼", "-3"),
    ("3할 5푼", "0.35"),
    ("이할 오푼 삼리", "0.253"),
    ("오십 퍼센트", "50%"),
    ("삼점일사", "3.14"),
    ("루트 이", r"\sqrt{2}"),
    ("이의 삼제곱", "2^{3}"),
    ("3 대 4", "3:4"),
    ("½", r"\frac{1}{2}"),
    ("x²+1", "x^{2}+1"),
    ("√(x+1)", r"\sqrt{x+1}"),
    ("1.5e3", r"1.5\cdot 10^{3}"),
    ("2*pi", r"2\cdot \pi"),
    ("(1,234)", "(1, 234)"),
    ("1,234,567", "1234567"),
    (r"19, 46, \text{ and } 82", "19, 46, 82"),
    ("5!", "5!"),
    ("(B)", "B"),
    ("③", "3"),
    ("30이다", "30"),
    ("삼십이입니다", "32"),
    (r"1 - \frac{1}{\mathrm{e}}", r"1 - \frac{1}{e}"),
]


@pytest.mark.parametrize(("text", "canonical"), FORMS)
def test_a_notation_has_one_canonical_form(text: str, canonical: str) -> None:
    assert normalise(text).text == canonical


@pytest.mark.parametrize(
    ("text", "number", "unit"),
    [
        ("3만 5천 원", "35000", "원"),
        ("₩12,000", "12000", "원"),
        ("$12.50", "12.50", "달러"),
        ("스물세 명입니다", "23", "명"),
        ("영하 5도", "-5", "도"),
        ("45^\\circ", "45", "도"),
        ("25\\text{ cm}^2", "25", "cm^2"),
        ("시속 60km", "60", "km/h"),
        ("5개는", "5", "개"),
        ("1시간 30분", r"60\cdot 1+1\cdot 30", "min"),
        ("12 apples", "12", "apples"),
    ],
)
def test_a_unit_is_kept_apart(text: str, number: str, unit: str) -> None:
    found = normalise(text)
    assert (found.text, found.unit and found.unit.name) == (number, unit)


@pytest.mark.parametrize("text", ["삼십이다", "칠십이다", "삼십 일", "2시간 반"])
def test_what_reads_two_ways_is_left_as_it_was(text: str) -> None:
    assert normalise(text).text == text


@given(
    st.integers(-(10**15), 10**15), st.sampled_from(["{}", "정답은 {}입니다.", "답: {}", r"\boxed{{{}}}", "${}$", "#### {}", "답은 {} 원"])
)
def test_a_number_comes_through_every_wrapping(number: int, wrapping: str) -> None:
    said = spell(number) if r"\boxed" not in wrapping and "$" not in wrapping and "답은 {} 원" not in wrapping else str(number)
    assert normalise(wrapping.format(said)).text == str(number)


@given(st.integers(0, 10**9))
def test_thousands_and_widths_are_notation(number: int) -> None:
    wide = f"{number:,}".translate({ord(c): chr(ord(c) + 0xFEE0) for c in "0123456789,"})
    assert normalise(wide).text == normalise(f"{number:,}").text == str(number)


@given(st.integers(1, 99))
def test_decomposed_syllables_are_read(number: int) -> None:
    assert normalise(unicodedata.normalize("NFD", f"{spell_native(number, True)} 개입니다")).text == str(number)


@given(st.text("0123456789만천백십이일분의할푼은다 .,/(){}[]$\\abcx=<>-%^_!√²½원개", max_size=60))
def test_any_text_has_a_form(text: str) -> None:
    assert isinstance(normalise(text).text, str)
