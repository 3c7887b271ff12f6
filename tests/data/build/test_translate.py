"""Translation pairs: numbers by value, codes by letter, and a way back that says the same."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.cases import KOREAN, both_ways
from generators.scripted import PASSAGES, Scripted
from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.core.records import Record
from seodang.data.build.sources import BuildSources
from seodang.data.build.translate import TranslateSection, codes, lost_in_translation, numbers, translate
from seodang.data.build.units import num_dropped
from seodang.models.chat_model import Message, Sampling

PRICE = PASSAGES[4]


def run(path: Path, say: Any = both_ways, passages: Any = PASSAGES) -> tuple[list[Record], dict[str, int]]:
    with closing(Journal(path)) as journal:
        found = translate(BuildSources(passages=passages), TranslateSection(), Scripted(say), 4, journal, Progress("build"))
        return found, dict(num_dropped(journal, "translate"))


def test_english_goes_to_korean_and_korean_to_english(tmp_path: Path) -> None:
    korean = [replace(passage, statement=KOREAN[passage.statement], language="ko", document="ko.md") for passage in PASSAGES[:3]]
    found, dropped = run(tmp_path / "journal.jsonl", passages=[*PASSAGES, *korean])
    assert (len(found), dropped) == (9, {})
    pairs = {**KOREAN, **{korean: english for english, korean in KOREAN.items()}}
    for record in found:
        assert record.answer == pairs[record.truth["original"]]
        assert record.question.endswith(record.truth["original"])
        assert record.truth["back"] == record.truth["original"]
        assert record.truth["similarity"] == 1.0
    assert [record.language for record in found] == ["ko"] * 6 + ["en"] * 3


@pytest.mark.parametrize(
    ("there", "back", "reason"),
    [
        ("로밍은 한 달에 3만 원입니다.", PRICE.statement, "a number was lost"),
        ("로밍은 한 달에 3만 3천 원, 부가세는 3,300원입니다.", PRICE.statement, "a number was added"),
        ("Roaming costs 33,000 won a month.", PRICE.statement, "not in the language that was asked for"),
        (KOREAN[PRICE.statement], "Bananas grow best in warm rain.", "the way back says something else"),
        (KOREAN[PRICE.statement], "", "the way back was empty"),
    ],
)
def test_a_pair_that_lost_something_is_dropped_with_its_reason(tmp_path: Path, there: str, back: str, reason: str) -> None:
    def say(messages: Sequence[Message], sampling: Sampling) -> str:
        return there if "into Korean" in messages[-1].content else back

    assert run(tmp_path / "journal.jsonl", say, [PRICE]) == ([], {reason: 1})


def test_a_name_of_a_tool_must_come_through() -> None:
    english = PASSAGES[5].statement
    assert lost_in_translation(english, KOREAN[english]) == ""
    assert lost_in_translation(english, "로밍은 LTE 메뉴에서 켭니다.") == "a name or code was lost"
    assert codes(english) == {"lte", "toggle_roaming"}
    assert codes("SM-S921의 USIM은 3GB") == {"sm-s921", "usim"}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("5만 5천 원", [55000]),
        ("5만5천원", [55000]),
        ("1억 2,000만 원과 3천만 원", [120_000_000, 30_000_000]),
        ("1.2 million won, 3 GB", [1_200_000, 3]),
        ("2026년 1월 5일", [2026, 1, 5]),
        ("1조 2천억", [1_200_000_000_000]),
        ("3천 5백만 원", [35_000_000]),
        ("2백만 명", [2_000_000]),
        ("３３,０００원", [33000]),
        ("1588-0010", [1588, 10]),
        ("Version 3.5. Next", [3.5]),
        ("만 원", []),
    ],
)
def test_numbers_are_their_values(text: str, values: list[float]) -> None:
    assert numbers(text) == values


@given(st.integers(1, 10**12 - 1))
def test_a_number_written_in_korean_units_is_the_number(number: int) -> None:
    parts = [(number // 10**8, "억"), (number // 10**4 % 10**4, "만"), (number % 10**4, "")]
    written = " ".join(f"{part:,}{unit}" for part, unit in parts if part)
    assert numbers(f"모두 {written} 원") == [number] == numbers(f"{number:,} won")
