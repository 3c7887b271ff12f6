"""Conversations keep to their document's order, and one turn that cannot be used ends the whole."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from generators.cases import MANUALS, talk
from generators.scripted import PASSAGES, Scripted
from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.core.records import Record
from seodang.data.build.dialogue import DialogueSection, dialogue, find_windows
from seodang.data.build.sources import BuildSources
from seodang.data.build.units import num_dropped
from seodang.models.chat_model import Message, Sampling


def run(path: Path, say: Any = talk, passages: Any = PASSAGES, **knobs: Any) -> tuple[list[Record], dict[str, int], Scripted]:
    teacher = Scripted(say)
    with closing(Journal(path)) as journal:
        found = dialogue(BuildSources(passages=passages), DialogueSection(**knobs), teacher, 4, journal, Progress("build"))
        return found, dict(num_dropped(journal, "dialogue")), teacher


def test_turns_alternate_and_each_answer_is_from_its_own_passage(tmp_path: Path) -> None:
    found, dropped, teacher = run(tmp_path / "journal.jsonl", turns=3)
    assert (len(found), dropped) == (2, {})
    for record, passages in zip(found, (PASSAGES[:3], PASSAGES[3:]), strict=True):
        assert record.passages == tuple(record.truth["turn_passages"]) == tuple(passage.id for passage in passages)
        assert [turn["role"] for turn in record.turns] == ["user", "assistant"] * 2 + ["user"]
        assert record.question == record.turns[-1]["content"]
        assert [turn["content"] for turn in record.turns[1::2]] + [record.answer] == [passage.statement for passage in passages]
    asked = [prompt for prompt, _ in teacher.asked if "Write the customer's next message" in prompt]
    assert sum("(Nothing was said yet.)" in prompt for prompt in asked) == 2
    assert PASSAGES[0].statement in asked[2], "the customer knows what was said"
    assert not any(PASSAGES[1].statement in prompt for prompt in asked[:2]), "and not what will be said"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("It opens at 10 pm on weekdays.", "an answer that its passages do not support"),
        ("You should ask Mr Henderson at the Harbour office.", "an answer that its passages do not support"),
        ("Purple giraffes sing of distant mountains.", "an answer that its passages do not support"),
        ("", "empty"),
    ],
)
def test_an_answer_that_invents_something_ends_the_conversation(tmp_path: Path, said: str, reason: str) -> None:
    def say(messages: Sequence[Message], sampling: Sampling) -> str:
        prompt = messages[-1].content
        return said if "Write the desk's answer" in prompt and PASSAGES[1].statement in prompt else talk(messages, sampling)

    found, dropped, teacher = run(tmp_path / "journal.jsonl", say, PASSAGES[:3], turns=3)
    assert (found, dropped) == ([], {reason: 1})
    assert len(teacher.asked) == 4, "nothing is asked after the turn that failed"


def test_windows_are_runs_of_one_document_in_its_order() -> None:
    windows = find_windows([*reversed(MANUALS)], DialogueSection(turns=4))
    assert len(windows) == 7
    for window in windows:
        assert len({passage.document for passage in window}) == 1
        assert [passage.start for passage in window] == sorted(passage.start for passage in window)
    fewer = find_windows(MANUALS, DialogueSection(turns=2, dialogues=7))
    assert len({window[0].document for window in fewer}) == 7, "spread over all documents"
    assert find_windows([replace(PASSAGES[0], document="one.md")], DialogueSection(turns=2)) == []
