"""Generators ask the teacher once for each unit, and a unit that is finished is never asked for again."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import pytest

from seodang.core.errors import ModelError
from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.core.records import Action, Passage, Record, Rule
from seodang.data.build.general import general
from seodang.data.build.next_steps import next_steps
from seodang.data.build.prompt_text import BuildSection, load_prompts
from seodang.data.build.questions import questions
from seodang.data.build.utterances import call_answer, speak_calls, spoken, utterances
from seodang.data.build.written import num_cut_off
from seodang.models.chat_model import Completion, Message, Sampling
from seodang.scoring.tool_call import parse_tool_calls

PASSAGES = [Passage("policy.md", n, n + 1, f"t{n}", "", "", f"Statement number {n} holds.", "en", "MIT") for n in range(19)]
ACTIONS = [Action(f"check_{n}_status", (PASSAGES[n].id,), (f"Checks status {n}.", f"Is used for {n}.")) for n in range(6)]
RULES = [
    Action(
        f"fix_{n}",
        (PASSAGES[n].id,),
        (f"Fixes {n}.",),
        (Rule(PASSAGES[n].id, f"If check_{n}_status() fails"), Rule(PASSAGES[n + 9].id, "if not")),
    )
    for n in range(5)
]
OPENERS = load_prompts("en")["question"]["openers"]
SECTION = BuildSection(question_openers=3, answer_samples=2, utterances_per_action=5, messages_per_rule=4, general_questions=100)


class Killed(Exception):
    """Stands for the end of the process."""


class Writer:
    """Writes the number of the prompt; every fifth answer is cut off. Ends the process, as it were, after `calls` calls."""

    name = "writer"
    synthetic = True

    def __init__(self, calls: int | None = None) -> None:
        self.calls = calls
        self.prompts: list[str] = []
        self.cut: list[str] = []  # prompts whose answers ran into their limit

    @property
    def identity(self) -> dict[str, Any]:
        return {"kind": "fake"}

    def chat(self, conversations: Sequence[Sequence[Message]], sampling: Sampling, num_samples: int = 1) -> list[list[Completion]]:
        return [[Completion(f"About {place}. And more.", "stop", 9, 5)] for place in range(len(conversations))]

    def complete(self, prompts: Sequence[str | Sequence[int]], sampling: Sampling, num_samples: int = 1) -> list[list[Completion]]:
        if self.calls == 0:
            raise Killed
        if self.calls is not None:
            self.calls -= 1
        self.prompts += [str(prompt) for prompt in prompts]
        reasons = ["length" if place % 5 == 4 else "stop" for place in range(len(prompts))]
        self.cut += [str(prompt) for prompt, reason in zip(prompts, reasons, strict=True) if reason == "length"]
        return [
            [Completion(f" said {place} {sample} {sampling.seed}?", reason, 9, 5) for sample in range(num_samples)]
            for place, reason in enumerate(reasons)
        ]


def ask(kind: str, teacher: Any, path: Path, section: BuildSection = SECTION) -> list[Record]:
    journal = Journal(path)
    try:
        if kind == "know":
            return questions(teacher, PASSAGES, section, 7, journal, Progress("build"))
        if kind == "general":
            return general(teacher, section, 7, journal, Progress("build"))
        if kind == "rule":
            return next_steps(teacher, RULES, {passage.id: passage for passage in PASSAGES}, section, 7, journal, Progress("build"))
        return utterances(teacher, ACTIONS, section, "en", 7, journal, Progress("build"))
    finally:
        journal.close()


@pytest.mark.parametrize(("kind", "calls"), [("know", 3), ("know", 4), ("act", 1), ("rule", 2), ("general", 1)])
def test_after_a_kill_only_what_is_missing_is_asked(tmp_path: Path, kind: str, calls: int) -> None:
    whole, killed, rest, none = Writer(), Writer(calls), Writer(), Writer(0)
    expected = ask(kind, whole, tmp_path / "whole.jsonl")
    with pytest.raises(Killed):
        ask(kind, killed, tmp_path / "broken.jsonl")
    assert ask(kind, rest, tmp_path / "broken.jsonl") == expected
    finished = len(whole.prompts) - len(rest.prompts)
    assert 0 < finished <= len(killed.prompts)
    assert whole.prompts[finished:] == rest.prompts
    assert ask(kind, none, tmp_path / "broken.jsonl") == expected


@pytest.mark.parametrize("kind", ["know", "act", "rule", "general"])
def test_every_text_that_was_cut_off_is_counted_and_none_is_taught(tmp_path: Path, kind: str) -> None:
    writer, path = Writer(), tmp_path / "journal.jsonl"
    records = ask(kind, writer, path)
    written = [prompt for prompt in writer.cut if kind != "know" or prompt.endswith(tuple(OPENERS))]  # the others are compared, not taught
    assert len(written) > 5
    with closing(Journal(path)) as journal:
        assert num_cut_off(journal) == len(written)
    assert not [record for record in records if " said 4 " in record.question or " said 9 " in record.question]


def test_a_question_keeps_its_passage_and_quotes_its_statement(tmp_path: Path) -> None:
    writer = Writer()
    records = ask("know", writer, tmp_path / "journal.jsonl")
    statements = {passage.id: passage.statement for passage in PASSAGES}
    assert {record.passages[0] for record in records} == set(statements)
    for record in records:
        assert record.kind == "know"
        assert record.answer == statements[record.passages[0]]
        assert len(record.samples) == SECTION.answer_samples
        assert record.question.endswith("?")
    asked = [prompt for prompt in writer.prompts if prompt.endswith(tuple(OPENERS))]
    assert len(asked) == len(PASSAGES) * SECTION.question_openers
    assert 0.75 * len(asked) < len(records) < len(asked), "what was cut off is dropped"


def test_a_message_is_answered_by_a_call_of_its_action(tmp_path: Path) -> None:
    writer = Writer()
    records = ask("act", writer, tmp_path / "journal.jsonl")
    assert {record.action for record in records} == {action.name for action in ACTIONS}
    for record in records:
        assert record.kind == "act"
        (call,) = parse_tool_calls(record.answer[record.answer.index("[") :]) or []
        assert call.name == record.action
    for action in ACTIONS:
        seen = [prompt for prompt in writer.prompts if spoken(action.name) in prompt.rsplit("\n\n", 1)[-1]]
        assert len(seen) == SECTION.utterances_per_action
        assert all(any(situation in prompt for prompt in seen) for situation in action.situations)


def test_a_message_after_a_rule_has_the_passages_of_its_rule_and_its_action(tmp_path: Path) -> None:
    writer = Writer()
    records = ask("rule", writer, tmp_path / "journal.jsonl")
    assert {(record.action, record.passages) for record in records} == {
        (a.name, tuple(dict.fromkeys((rule.passage, a.passages[0])))) for a in RULES for rule in a.rules
    }
    assert all(record.kind == "act" and record.answer.endswith(f"[{record.action}()]") for record in records)
    assert len(writer.prompts) == sum(len(action.rules) for action in RULES) * SECTION.messages_per_rule


def test_a_general_question_has_no_passage_and_one_sentence_as_its_answer(tmp_path: Path) -> None:
    writer = Writer()
    records = ask("general", writer, tmp_path / "journal.jsonl")
    assert len(writer.prompts) == SECTION.general_questions
    assert 0.6 * len(writer.prompts) < len(records) < len(writer.prompts), "what was cut off is dropped"
    for record in records:
        assert (record.kind, record.passages) == ("general", ())
        assert record.answer.startswith("About ")
        assert record.answer.count(".") == 1


def test_a_rule_is_read_with_the_names_of_actions_as_words() -> None:
    text = 'If `check_sim_status(mode="x")` shows no card, use reseat_sim_card().'
    assert speak_calls(text) == "If `check sim status` shows no card, use reseat sim card."


@pytest.mark.parametrize(
    ("kind", "knob"), [("act", "utterances_per_action"), ("rule", "messages_per_rule"), ("general", "general_questions")]
)
def test_no_message_is_asked_for_where_none_is_wanted(tmp_path: Path, kind: str, knob: str) -> None:
    none = SECTION.model_copy(update={knob: 0})
    assert ask(kind, Writer(0), tmp_path / "journal.jsonl", none) == []


def test_a_teacher_that_cannot_continue_text_is_refused(tmp_path: Path) -> None:
    class Chatter:
        name = "chatter"
        synthetic = True
        identity: ClassVar[dict[str, Any]] = {}

        def chat(self, conversations: Any, sampling: Any, num_samples: int = 1) -> Any:
            raise AssertionError

    with pytest.raises(ModelError, match="raw completion"):
        ask("know", Chatter(), tmp_path / "journal.jsonl")


def test_an_action_is_spoken_in_words_and_called_by_name() -> None:
    assert spoken("toggle_wifi_calling") == "toggle wifi calling"
    action = Action("toggle_wifi_calling", ("p",), ("Turns it on. Or off.", "Is used at home."))
    assert call_answer(action) == "Turns it on. [toggle_wifi_calling()]"
