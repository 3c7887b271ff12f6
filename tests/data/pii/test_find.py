"""Personal data is found with exact places in the original, however it is written, and other numbers are let be."""

import random
import re
import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iban, luhn
from stdnum.kr import rrn

from pii import false_alarms, is_found, own, recall
from pii_material import Case, bare_negatives, negatives, positives
from seodang.data.pii import account, business, card, resident
from seodang.data.pii.find import find
from seodang.data.pii.folding import fold
from seodang.data.pii.mask import mask, outline
from seodang.data.pii.span import KINDS


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return list(positives(2026, 60))


@pytest.fixture(scope="module")
def others() -> list[Case]:
    return list(negatives(2027, 2000))


def kinds(text: str, sure: float = 0.5) -> list[tuple[str, str]]:
    return [(span.kind, text[span.start : span.end]) for span in find(text) if span.confidence >= sure]


def test_of_formatted_named_and_spoken_data_99_percent_is_found_of_each_kind(cases: list[Case]) -> None:
    sure = [case for case in cases if case.form != "bare"]
    assert len(sure) >= 1000
    assert sum(is_found(case, own(case.text)) for case in sure) >= 0.99 * len(sure)
    for name, row in recall(sure, own).items():
        assert row["rate"] >= 0.95, name


def test_of_other_numbers_at_most_one_percent_is_taken_for_personal_data(others: list[Case]) -> None:
    rows = false_alarms(others, own, ("formatted", "named", "spoken", "bare"))
    assert rows["all"]["rate"] <= 0.01
    assert all(row["rate"] <= 0.05 for row in rows.values())


def test_bare_digits_are_counted_apart_with_both_rates(cases: list[Case]) -> None:
    bare = [case for case in cases if case.form == "bare"]
    found = recall(bare, own)
    assert found["bare/phone"]["rate"] == 1
    assert found["bare/card"]["rate"] == 1
    assert found["bare/foreigner_number"]["rate"] >= 0.97
    assert all(form == "bare" for case in bare for *_, form in own(case.text))
    assert false_alarms(list(bare_negatives(2028, 800)), own, ("bare",))["all"]["rate"] <= 0.05


@given(st.text(), st.text(alphabet="0123456789- .@a공일이+()\u200b０１한", max_size=40))
def test_spans_are_in_order_inside_the_text_and_do_not_overlap(before: str, after: str) -> None:
    text = before + after
    place = 0
    for span in find(text):
        assert place <= span.start < span.end <= len(text)
        assert span.kind in KINDS
        assert 0 < span.confidence <= 1
        assert span.form in ("formatted", "named", "bare", "spoken")
        place = span.end


@given(st.text(), st.sampled_from(["", "010-4821-9037", "주민번호 8802141539427", "a.kim@naver.com", "공일공 사팔이일 구공삼칠"]))
def test_what_was_masked_holds_nothing_more_and_masking_twice_changes_nothing(text: str, value: str) -> None:
    masked = mask(f"{text} {value}")
    assert mask(masked) == masked
    assert not value or value not in masked


def test_a_mask_names_the_kind_and_leaves_the_rest() -> None:
    text = "성함: 김민수, 연락처 ０１０-4821-9037, 카드번호 4539-1488-0343-6467 끝"
    assert mask(text) == "성함: [NAME], 연락처 [PHONE], 카드번호 [CARD] 끝"
    assert mask(text, confidence=0.5) == "성함: 김민수, 연락처 [PHONE], 카드번호 [CARD] 끝"


@given(st.text())
def test_every_folded_character_points_to_its_original(text: str) -> None:
    folded = fold(text)
    assert len(folded.text) == len(folded.starts) == len(folded.ends)
    for index in range(len(folded.text)):
        start, end = folded.span(index, index + 1)
        assert 0 <= start < end <= len(text)
    assert list(folded.starts) == sorted(folded.starts)


@pytest.mark.parametrize(
    "written",
    [
        "０１０－４８２１－９０３７",
        "010-48\u200b21-90\u200d37",
        "⓪①⓪-④⑧②①-⑨⓪③⑦",
        "٠١٠-٤٨٢١-٩٠٣٧",
        "O1O-4821-9O37",
        "0\u03361\u03360\u0336-4821-9037",
        "010–4821—9037",
        "𝟎𝟏𝟎-𝟒𝟖𝟐𝟏-𝟗𝟎𝟑𝟕",
    ],
)
def test_a_number_is_found_whole_however_its_digits_are_written(written: str) -> None:
    text = f"앞 {written} 뒤"
    assert [span[0] for span in kinds(text)] == ["phone"]
    (span,) = find(text)
    assert text[span.start : span.end].rstrip("\u0336") == written.rstrip("\u0336")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_labels_are_read_composed_and_decomposed(form: Literal["NFC", "NFD"]) -> None:
    text = unicodedata.normalize(form, "주민등록번호") + " 8802141539427"
    (span,) = find(text)
    assert (span.kind, span.form, text[span.start : span.end]) == ("resident_number", "named", "8802141539427")


