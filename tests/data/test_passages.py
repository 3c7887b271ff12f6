"""Passages are exact spans of their document, each a statement that can be read alone."""

import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import lists, sampled_from, text

from seodang.core.records import Passage
from seodang.data.passages import split_passages

PIECES = [
    "# Returns\n",
    "## 환불\n",
    "- a bullet of the list\n",
    "  - one below it: with more words\n",
    "3. third step of all.\n",
    "The desk opens at 9 am. It closes at 6 pm.\n",
    "구매 후 14일 안에 환불됩니다. 다만 소모품은 제외됩니다.\n",
    "| Plan | Data |\n",
    "|---|:---:|\n",
    "| Basic | 2 GB |\n",
    "> quoted by somebody else here\n",
    "```\n",
    "\n",
    "   \t\n",
    "---\n",
    'She said "Stop. Wait here." Then she left.\n',
    "a line that is wrapped after so many words that it must go on\nin the next one.\n",
]

unhurried = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # properties are not about speed


def passages(document: str, language: str = "en") -> list[Passage]:
    return split_passages("manual.md", document, language=language, license="MIT")


def statements(document: str, language: str = "en") -> list[str]:
    return [passage.statement for passage in passages(document, language)]


def views(document: str, language: str = "en") -> list[str]:
    return [passage.view for passage in passages(document, language)]


def check_spans(document: str, language: str) -> None:
    place = 0
    for passage in passages(document, language):
        assert document[passage.start : passage.end] == passage.text
        assert passage.text == passage.text.strip() != ""
        assert "\n" not in passage.statement
        assert passage.start >= place, "passages overlap or are out of order"
        place = passage.end


@unhurried
@given(text(), sampled_from(["en", "ko"]))
def test_any_text_gives_exact_spans_in_order(document: str, language: str) -> None:
    check_spans(document, language)


@unhurried
@given(lists(sampled_from(PIECES), max_size=12), sampled_from(["en", "ko"]), sampled_from(["NFC", "NFD"]))
def test_any_markdown_gives_exact_spans_in_order(pieces: list[str], language: str, form: str) -> None:
    check_spans(unicodedata.normalize(form, "".join(pieces)), language)  # pyright: ignore[reportArgumentType]


@unhurried
@given(text(alphabet=" \t\n\r\f\v\u00a0\u3000\u2028-*>#|`.:"))
def test_white_space_and_marks_give_no_passage(document: str) -> None:
    assert passages(document) == []


def test_a_sentence_is_read_with_its_heading() -> None:
    assert views("# Returns\nA lost receipt costs **two** weeks. Ask `return_desk` for one.") == [
        "Returns: A lost receipt costs two weeks.",
        "Returns: Ask return_desk for one.",
    ]


def test_a_sentence_that_leans_has_the_one_before_it() -> None:
    found = passages("The token expires daily. It is renewed at night.")
    assert [passage.lead for passage in found] == ["", "The token expires daily."]
    korean = passages("환불은 14일 안에 됩니다. 다만 소모품은 제외됩니다. 이것은 바뀌지 않습니다.", "ko")
    assert [bool(passage.lead) for passage in korean] == [False, True, True]


def test_short_bullets_are_one_statement_with_the_line_above_them() -> None:
    document = "Each bill has:\n- an id\n- a date\n- items that were bought on it and their prices\n"
    found = passages(document)
    assert found[0].view == "Each bill has: an id, a date"
    assert found[1].view == "Each bill has: items that were bought on it and their prices"
    assert found[0].text == "- an id\n- a date"


def test_short_korean_bullets_that_are_sentences_stay_apart() -> None:
    assert statements("- 전원을 누릅니다.\n- 5초간 기다립니다.\n", "ko") == ["전원을 누릅니다.", "5초간 기다립니다."]


def test_a_bullet_below_another_is_read_with_it() -> None:
    document = "1. check_bar - Shows the icons at the top.\n   - Battery level as a percentage\n2. Other things are not shown there\n"
    assert views(document)[1] == "check_bar: Battery level as a percentage"


@pytest.mark.parametrize(
    "document",
    [
        "The warranty of this machine lasts for two years, counted\nfrom the day on which it was bought.",
        "- The warranty of this machine lasts\n  for two years from the day it was bought.",
        "이 제품의 보증 기간은 구입한 날부터 이 년이며 소모품에는\n적용되지 않습니다.",
        "> The warranty of this machine lasts for two years, counted\n> from the day on which it was bought.",
    ],
)
def test_a_sentence_wrapped_over_two_lines_is_one_passage(document: str) -> None:
    (found,) = passages(document, "ko" if "제품" in document else "en")
    assert found.text == document.removeprefix("- ").removeprefix("> ")
    assert "\n" not in found.statement
    assert ">" not in found.statement


def test_lines_that_end_are_not_joined() -> None:
    document = "Opening hours of the desk\nMonday from nine to six\nClosed on other days."
    assert statements(document) == document.split("\n")
    assert len(passages("The first rule of the house is to be quiet at all times.\nthe second is like it.")) == 2


def test_a_row_of_a_table_is_read_with_its_columns() -> None:
    document = "# Plans\n\n| Plan | Data | Price |\n| --- | --- | ---: |\n| Basic | 2 GB | $10 |\n| Max | 50 GB | |\n"
    assert views(document) == ["Plans: Plan: Basic, Data: 2 GB, Price: $10", "Plans: Plan: Max, Data: 50 GB"]


def test_code_front_matter_rules_and_addresses_are_left_out() -> None:
    page = "---\ntitle: A page about many things\n---\nSee [the long guide](https://example.org/x_y) first.\n\n"
    document = page + "```\nrm all of it now\n```\n* * *\n"
    assert statements(document) == ["See the long guide first."]


def test_an_abbreviation_does_not_end_a_sentence() -> None:
    assert len(passages("Use a cable, e.g. USB or serial, with Dr. Kim nearby.")) == 1


def test_hangul_in_either_form_is_cut_alike() -> None:
    document = "# 환불\n구매 후 14일 안에 신청합니다. 영수증이 없으면 교환만 됩니다.\n"
    decomposed = unicodedata.normalize("NFD", document)
    assert len(decomposed) > len(document)
    assert [unicodedata.normalize("NFC", p.text) for p in passages(decomposed, "ko")] == [p.text for p in passages(document, "ko")]
