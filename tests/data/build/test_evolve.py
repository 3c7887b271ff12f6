"""Evolved instructions: each goes on from the one before, and what the paper eliminates is eliminated."""

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from generators.cases import RECORDS, harder
from generators.scripted import Scripted
from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.core.records import Record
from seodang.data.build.evolve import EvolveSection, evolve
from seodang.data.build.generator_texts import load_texts
from seodang.data.build.sources import BuildSources
from seodang.data.build.units import num_dropped
from seodang.models.chat_model import Message, Sampling


def run(path: Path, say: Any = harder, records: Sequence[Record] = RECORDS, **knobs: Any) -> tuple[list[Record], dict[str, int]]:
    with closing(Journal(path)) as journal:
        found = evolve(BuildSources(records=records), EvolveSection(**knobs), Scripted(say), 5, journal, Progress("build"))
        return found, dict(num_dropped(journal, "evolve"))


def test_each_round_goes_on_from_the_one_before_and_says_from_what_it_was_made(tmp_path: Path) -> None:
    found, _ = run(tmp_path / "journal.jsonl", rounds=3)
    by_id = {record.id: record for record in [*RECORDS, *found]}
    assert Counter(record.truth["depth"] for record in found) == {1: 20, 2: 20, 3: 20}
    for record in found:
        parent = by_id[record.passages[0]]
        assert parent.question == record.truth["from"]
        assert record.question.startswith(parent.question)
        assert record.truth["depth"] == 1 + parent.truth.get("depth", 0)
        assert record.answer == f"A whole answer to {len(record.question)} letters."


def test_all_operations_are_used_and_breadth_by_its_share(tmp_path: Path) -> None:
    found, _ = run(tmp_path / "journal.jsonl", rounds=4)
    used = Counter(record.truth["operation"] for record in found)
    assert set(used) == {"breadth", *load_texts("evolve", "en")["depth"]}
    assert 0.05 < used["breadth"] / used.total() < 0.35
    only = run(tmp_path / "other.jsonl", rounds=1, breadth_share=1.0)[0]
    assert {record.truth["operation"] for record in only} == {"breadth"}


@pytest.mark.parametrize(
    ("part", "said", "reason"),
    [
        ("judge", "equal", "no gain over the instruction before"),
        ("evolved", "{before}", "no gain over the instruction before"),
        ("evolved", "The rewritten instruction: name it.", "words of the prompt in it"),
        ("answer", "Sorry, as an AI I cannot do that.", "a short refusal as the answer"),
        ("answer", "...", "an answer without words of content"),
        ("answer", "", "empty"),
    ],
)
def test_what_is_no_gain_is_eliminated_and_the_one_before_is_tried_again(tmp_path: Path, part: str, said: str, reason: str) -> None:
    asked: list[str] = []

    def say(messages: Sequence[Message], sampling: Sampling) -> str:
        prompt = messages[-1].content
        here = "judge" if prompt.startswith("First:") else "evolved" if "Instruction: " in prompt else "answer"
        if here == "evolved":
            asked.append(prompt.rsplit("Instruction: ", 1)[1])
        return said.format(before=asked[-1]) if here == part else harder(messages, sampling)

    found, dropped = run(tmp_path / "journal.jsonl", say, RECORDS[:1], rounds=3)
    assert (found, dropped) == ([], {reason: 3})
    assert asked == [RECORDS[0].question] * 3


def test_a_long_answer_with_an_apology_in_it_stays(tmp_path: Path) -> None:
    def say(messages: Sequence[Message], sampling: Sampling) -> str:
        said = harder(messages, sampling)
        return f"Sorry {said} " + "and so on " * 40 if said.startswith("A whole") else said

    assert len(run(tmp_path / "journal.jsonl", say, RECORDS[:1], rounds=1)[0]) == 1


def test_without_records_it_starts_from_its_own_seeds(tmp_path: Path) -> None:
    found, _ = run(tmp_path / "journal.jsonl", records=[], rounds=1)
    assert {record.truth["from"] for record in found} == set(load_texts("evolve", "en")["seeds"])
    assert all(record.passages == () for record in found)
