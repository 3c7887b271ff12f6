"""Personas cover every value of every axis evenly, whatever a filter drops."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.cases import as_persona
from generators.scripted import PASSAGES, Scripted
from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.core.records import Record
from seodang.data.build.generator_texts import load_texts
from seodang.data.build.persona import PersonaSection, coverage, draw_personas, persona
from seodang.data.build.sources import BuildSources
from seodang.data.build.units import num_dropped
from seodang.models.chat_model import Message, Sampling

AXES = load_texts("persona", "en")["axes"]


def run(path: Path, say: Any = as_persona, passages: Any = PASSAGES, **knobs: Any) -> tuple[list[Record], dict[str, int]]:
    with closing(Journal(path)) as journal:
        found = persona(BuildSources(passages=passages), PersonaSection(**knobs), Scripted(say), 4, journal, Progress("build"))
        return found, dict(num_dropped(journal, "persona"))


@settings(max_examples=30)
@given(count=st.integers(1, 80), seed=st.integers(0, 99))
def test_every_value_of_an_axis_has_its_share_within_one(count: int, seed: int) -> None:
    drawn = draw_personas(AXES, count, coverage(AXES, []), Random(seed))
    for axis, values in AXES.items():
        counts = [sum(one[axis] == value for one in drawn) for value in values]
        assert max(counts) - min(counts) <= 1


def test_what_is_dropped_is_asked_for_again_in_the_same_bucket(tmp_path: Path) -> None:
    """A teacher that fails half of the time for one kind of work: its bucket is filled all the same."""

    def say(messages: Sequence[Message], sampling: Sampling) -> str:
        said = as_persona(messages, sampling)
        return "첫째로 이것을 알려 주세요" if "a baker" in messages[-1].content and len(said) % 2 else said

    found, dropped = run(tmp_path / "journal.jsonl", say, personas=240)
    assert dropped["another language"] > 3
    counts = coverage(AXES, found)["work"]
    assert max(counts.values()) - min(counts.values()) <= 3


def test_with_passages_the_answer_is_the_statement_and_all_are_asked_about(tmp_path: Path) -> None:
    found, _ = run(tmp_path / "journal.jsonl", personas=30)
    statements = {passage.id: passage.statement for passage in PASSAGES}
    assert {record.passages[0] for record in found} == set(statements)
    assert all(record.answer == statements[record.passages[0]] for record in found)
    assert all(set(record.truth["persona"]) == set(AXES) for record in found)


def test_without_passages_the_teacher_answers(tmp_path: Path) -> None:
    def say(messages: Sequence[Message], sampling: Sampling) -> str:
        prompt = messages[-1].content
        return as_persona(messages, sampling) if "asks an assistant" in prompt else f"Answer to «{prompt}»"

    found, _ = run(tmp_path / "journal.jsonl", say, (), personas=9)
    assert len(found) == 9
    assert all(record.answer == f"Answer to «{record.question}»" and record.passages == () for record in found)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_table_names_nobody_and_each_value_once(language: str) -> None:
    axes = load_texts("persona", language)["axes"]
    assert all(len(values) == len(set(values)) >= 5 for values in axes.values())
    assert len(axes["work"]) >= 12
    if language == "en":
        assert all(value == value.lower() for values in axes.values() for value in values), "no proper names"