@pytest.mark.parametrize("text", ["번호는010-4821-9037이고요", "제8802141번 말고 880214-1539427입니다", "tel010-4821-9037"])
def test_hangul_and_labels_that_touch_a_number_do_not_hide_it(text: str) -> None:
    assert len(kinds(text)) == 1


def test_codes_of_residents_and_foreigners_are_told_apart() -> None:
    for code in "1234":
        assert kinds(f"880214-{code}539427")[0][0] == "resident_number"
    for code in "5678":
        assert kinds(f"880214-{code}539427")[0][0] == "foreigner_number"


def test_a_wrong_check_digit_clears_no_resident_number_and_a_right_one_speaks_for_it() -> None:
    source = random.Random(1)
    for _ in range(300):
        twelve = f"{source.randrange(60, 99)}{source.randrange(1, 13):02}{source.randrange(1, 28):02}1{source.randrange(10**5):05}"
        right = rrn.calc_check_digit(twelve)
        assert resident.check_digit_holds(twelve + right)
        wrong = str((int(right) + 1) % 10)
        assert not resident.check_digit_holds(twelve + wrong)
        (sure,), (less,) = find(twelve + right), find(twelve + wrong)
        assert sure.confidence > less.confidence >= 0.5


def test_check_digits_of_cards_and_accounts_are_those_of_stdnum() -> None:
    source = random.Random(2)
    for _ in range(500):
        digits = "".join(source.choice("0123456789") for _ in range(16))
        assert card.luhn_holds(digits) == luhn.is_valid(digits)
    for number in ("GB82WEST12345698765432", "DE89370400440532013000", "DE89370400440532013001", "FR1420041010050500013M02606"):
        assert account.iban_holds(number) == iban.is_valid(number, check_country=False)
    assert [account.iban_holds(number) for number in ("GB82WEST12345698765432", "GB83WEST12345698765432")] == [True, False]


def test_the_check_digit_of_businesses_holds_for_published_ones() -> None:
    # A port authority (the example of python-stdnum) and three listed companies, as printed on their sites.
    assert all(business.check_digit_holds(number) for number in ("1168200276", "1248100998", "2208162517", "1208147521"))
    assert not business.check_digit_holds("1168200277")


def test_bare_digits_are_no_date_of_a_century_they_are_not_in() -> None:
    assert kinds("8813141539427") == []
    assert kinds("8802301539427") == []
    assert kinds("8802143539427") == []  # 2088
    assert kinds("0302143539427")[0][0] == "resident_number"


def test_a_label_of_something_else_takes_doubtful_numbers_and_no_mobile_number() -> None:
    assert kinds("주문번호 8802141539427") == []
    assert kinds("주문번호 20240115-01 고객 010-4821-9037") == [("phone", "010-4821-9037")]
    assert kinds("계좌 말고 주문번호 110-482-913756") == []
    assert kinds("연락처: 010-1111-2222, 02-333-4444") == [("phone", "010-1111-2222"), ("phone", "02-333-4444")]


def test_a_word_outside_the_text_names_it() -> None:
    assert kinds("11048291375604") == []
    (span,) = find("11048291375604", label="account_number")
    assert (span.kind, span.start, span.end) == ("account", 0, 14)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("call +1 415 555 2671", "phone"),
        ("+49 30 901820", "phone"),
        ("(415) 555-2671", "phone"),
        ("10-4821-9037로 전화 주세요, 폰 10-4821-9037", "phone"),
        ("0082-10-4821-9037", "phone"),
        ("주민번호 앞자리 880214 뒷자리 1539427", "resident_number"),
        ("팔팔공이일사 다시 일오삼구사이칠", "resident_number"),
        ("double eight zero two one four dash one five three nine four two seven", "resident_number"),
        ("jiwoo (at) naver (dot) com", "email"),
        ("IBAN GB82 WEST 1234 5698 7654 32", "account"),
        ("2001:4860:4860::8888", "ip_address"),
        ("my name is Mina Park", "name"),
        ("address: 482 Garden Street, Springfield", "address"),
    ],
)
def test_less_usual_forms_are_found(text: str, kind: str) -> None:
    assert kind in [found for found, _ in kinds(text, 0.4)]


@pytest.mark.parametrize(
    "text",
    [
        "192.168.0.1",
        "10.2.3.4",
        "v1.2.3.4",
        "support@naver.com",
        "user@example.com",
        "postgres://kim:pw@db.naver.com/x",
        "01010101010",
        "010-0000-0000",
        "주민등록번호 000000-0000000",
        "1588-0010",
        "7c9e6679-010a-4821-9037-e07fc1f90ae7",
        "구구팔팔이삼사",
        "3.141592653589793",
        "일억 이천삼백사십오만",
        "12:34:56",
        "std::vector::size",
        "+12 345",
        "이름은 무엇인가요",
        "4539-1488-0343-6468",
    ],
)
def test_numbers_of_nobody_are_let_be(text: str) -> None:
    assert kinds(text) == []


def test_the_outline_shows_no_digit_and_no_letter() -> None:
    assert outline("０10-4821-9037") == "###-####-####"
    assert not re.search(r"[0-9a-wyz가-힣]", outline("kim.a@naver.com 공일공 M1"))
