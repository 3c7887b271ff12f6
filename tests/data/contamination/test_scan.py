"""Planted items are found in both directions whatever their spacing and width, and untouched rows are clean."""

import random
import unicodedata
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seodang.data.contamination.index import ExamItem, build_index
from seodang.data.contamination.scan import Finding, Row, scan
from seodang.data.contamination.streams import GRAM_SIZE, LEAST_RUN
from similar_texts import WORDS_EN, WORDS_KO

KOREAN = "데이터 로밍을 켜려면 어떤 메뉴에서 무엇을 선택해야 합니까?"
ENGLISH = "What is the procedure for lifting a suspended line after all the bills have been paid?"


def found(row: str | Row, *items: str | ExamItem, coverage: float = 0.5) -> list[Finding]:
    index = build_index([item if isinstance(item, ExamItem) else ExamItem(item) for item in items])
    return next(iter(scan([row if isinstance(row, Row) else Row("", row)], index, coverage)))


def made_words(seed: int, count: int, words: Sequence[str]) -> str:
    draw = random.Random(seed)
    return " ".join(draw.choice(words) + draw.choice(words) for _ in range(count))


@pytest.mark.parametrize("item", [KOREAN, ENGLISH])
@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        lambda text: text.upper(),
        lambda text: unicodedata.normalize("NFD", text),
        lambda text: "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in text),
        lambda text: text.replace(" ", "\n\n"),
        lambda text: text.replace("?", " ?!"),
        lambda text: f"{made_words(1, 500, WORDS_KO)} {text} {made_words(2, 500, WORDS_EN)}",
    ],
    ids=["verbatim", "case", "decomposed", "wide", "lines", "marks", "inside a long page"],
)
def test_an_item_is_found_in_a_row(item: str, change: Callable[[str], str]) -> None:
    (finding,) = found(change(item), item, "이 시험의 다른 문항은 여기에 나오지 않습니다.")
    assert (finding.item, finding.direction, finding.coverage, finding.certain) == (0, "item_in_row", 1.0, True)


def test_korean_spacing_does_not_hide_an_item() -> None:
    for changed in (KOREAN.replace(" ", ""), " ".join(KOREAN.replace(" ", "")), KOREAN.replace("로밍을", "로 밍을")):
        (finding,) = found(f"앞에 있는 글. {changed} 뒤에 있는 글.", KOREAN)
        assert (finding.coverage, finding.matched.replace(" ", "")) == (1.0, KOREAN.replace(" ", "").rstrip("?"))


def test_a_short_row_inside_of_a_long_item_is_found() -> None:
    context = (
        f"{made_words(3, 300, WORDS_KO)} 회선이 정지되면 미납 요금을 모두 납부한 뒤에 해제를 신청할 수 있다. {made_words(4, 300, WORDS_KO)}"
    )
    (finding,) = found("회선이 정지되면 미납 요금을 모두 납부한 뒤에 해제를 신청할 수 있다", context)
    assert (finding.direction, finding.coverage) == ("row_in_item", 1.0)


@pytest.mark.parametrize(("row", "unit"), [("미납 요금을 모두 납부", "characters"), ("restores the suspended line afterwards", "words")])
def test_a_row_that_is_shorter_than_any_run_is_found_whole(row: str, unit: str) -> None:
    words = WORDS_KO if unit == "characters" else WORDS_EN
    (finding,) = found(row, f"{made_words(6, 60, words)} {row} {made_words(7, 60, words)}")
    assert (finding.direction, finding.coverage, finding.unit) == ("row_in_item", 1.0, unit)


@pytest.mark.parametrize(
    ("row", "item"),
    [
        ("로밍 요금을 확인하려면 고객 센터에 전화하십시오.", KOREAN),
        ("The bills have been paid and the line works again.", ENGLISH),
        ("데이터 로밍을 켜려면 먼저 해외 로밍 요금제에 가입하십시오.", KOREAN),  # a shared beginning
        ("다음 중 옳은 것을 모두 고르시오.", "다음 중 회선 정지에 대한 설명으로 옳은 것을 모두 고르시오."),  # how exams speak
        ("", KOREAN),
    ],
)
def test_rows_that_share_a_topic_or_a_phrase_are_clean(row: str, item: str) -> None:
    assert found(row, item) == []


def test_half_of_an_item_is_enough_and_less_is_not() -> None:
    item = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"  # ten 5-grams
    assert [finding.coverage for finding in found("x one two three four five six seven eight nine y", item)] == [0.5]
    less = "x one two three four five six seven eight and then eight words of something else"
    assert found(less, item) == []
    assert [finding.coverage for finding in found(less, item, coverage=0.4)] == [0.4]


def test_scattered_pieces_are_no_match_however_many_there_are() -> None:
    item = " ".join(f"word{chr(97 + number // 8)}{chr(97 + number % 8)}" for number in range(40))
    words = item.split()
    pieces = " ".join(" ".join(words[start : start + 7]) + f" gap{'a' * start}" for start in range(0, 40, 7))
    assert found(pieces, item, coverage=0.2) == []
    assert len(found(" ".join(words[:8]), item, coverage=0.1)) == 1


