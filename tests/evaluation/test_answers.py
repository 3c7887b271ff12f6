"""A model's answers are the same whether or not the run was killed on the way."""

from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers

from seodang.core.errors import ModelError
from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.evaluation.answers import answer_exam, bare_question
from seodang.evaluation.exam import ExamItem
from seodang.evaluation.summary import Arm, summarise
from seodang.models.chat_model import Completion, Message, Sampling

ITEMS = [ExamItem(f"know-{number}", "know", f"question {number}", (str(number),), ("wrong",)) for number in range(23)]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(tmp_path / "journal")) as opened:
        yield opened


class Echo:
    """Says the question and the size of its batch, and dies at a chosen call."""

    synthetic = True

    def __init__(self, dies_at: int | None = None, name: str = "echo") -> None:
        self.name = name
        self.dies_at = dies_at
        self.batches: list[list[list[Message]]] = []
        self.samplings: list[Sampling] = []

    @property
    def identity(self) -> dict[str, Any]:
        return {"kind": "echo", "name": self.name}

    def chat(self, conversations: Sequence[Sequence[Message]], sampling: Sampling, num_samples: int = 1) -> list[list[Completion]]:
        if len(self.batches) == self.dies_at:
            raise KeyboardInterrupt
        self.batches.append([list(conversation) for conversation in conversations])
        self.samplings.append(sampling)
        said = [f"{conversation[-1].content} in a batch with {len(conversations)}" for conversation in conversations]
        return [[Completion(text, "stop", 5, len(text))] * num_samples for text in said]


@settings(max_examples=20, deadline=None)
@given(dies_at=integers(0, 4), batch_size=integers(1, 9))
def test_a_killed_run_resumes_to_the_same_answers_without_asking_twice(
    tmp_path_factory: pytest.TempPathFactory, dies_at: int, batch_size: int
):
    folder = tmp_path_factory.mktemp("answers")
    unbroken, first, second = Echo(), Echo(dies_at=dies_at), Echo()
    with closing(Journal(folder / "whole")) as journal:
        expected = answer_exam(unbroken, ITEMS, journal, batch_size=batch_size)
    with closing(Journal(folder / "killed")) as journal, suppress(KeyboardInterrupt):
        answer_exam(first, ITEMS, journal, batch_size=batch_size)
    with (folder / "killed").open("ab") as torn:
        torn.write(b'{"unit": "torn')
    with closing(Journal(folder / "killed")) as journal:
        assert answer_exam(second, ITEMS, journal, batch_size=batch_size) == expected
    assert first.batches + second.batches == unbroken.batches


def test_the_bare_question_is_asked_greedily_with_64_tokens_in_batches_of_32(journal: Journal):
    model, items = Echo(), [ExamItem(str(number), "know", f"q {number}", ("q",), ()) for number in range(40)]
    answers = answer_exam(model, items, journal)
    assert [len(batch) for batch in model.batches] == [32, 8]
    assert model.batches[0][3] == [Message("user", "q 3")] == bare_question(items[3])
    assert {(sampling.max_new_tokens, sampling.temperature) for sampling in model.samplings} == {(64, 0.0)}
    assert [answer.id for answer in answers] == [item.id for item in items]


def test_answers_are_judged_by_the_item_as_it_is_now(journal: Journal):
    """A corrected answer key needs no new answers."""
    model = Echo()
    assert all(answer.right for answer in answer_exam(model, ITEMS, journal))
    corrected = [ExamItem(item.id, item.part, item.question, ("nothing",), ()) for item in ITEMS]
    assert not any(answer.right for answer in answer_exam(model, corrected, journal))
    assert len(model.batches) == 1


def test_another_model_view_or_budget_is_asked_anew(journal: Journal):
    answer_exam(Echo(), ITEMS, journal)
    other, opened, longer = Echo(name="other"), Echo(), Echo()
    answer_exam(other, ITEMS, journal)
    answer_exam(opened, ITEMS, journal, view=lambda item: [Message("system", "the page"), *bare_question(item)])
    answer_exam(longer, ITEMS, journal, max_new_tokens=65)
    assert [len(model.batches) for model in (other, opened, longer)] == [1, 1, 1]
    assert opened.batches[0][0] == [Message("system", "the page"), Message("user", "question 0")]


def test_progress_counts_every_item_resumed_or_not(journal: Journal):
    for _ in range(2):
        progress = Progress("evaluate", total=len(ITEMS))
        answer_exam(Echo(), ITEMS, journal, batch_size=5, progress=progress)
        assert progress.done == len(ITEMS)


def test_a_model_that_leaves_a_question_out_is_an_error(journal: Journal):
    class Silent(Echo):
        def chat(self, conversations: Sequence[Sequence[Message]], sampling: Sampling, num_samples: int = 1) -> list[list[Completion]]:
            return super().chat(conversations, sampling, num_samples)[1:]

    with pytest.raises(ModelError, match="one answer"):
        answer_exam(Silent(), ITEMS, journal)


class Thinker(Echo):
    """Names the right answer while it thinks, and a wrong one after it; the reasoning's length is told or not."""

    def __init__(self, num_reasoning_tokens: int | None) -> None:
        super().__init__()
        self.num_reasoning_tokens = num_reasoning_tokens

    def chat(self, conversations: Sequence[Sequence[Message]], sampling: Sampling, num_samples: int = 1) -> list[list[Completion]]:
        thoughts = [f"It is {conversation[-1].content.removeprefix('question ')}." for conversation in conversations]
        count = self.num_reasoning_tokens
        return [[Completion("No idea.", "stop", 5, 9, reasoning=thought, num_reasoning_tokens=count)] for thought in thoughts]


@pytest.mark.parametrize("count", [7, None])
def test_the_right_answer_inside_the_reasoning_does_not_count(journal: Journal, count: int | None) -> None:
    for _ in range(2):  # from the model, and then from the journal
        answers = answer_exam(Thinker(count), ITEMS, journal)
        assert [answer.right for answer in answers] == [False] * len(ITEMS)
        assert [answer.reasoning for answer in answers] == [f"It is {number}." for number in range(len(ITEMS))]
        assert {(answer.text, answer.num_new_tokens, answer.num_reasoning_tokens) for answer in answers} == {("No idea.", 9, count)}
    summary = summarise(ITEMS, Arm("thinker", [answers]))
    assert summary.get("mean_reasoning_tokens") == count
