"""Facts are the same however they are written, and another when anything in them is."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seodang.scoring.stated_facts import Date, find_facts, fold, missing

MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]
DAYS = st.dates(date(1990, 1, 1), date(2090, 12, 31))


def written(day: date) -> list[str]:
    month = MONTHS[day.month - 1]
    return [
        day.isoformat(),
        f"{day.year}.{day.month}.{day.day}",
        f"{day.year}/{day.month:02d}/{day.day:02d}",
        f"{day.year}년 {day.month}월 {day.day}일",
        f"{day.year}년{day.month}월{day.day}일에",
        f"{month} {day.day}, {day.year}",
        f"{day.day} {month} {day.year}",
        f"{month[:3]}. {day.day}, {day.year}",
        f"the {day.day}th of {month} {day.year}",
    ]


@settings(max_examples=60, deadline=None)
@given(DAYS, st.integers(1, 400))
def test_a_date_is_one_in_every_form_and_unlike_any_other(day: date, later: int) -> None:
    for text in written(day):
        assert find_facts(f"It starts {text}.").dates == (Date(day.year, day.month, day.day),), text
    other = day + timedelta(days=later)
    for text in written(other):
        assert missing(find_facts(text), find_facts(written(day)[0])), text


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 99_999_999))
def test_an_amount_is_one_in_digits_and_in_korean_scales(won: int) -> None:
    high, low = divmod(won, 10_000)
    korean = "".join(part for part, n in ((f"{high}만 ", high), (f"{low}", low)) if n).strip()
    for text in (f"{won}원", f"{won:,}원", f"{won:,} won", f"₩{won:,}", f"{korean}원", f"{korean} 원입니다"):
        assert [(q.value, q.dimension) for q in find_facts(text).quantities] == [(Decimal(won), "won")], text
        assert not missing(find_facts(text), find_facts(f"{won} won"))
        assert missing(find_facts(text), find_facts(f"{won + 1} won"))
        assert missing(find_facts(text), find_facts(f"{won} dollars"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3만 5천원", "35,000 won"),
        ("1억 2천만원", "120 million won"),
        ("2.5 million won", "250만 원"),
        ("within 7 days", "일주일 안에"),
        ("2 weeks", "14일"),
        ("two hours", "120분"),
        ("90 seconds", "1.5 minutes"),
        ("3 to 5 days", "3~5일"),
        ("오후 2시 30분", "14:30"),
        ("2:30 p.m.", "오후 2시 30분"),
        ("30%", "30 percent"),
        ("30％", "30퍼센트"),
        ("영하 5도", "-5°C"),
        ("３ GB", "3기가바이트"),
        ("두 달", "2개월"),
        ("세 번", "3 times"),
        ("1588-0010", "15880010"),
        ("on Monday", "월요일에"),
        ("1 km", "1,000미터"),
    ],
)
def test_the_same_in_other_words(one: str, other: str) -> None:
    assert len(find_facts(one)) >= 1
    assert missing(find_facts(one), find_facts(other)) == []
    assert missing(find_facts(other), find_facts(one)) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("30 days", "30 hours"),
        ("3 business days", "3 days"),
        ("3 months", "3 years"),
        ("30%", "30"),
        ("30", "30%"),
        ("30%", "30 percentage points"),
        ("-5 degrees", "5 degrees"),
        ("오전 2시", "14:00"),
        ("9 am", "9 pm"),
        ("version 1.2.3", "version 1.2.4"),
        ("35만원", "3만 5천원"),
        ("3 MB", "3 GB"),
        ("Monday", "화요일"),
        ("2025년", "2026년"),
        ("1월 5일", "5월 1일"),
        ("2026-01-05", "1월 5일"),  # the evidence does not say the year
    ],
)
def test_not_the_same(one: str, other: str) -> None:
    assert missing(find_facts(one), find_facts(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1월 5일", "2026-01-05"),
        ("2026년", "2026-01-05"),
        ("in 2026", "2026년 1월"),
        ("5일", "2026년 1월 5일"),
        ("2026", "2026년"),
        ("3", "3 GB"),
    ],
)
def test_a_part_of_what_the_evidence_says_is_in_it(one: str, other: str) -> None:
    assert missing(find_facts(one), find_facts(other)) == []


def test_names_are_told_from_ordinary_words() -> None:
    found = find_facts(
        "The plan of Acme Telecom is sold by Kim. Call it HomeNet_2 or VoLTE. I mean iPhone users. 김철수 대표와 고객 대표가 만났다."
    )
    assert found.names == {"acme", "telecom", "kim", "homenet_2", "volte", "iphone", "김철수"}


@pytest.mark.parametrize("text", ["", "one of them", "May I help?", "It may rain.", "a march", "13월 40일", "99:99", "thirty-odd"])
def test_what_is_no_fact(text: str) -> None:
    found = find_facts(text)
    assert (found.dates, found.times) == ((), ())


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60) | st.text("0123456789,.-~%년월일시분만천원 :/ap", max_size=40))
def test_no_text_raises_and_each_agrees_with_itself(text: str) -> None:
    assert missing(find_facts(text), find_facts(text)) == []
    assert fold(fold(text)) == fold(text)
