"""More questions where the student knows less, all that were asked for, and a floor for everybody."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.cases import ask_more
from generators.scripted import PASSAGES, Completing, Scoring
from seodang.core.errors import RecipeError
from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.core.records import Record
from seodang.data.build.gaps import GapsSection, allocate, gaps, student_gaps
from seodang.data.build.sources import BuildSources

GAPS = st.lists(st.floats(0, 20), min_size=1, max_size=30)


def knows_little_of_roaming(prompt: str, answer: str) -> float:
    return -4.0 if "Roaming" in answer else -0.5


def run(path: Path, records: list[Record], **knobs: Any) -> tuple[list[Record], Completing]:
    teacher = Completing(ask_more)
    sources = BuildSources(passages=PASSAGES, records=records, student=Scoring(ask_more, knows_little_of_roaming))
    with closing(Journal(path)) as journal:
        return gaps(sources, GapsSection(**knobs), teacher, 4, journal, Progress("build")), teacher


def test_the_wider_the_gap_the_more_is_asked(tmp_path: Path) -> None:
    found, _ = run(tmp_path / "journal.jsonl", [], questions=26, floor=1)
    counts = [sum(record.passages == (passage.id,) for record in found) for passage in PASSAGES]
    assert counts == [2, 2, 2, 2, 9, 9]
    for record in found:
        (passage,) = (one for one in PASSAGES if one.id == record.passages[0])
        assert (record.kind, record.answer) == ("know", passage.statement)
        assert record.truth["gap"] == (4.0 if "Roaming" in passage.statement else 0.5)
        assert record.samples


def test_openers_differ_before_they_repeat(tmp_path: Path) -> None:
    found, _ = run(tmp_path / "journal.jsonl", [], questions=40, floor=2)
    first_words = [record.question.split(" about")[0] for record in found if record.passages == (PASSAGES[5].id,)]
    assert len(set(first_words)) == len(first_words) > 8


@given(found=GAPS, more=st.integers(0, 200), floor=st.integers(0, 3), most=st.integers(3, 12))
def test_shares_add_up_and_keep_to_floor_and_most(found: list[float], more: int, floor: int, most: int) -> None:
    total = floor * len(found) + more
    shares = allocate(found, total, floor, most)
    assert sum(shares) == min(total, most * len(found))
    assert all(floor <= share <= most for share in shares)
    for one, share in zip(found, shares, strict=True):
        for other, others_share in zip(found, shares, strict=True):
            assert share >= others_share or one <= other, "who knows less is never asked about less"


@given(found=st.lists(st.floats(0.5, 20), min_size=1, max_size=30), more=st.integers(0, 400))
def test_without_a_ceiling_shares_are_the_proportion_within_one(found: list[float], more: int) -> None:
    for share, gap in zip(allocate(found, more, 0, 1000), found, strict=True):
        assert abs(share - more * gap / sum(found)) < 1 + 1e-6


def test_a_floor_that_is_more_than_all_is_refused() -> None:
    with pytest.raises(RecipeError, match="a floor of 2 for each of 3 passages"):
        allocate([1.0, 2.0, 3.0], 5, 2, 9)


def test_the_student_is_scored_on_its_own_earlier_questions_where_there_are_any() -> None:
    seen: list[str] = []

    def score(prompt: str, answer: str) -> float:
        seen.append(prompt)
        return -2.0 if "hard" in prompt else -1.0

    asked = [Record("know", f"{way} question?", PASSAGES[0].statement, (PASSAGES[0].id,), "en") for way in ("hard", "easy", "third")]
    found = student_gaps(Scoring(ask_more, score), PASSAGES[:2], asked, GapsSection(scored_questions=2))
    assert found == [1.5, 1.0]
    assert ["question" in prompt for prompt in seen] == [True, True, False]
    assert "Lending" in seen[2]


def test_a_leaf_may_be_all_that_stands_under_one_heading() -> None:
    def score(prompt: str, answer: str) -> float:
        return -float(len(answer))

    wide = student_gaps(Scoring(ask_more, score), PASSAGES, [], GapsSection(leaf="heading"))
    assert wide[0] == wide[1] == wide[2] == wide[3] != wide[4] == wide[5]
    other = [replace(PASSAGES[0], document="other.md"), PASSAGES[1]]
    apart = student_gaps(Scoring(ask_more, score), other, [], GapsSection(leaf="heading"))
    assert apart[0] != apart[1], "headings of two documents are two leaves"
