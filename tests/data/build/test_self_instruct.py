"""New tasks are new, of the right language, and written input first or label first."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from generators.cases import new_tasks, word
from generators.scripted import Completing
from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.core.records import Record
from seodang.data.build.generator_texts import load_texts
from seodang.data.build.novelty import rouge_l
from seodang.data.build.self_instruct import SelfInstructSection, self_instruct
from seodang.data.build.sources import BuildSources
from seodang.data.build.units import num_dropped
from seodang.models.chat_model import Message, Sampling

SECTION = SelfInstructSection(rounds=3, lists_per_round=2)
SEEDS = [row["task"] for row in load_texts("self_instruct", "en")["seeds"]]


def run(path: Path, say: Any = new_tasks, records: Sequence[Record] = (), **knobs: Any) -> tuple[list[Record], dict[str, int], Completing]:
    teacher = Completing(say)
    with closing(Journal(path)) as journal:
        found = self_instruct(BuildSources(records=records), SECTION.model_copy(update=knobs), teacher, 3, journal, Progress("build"))
        return found, dict(num_dropped(journal, "self_instruct")), teacher


def listing(*tasks: str) -> Any:
    """A teacher that continues every list with these tasks."""

    def say(messages: Sequence[Message], sampling: Sampling) -> str:
        if messages[-1].content.startswith("Come up"):
            return f" {tasks[0]}\n" + "".join(f"{n}. {task}\n" for n, task in enumerate(tasks[1:], start=10)) + "\n\n"
        return new_tasks(messages, sampling)

    return say


def test_no_task_repeats_an_earlier_one_a_seed_or_a_record(tmp_path: Path) -> None:
    found, _, _ = run(tmp_path / "journal.jsonl")
    assert len(found) == 18
    tasks = [record.truth["task"] for record in found]
    for place, task in enumerate(tasks):
        assert max(rouge_l(task, other) for other in [*SEEDS, *tasks[:place]]) < SECTION.most_alike
        assert found[place].truth["rouge_l"] < SECTION.most_alike


def test_what_is_like_a_seed_a_record_or_itself_is_dropped(tmp_path: Path) -> None:
    known = [Record("general", "Count the red boats in the small harbour.", "Two.", (), "en")]
    say = listing(SEEDS[2], "Count the red boats in the large harbour.", "Draft a plan for one rainy afternoon.")
    found, dropped, _ = run(tmp_path / "journal.jsonl", say, known, rounds=1, lists_per_round=2)
    assert [record.truth["task"] for record in found] == ["Draft a plan for one rainy afternoon."]
    assert dropped == {"too much like an earlier task": 5}


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ("Sing.", "too short or too long a task"),
        ("word " * 151, "too short or too long a task"),
        ("Draw a picture of the harbour.", "a task that text alone cannot do"),
        ("- - - what is that", "a task that does not begin with a word"),
        ("오늘 할 일을 세 가지 적으세요.", "another language"),
    ],
)
def test_a_task_that_cannot_be_used_is_dropped_with_its_reason(tmp_path: Path, task: str, reason: str) -> None:
    assert run(tmp_path / "journal.jsonl", listing(task), rounds=1, lists_per_round=1)[:2] == ([], {reason: 1})


def test_classification_is_written_label_first_and_the_rest_input_first(tmp_path: Path) -> None:
    found, _, teacher = run(tmp_path / "journal.jsonl")
    assert {record.truth["classification"] for record in found} == {True, False}
    ends = {prompt.rsplit("Task: ", 1)[1].split("\n")[0]: prompt.endswith("Output:") for prompt, _ in teacher.asked if "Task: " in prompt}
    for record in found:
        task = record.truth["task"]
        assert ends[task] == record.truth["classification"]
        expected = (f"{task}\n\na text", "good") if ends[task] else (task, "It is done.")
        assert (record.question, record.answer) == expected


def test_a_list_shows_six_of_people_and_two_that_were_made_once_there_are_any(tmp_path: Path) -> None:
    found, _, teacher = run(tmp_path / "journal.jsonl")
    lists = [prompt for prompt, _ in teacher.asked if prompt.startswith("Come up")]
    made = [record.truth["task"] for record in found]
    shown = [sum(task in prompt for task in made) for prompt in lists]
    assert shown == [0, 0, 2, 2, 2, 2]
    assert all(sum(f". {task}\n" in prompt for task in SEEDS) == 8 - count for prompt, count in zip(lists, shown, strict=True))
    assert all(prompt.endswith("9.") for prompt in lists)


def test_the_last_line_of_a_list_that_was_cut_is_no_task(tmp_path: Path) -> None:
    def say(messages: Sequence[Message], sampling: Sampling) -> str:
        if messages[-1].content.startswith("Come up"):
            return f" Tell {word('a', sampling)} of winter.\n10. Name the half of a\0cut"
        return new_tasks(messages, sampling)

    teacher = Completing(say, cut="\0cut")
    with closing(Journal(tmp_path / "journal.jsonl")) as journal:
        knobs = SECTION.model_copy(update={"rounds": 1, "lists_per_round": 1})
        (record,) = self_instruct(BuildSources(), knobs, teacher, 3, journal, Progress("build"))
        assert "winter" in record.question
        assert num_dropped(journal, "self_instruct") == {"cut off": 1}