@pytest.mark.parametrize("item", [KOREAN, ENGLISH])
def test_an_item_that_two_neighbouring_rows_make_together_is_in_neither(item: str) -> None:
    cut = item.index(" ", 8)
    rows = [Row("", item[:cut]), Row("", item[cut:])] if item == ENGLISH else [Row("", item[: cut + 4]), Row("", item[cut + 4 :])]
    found_in = list(scan(rows, build_index([ExamItem(item)]), 0.95))
    assert [finding for findings in found_in for finding in findings if finding.direction == "item_in_row"] == []


def test_a_comma_in_a_number_is_no_end_of_a_word() -> None:
    item = "a plan of 12,500 won covers calls within the country only"
    (finding,) = found("A plan of 12500 won covers calls within the country only", item)
    assert (finding.coverage, finding.matched) == (1.0, item.replace("12,500", "12500"))


def test_all_items_are_reported_and_none_is_cut_off() -> None:
    items = [f"{KOREAN} {number}번 문항" for number in range(300)]
    assert sorted(finding.item for finding in found(KOREAN, *items)) == list(range(300))


def test_short_items_are_told_and_not_passed_over_in_silence() -> None:
    index = build_index([ExamItem("수도는?"), ExamItem(KOREAN), ExamItem(""), ExamItem("Who wrote Hamlet?"), ExamItem("Why?")])
    assert index.too_short == (0, 2, 4)
    (finding,) = found("She asked who wrote Hamlet, and when.", "Who wrote Hamlet?")
    assert (finding.unit, finding.direction) == ("characters", "item_in_row")


def test_an_answer_after_the_question_hides_nothing() -> None:
    row = Row(f"안녕하세요. {KOREAN}", made_words(5, 200, WORDS_KO))
    assert [finding.direction for finding in found(row, KOREAN)] == ["item_in_row"]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text("가나다라 ab1,.", min_size=0, max_size=60), min_size=1, max_size=5), st.text("가나다라 ab1,.", max_size=60))
def test_coverage_is_that_of_sets_of_strings(rows: list[str], item: str) -> None:
    """By the standard library: characters without spaces and marks, or words, of the item and of each row."""
    index = build_index([ExamItem(item)])
    if index.too_short:
        return
    characters = len(index.tables[0].grams) > 0
    unit = "characters" if characters else "words"
    for row, findings in zip(rows, scan([Row("", row) for row in rows], index, 0.3), strict=True):
        expected = share_in(tokens_of(item, characters), tokens_of(row, characters), GRAM_SIZE[unit])
        inside = [finding for finding in findings if finding.direction == "item_in_row"]
        assert [finding.coverage for finding in inside] == ([pytest.approx(expected)] if inside else [])
        if expected >= 0.3 and run_of(tokens_of(item, characters), tokens_of(row, characters)) >= LEAST_RUN[unit]:
            assert len(inside) == 1


def tokens_of(text: str, characters: bool) -> list[str]:
    import re

    plain = re.sub(r"(?<=\d),(?=\d)", "", text)
    return re.findall(r"[^\W_]", plain) if characters else re.findall(r"[a-z0-9]+", plain)


def share_in(item: list[str], row: list[str], size: int) -> float:
    grams = [{tuple(tokens[start : start + size]) for start in range(len(tokens) - size + 1)} for tokens in (item, row)]
    return len(grams[0] & grams[1]) / max(1, len(grams[0]))


def run_of(item: list[str], row: list[str]) -> int:
    return max(
        (size for size in range(len(row) + 1) for start in range(len(row) - size + 1) if is_in(row[start : start + size], item)), default=0
    )


def is_in(wanted: list[str], tokens: list[str]) -> bool:
    return any(tokens[start : start + len(wanted)] == wanted for start in range(len(tokens) - len(wanted) + 1))


def test_rows_are_answered_in_order_whatever_the_batches_and_workers_are() -> None:
    rows = [Row("", KOREAN if number % 7 == 0 else made_words(number, 400, WORDS_KO)) for number in range(120)]
    index = build_index([ExamItem(KOREAN), ExamItem(ENGLISH)])
    one = list(scan(rows, index))
    assert [bool(findings) for findings in one] == [number % 7 == 0 for number in range(120)]
    assert list(scan(rows, index, workers=2)) == one


def test_phrases_of_very_many_items_do_not_count() -> None:
    opening = "다음 글을 읽고 물음에 답하시오"
    items = [ExamItem(f"{opening} {made_words(number, 6, WORDS_KO)}") for number in range(100)]
    row = Row("", f"{opening} {made_words(1_000, 30, WORDS_EN)}")
    assert next(iter(scan([row], build_index(items), 0.2))) == []
    assert len(next(iter(scan([Row("", items[3].question)], build_index(items), 0.9)))) == 1
