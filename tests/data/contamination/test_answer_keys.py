"""Numbers are read alike in two languages, and items in another language are found by them."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seodang.data.contamination.answer_keys import answer_key, answer_keys, is_telling, possible_keys, same_keys
from seodang.data.contamination.index import ExamItem, build_index
from seodang.data.contamination.numbers import canonical_numbers, chosen_option, least_numbers, split_options
from seodang.data.contamination.scan import Finding, Row, scan
from seodang.data.dedup.folding import fold

TRAIN = ExamItem("A train travels 1,250 km in 25 hours and stops 3 times for 40 minutes. What is its speed in km/h?", "50")
CHOICE = ExamItem("A pool holds 3,600 litres and drains 45 litres a minute. How many minutes? (A) 60 (B) 75 (C) 80 (D) 90", "C")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1,000원과 １０００원", [1000, 1000]),
        ("1{,}000 and 1\\,000", [1000, 1000]),
        ("2.50 and 2.5", ["2.5", "2.5"]),
        ("3만 5천원", [35_000]),
        ("3만5천", [35_000]),
        ("1억 2,000만 명", [120_000_000]),
        ("3천만원", [30_000_000]),
        ("2조 5천억", [2_500_000_000_000]),
        ("피자 3조각을 4만큼", [3, 40_000]),  # 만큼 is a known limit
        ("1,2,3 and 12,34", [1, 2, 3, 12, 34]),
        ("-5°C, 10-20%", [5, 10, 20]),
        ("no numbers", []),
        ("007", [7]),
    ],
)
def test_numbers_have_one_form(text: str, numbers: list[int | str]) -> None:
    assert canonical_numbers(text) == [Decimal(number) for number in numbers]


@settings(deadline=None)
@given(st.text("0123 1,.만천a{}\\", max_size=30))
def test_the_quick_count_is_never_more_than_the_numbers(text: str) -> None:
    assert least_numbers(text) <= len([number for number in canonical_numbers(text) if number != 1])


@settings(deadline=None)
@given(st.lists(st.text("0127,. 만a가{}\\", max_size=40), min_size=1, max_size=4))
def test_the_quick_look_misses_no_key(rows: list[str]) -> None:
    items = [("12 and 27, 270 and 0", "1"), ("70 of 127 at 2 and 7", "12"), ("1,272 and 20.7 and 2 and 0", "2")]
    keys = answer_keys(items)
    near = possible_keys(fold(rows), keys)
    for place, row in enumerate(rows):
        slow = same_keys("", row, keys.keys)
        assert {match.item for match in slow} <= {item for item, _ in near.get(place, ())}


@pytest.mark.parametrize("number", [0, 7, 10, 4_000, 35_000, 90_000, 1_000_000, 123_456_789, 20_000_000_000])
def test_a_number_written_in_myriads_is_the_same_number(number: int) -> None:
    written, rest = "", number
    for unit, size in (("조", 10**12), ("억", 10**8), ("만", 10**4)):
        if rest >= size:
            written += f"{rest // size}{unit} "
            rest %= size
    written += str(rest) if rest or not written else ""
    assert canonical_numbers(f"모두 {written.replace('만 ', '만')}입니다") == [number] == canonical_numbers(f"{number:,} in all")


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("Which? (A) 60 (B) 75 (C) 80", ["60", "75", "80"]),
        ("Which?\nA. 60\nB. 75", ["60", "75"]),
        ("무엇입니까? ① 60 ② 75 ③ 80", ["60", "75", "80"]),
        ("무엇입니까?\n1) 60\n2) 75", ["60", "75"]),
        ("As in (A) only", []),
        ("no options", []),
    ],
)
def test_options_are_read(text: str, options: list[str]) -> None:
    assert split_options(text)[1] == options


@pytest.mark.parametrize(
    ("answer", "option"), [("C", 2), ("(b)", 1), ("③", 2), ("정답은 ②번", 1), ("Answer: A", 0), ("Cats", None), ("80", None)]
)
def test_an_answer_that_names_an_option_is_read(answer: str, option: int | None) -> None:
    assert chosen_option(answer) == option


def test_few_or_short_numbers_are_no_key() -> None:
    assert is_telling(answer_key(TRAIN.question, TRAIN.answer))
    assert not is_telling(answer_key("2 and 3 and 4 and 5?", "14"))
    assert not is_telling(answer_key("12 and 13?", "25"))


def findings(row: Row, *items: ExamItem) -> list[Finding]:
    return next(iter(scan([row], build_index(items))))


@pytest.mark.parametrize(
    ("row", "item"),
    [
        (Row("기차가 25시간 동안 1250km를 달리며 40분씩 3번 섭니다. 속력은?", "1250을 25로 나누면 50입니다. 답: 50"), TRAIN),
        (Row("", "기차가 25시간 동안 １,２５０km를 달리며 40분씩 3번 섭니다. 속력은 시속 50km입니다."), TRAIN),
        (Row("수영장에는 3600리터가 있고 1분에 45리터씩 빠집니다. 몇 분? ① 60 ② 75 ③ 80 ④ 90", "③"), CHOICE),
    ],
)
def test_a_twin_in_another_language_is_undecided(row: Row, item: ExamItem) -> None:
    (finding,) = findings(row, ExamItem("Something about 77 apples, 88 pears, 99 plums and 5 bags", "3"), item)
    assert (finding.item, finding.direction, finding.certain) == (1, "answer_key", False)


def test_many_equal_numbers_are_certain() -> None:
    item = ExamItem("Prices are 12, 47, 183, 2,960, 15 and 71 won for 39 days. What is the total?", "128,232")
    twin = Row("가격이 12원, 47원, 183원, 2960원, 15원, 71원이고 39일입니다. 합계는?", "합계는 12만 8232원")
    (finding,) = findings(twin, item)
    assert (finding.certain, finding.longest_run) == (True, 8)


@pytest.mark.parametrize(
    "row",
    [
        Row("기차가 25시간 동안 1250km를 달리며 40분씩 3번 섭니다. 멈춘 시간은?", "120분"),  # another answer
        Row("기차가 25시간 동안 1260km를 달리며 40분씩 3번 섭니다. 속력은?", "50"),  # another number
        Row("기차가 25시간 동안 1250km를 달립니다. 속력은?", "50"),  # fewer numbers
        Row("", "1250 25 3 40 50 " + " ".join(map(str, range(100, 120)))),  # a list of many numbers
    ],
)
def test_what_shares_only_some_of_a_key_is_clean(row: Row) -> None:
    assert findings(row, TRAIN) == []


def test_options_in_another_order_are_never_certain() -> None:
    numbers = "12 and 47, 183, 2,960, 15 and 71 won for 39 days"
    item = ExamItem(f"{numbers}? (A) 501 (B) 602 (C) 703", "B")
    swapped = Row("12와 47, 183, 2960, 15, 71원과 39일? ① 602 ② 501 ③ 703", "①")
    same = Row("12와 47, 183, 2960, 15, 71원과 39일? ① 501 ② 602 ③ 703", "②")
    assert [found.certain for found in findings(swapped, item)] == [False]
    assert [found.certain for found in findings(same, item)] == [True]
