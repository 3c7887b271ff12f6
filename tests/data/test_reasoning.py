"""What a thinking teacher thought is kept with its record, and what was cut off is neither taught nor forgotten."""

from collections.abc import Sequence
from pathlib import Path

from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.core.records import Passage, Record
from seodang.data.build.general import general
from seodang.data.build.prompt_text import BuildSection
from seodang.data.build.questions import questions
from seodang.data.build.written import num_cut_off
from seodang.models.chat_model import Completion, Message, Sampling
from seodang.models.think import ThinkMode

PASSAGES = [Passage("policy.md", n, n + 1, f"t{n}", "", "", f"Statement number {n} holds.", "en", "MIT") for n in range(6)]
SECTION = BuildSection(question_openers=2, answer_samples=1, general_questions=8, reasoning_tokens=100)


class Thinker:
    """Thinks about each question; of each four answers the second is cut off while thinking, the third after a full stop."""

    name = "thinker"
    synthetic = True

    def __init__(self, thinking: ThinkMode) -> None:
        self.thinking = thinking
        self.asked: list[str] = []
        self.samplings: list[Sampling] = []

    @property
    def identity(self) -> dict[str, str]:
        return {"kind": "fake"}

    def chat(self, conversations: Sequence[Sequence[Message]], sampling: Sampling, num_samples: int = 1) -> list[list[Completion]]:
        self.samplings.append(sampling)
        self.asked += [conversation[-1].content for conversation in conversations]
        thought = "Let me see.\n\nYes." if self.thinking is ThinkMode.ON else ""
        kinds = [
            Completion("It is so. And more.", "stop", 9, 5, reasoning=thought),
            Completion("", "length", 9, 5, reasoning=thought) if thought else Completion("It is", "length", 9, 5),
            Completion("It costs 3.", "length", 9, 5, reasoning=thought),
            Completion("It is so. It costs 3.", "length", 9, 5, reasoning=thought),
        ]
        return [[kinds[place % 4]] for place in range(len(conversations))]

    def complete(self, prompts: Sequence[str | Sequence[int]], sampling: Sampling, num_samples: int = 1) -> list[list[Completion]]:
        reasons = ["length" if place % 4 == 3 else "stop" for place in range(len(prompts))]
        return [[Completion(f" said {place}?", reason, 9, 5)] * num_samples for place, reason in enumerate(reasons)]


def build(kind: str, mode: ThinkMode, path: Path) -> tuple[list[Record], int, Thinker]:
    teacher, journal = Thinker(mode), Journal(path)
    try:
        make = {
            "know": lambda: questions(teacher, PASSAGES, SECTION, 7, journal, Progress("build")),
            "general": lambda: general(teacher, SECTION, 7, journal, Progress("build")),
        }
        return make[kind](), num_cut_off(journal), teacher
    finally:
        journal.close()


def test_an_everyday_answer_keeps_its_reasoning(tmp_path: Path) -> None:
    records, num_cut, teacher = build("general", ThinkMode.ON, tmp_path / "journal.jsonl")
    assert {record.reasoning for record in records} == {"Let me see.\n\nYes."}
    assert {record.answer for record in records} == {"It is so."}
    # Two of eight questions were cut off, and three of the six answers: two while thinking, one right after a full stop.
    assert (len(teacher.asked), len(records), num_cut) == (6, 3, 5)
    assert all(sampling.stop == () and sampling.max_new_tokens > SECTION.reasoning_tokens for sampling in teacher.samplings)


def test_without_thinking_records_have_no_reasoning_and_answers_are_cut_as_before(tmp_path: Path) -> None:
    for mode in (ThinkMode.OFF, ThinkMode.NONE):
        records, _, teacher = build("general", mode, tmp_path / f"{mode}.jsonl")
        assert {record.reasoning for record in records} == {""}
        assert {record.answer for record in records} == {"It is so."}
        assert [sampling.stop for sampling in teacher.samplings] == [("\n",)]
        records, _, teacher = build("know", mode, tmp_path / f"know-{mode}.jsonl")
        assert {record.reasoning for record in records} == {""}
        assert teacher.asked == []


def test_a_quoted_statement_keeps_the_reasoning_of_a_whole_open_book_answer(tmp_path: Path) -> None:
    records, num_cut, teacher = build("know", ThinkMode.ON, tmp_path / "journal.jsonl")
    assert len(records) == len(teacher.asked) == 9
    assert num_cut == 3
    assert [bool(record.reasoning) for record in records] == [place % 4 == 0 for place in range(9)]
    for record, asked in zip(records, teacher.asked, strict=True):
        assert record.question in asked
        assert record.answer in asked, "the passage was in view"
        assert ("It is so. And more." in record.samples) == bool(record.reasoning)
    again, cut_again, none = build("know", ThinkMode.ON, tmp_path / "journal.jsonl")
    assert (again, cut_again, none.asked) == (records, num_cut, [])


def test_a_record_with_reasoning_is_another_record_and_one_without_keeps_its_id() -> None:
    plain = Record("know", "What?", "This.", ("p",), "en")
    thought = Record("know", "What?", "This.", ("p",), "en", reasoning="Hm.")
    assert plain.id == "b0f8f9368ec12d62"
    assert thought.id != plain.id
    assert Record.from_row(thought.row()) == thought
