"""A question over two passages is kept only where both are needed, and its quotes stand in them."""

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from generators.cases import GUILDS, TWO_HOPS, two_hops
from generators.scripted import PASSAGES, Constrained
from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.core.records import Record
from seodang.data.build.multi_hop import MultiHopSection, find_pairs, multi_hop
from seodang.data.build.sources import BuildSources
from seodang.data.build.units import num_dropped
from seodang.models.chat_model import Message, Sampling
from seodang.scoring.text_match import normalise

SECTION = MultiHopSection(most_holders=3)


def ask(path: Path, say: Any = two_hops) -> tuple[list[Record], dict[str, int]]:
    with closing(Journal(path)) as journal:
        records = multi_hop(BuildSources(passages=PASSAGES[:2]), SECTION, Constrained(say), 1, journal, Progress("build"))
        return records, dict(num_dropped(journal, "multi_hop"))


def test_the_record_has_both_passages_quotes_of_each_and_what_one_alone_gave(tmp_path: Path) -> None:
    ((record,), dropped) = ask(tmp_path / "journal.jsonl")
    assert dropped == {}
    assert record.passages == (PASSAGES[0].id, PASSAGES[1].id)
    assert record.truth["bridge"] == ["harbour", "lend", "office"]
    assert record.truth["alone"] == ["unknown", "unknown"]
    for quote, passage in zip(record.truth["quotes"], PASSAGES, strict=False):
        assert normalise(quote) in normalise(passage.view)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"quote_one": "opens at 9 am on weekdays"}, "a quote does not stand in its passage"),
        ({"quote_other": "opens"}, "a quote does not stand in its passage"),
        ({"quote_one": "ssued at the Harbour offic"}, "a quote does not stand in its passage"),
        ({"answer": "10 am"}, "the answer is not made of the passages' words"),
        ({"question": "Does the Falcon card's office open at 9 am?"}, "the question holds its answer"),
        ({"question": "short"}, "not as the schema says"),
    ],
)
def test_what_shows_without_the_teacher_is_dropped_with_its_reason(tmp_path: Path, change: dict[str, str], reason: str) -> None:
    def say(messages: Sequence[Message], sampling: Sampling) -> str:
        said = two_hops(messages, sampling)
        return json.dumps({**TWO_HOPS, **change}) if said.startswith("{") else said

    assert ask(tmp_path / "journal.jsonl", say) == ([], {reason: 1})


@pytest.mark.parametrize(
    ("right", "reason"),
    [
        ({"one"}, "one passage is enough"),
        ({"other", "both"}, "one passage is enough"),
        (set[str](), "both passages do not lead to the answer"),
    ],
)
def test_a_question_that_one_passage_answers_is_dropped(tmp_path: Path, right: set[str], reason: str) -> None:
    def say(messages: Sequence[Message], sampling: Sampling) -> str:
        prompt = messages[-1].content
        if "Statement 1:" in prompt:
            return two_hops(messages, sampling)
        seen = "both" if PASSAGES[0].view in prompt and PASSAGES[1].view in prompt else "one" if PASSAGES[0].view in prompt else "other"
        return "At 9 am." if seen in right else "unknown"

    assert ask(tmp_path / "journal.jsonl", say) == ([], {reason: 1})


def test_pairs_share_a_rare_word_and_each_passage_has_its_share() -> None:
    pairs = find_pairs([*PASSAGES, *GUILDS], SECTION)
    by_name = {pair.bridge[0]: {pair.one.statement, pair.other.statement} for pair in pairs}
    assert by_name["marl"] == {GUILDS[0].statement, GUILDS[1].statement}
    assert all(pair.one.id != pair.other.id for pair in pairs)
    for passage in [*PASSAGES, *GUILDS]:
        assert sum(passage in (pair.one, pair.other) for pair in pairs) <= SECTION.pairs_per_passage
    assert len(find_pairs([*PASSAGES, *GUILDS], SECTION.model_copy(update={"pairs": 3}))) == 3


def test_passages_that_say_the_same_are_no_pair() -> None:
    twin = replace(PASSAGES[0], start=500, statement="The Falcon card is issued at the Harbour offices.")
    assert find_pairs([PASSAGES[0], twin, *PASSAGES[4:]], SECTION) == find_pairs(PASSAGES[4:], SECTION)


def test_korean_words_are_one_whatever_particle_they_bear() -> None:
    one = replace(PASSAGES[0], statement="매송이는 하늘색 카드를 씁니다.", heading="")
    other = replace(PASSAGES[1], statement="토요일마다 매송이가 문을 늦게 닫습니다.", heading="")
    (pair,) = find_pairs([one, other], SECTION)
    assert pair.bridge == ("매송이",)
