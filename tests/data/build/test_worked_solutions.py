"""Each sample becomes a record or is counted as cut off, a finished unit is not asked again, and the cap loses none of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seodang.core.errors import ModelError
from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.core.records import Record
from seodang.data.build.worked_solutions import SolutionSampling, cap, pass_rates, path, worked_solutions
from seodang.data.build.written import num_cut_off
from seodang.models.chat_model import Completion, Message, Sampling
from seodang.scoring.puzzles import EASY, Problem, puzzles

PROBLEMS = puzzles(EASY[:2], 10, seed=3)


class Pupil:
    """Answers rightly with the first sample, wrongly with the second, and is cut off in every later one."""

    name = "pupil"
    synthetic = True

    def __init__(self) -> None:
        self.asked: list[str] = []

    @property
    def identity(self) -> dict[str, Any]:
        return {"kind": "fake"}

    def chat(self, conversations: Sequence[Sequence[Message]], sampling: Sampling, num_samples: int = 1) -> list[list[Completion]]:
        return [self._answers(conversation[-1].content, num_samples) for conversation in conversations]

    def _answers(self, text: str, num_samples: int) -> list[Completion]:
        self.asked.append(text)
        right = next(problem.answer for problem in PROBLEMS if " ".join(problem.question.split()) in " ".join(text.split()))
        written = [Completion(f"It comes to\n#### {right}", "stop", 1, 1), Completion("#### 123456", "stop", 1, 1)]
        return [*written, *[Completion("and then", "length", 1, 1)] * (num_samples - 2)][:num_samples]


class Continuer(Pupil):
    """The same for raw text, of which it is given examples."""

    def complete(self, prompts: Sequence[str | Sequence[int]], sampling: Sampling, num_samples: int = 1) -> list[list[Completion]]:
        assert sampling.stop == ("\n",)
        return [self._answers(str(prompt).rsplit("Problem:", 1)[-1], num_samples) for prompt in prompts]


def write(teacher: Pupil, journal: Journal, sampling: SolutionSampling) -> list[Record]:
    return worked_solutions(teacher, PROBLEMS, sampling, 1, journal, Progress("test"))


def test_every_sample_is_a_record_or_is_counted(tmp_path: Path) -> None:
    journal, pupil = Journal(tmp_path / "build.jsonl"), Pupil()
    records = write(pupil, journal, SolutionSampling(samples=4))
    assert len(records) == 2 * len(PROBLEMS)
    assert len(records) + num_cut_off(journal) == 4 * len(PROBLEMS)
    assert {record.kind for record in records} == {"worked_solution"}
    assert [record.truth for record in records[::2]] == [problem.truth for problem in PROBLEMS]
    again = Pupil()
    assert write(again, journal, SolutionSampling(samples=4)) == records
    assert again.asked == []
    journal.close()


def test_a_small_teacher_continues_after_examples_and_needs_raw_completion(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "build.jsonl")
    assert len(write(Continuer(), journal, SolutionSampling(samples=2, style="examples"))) == 2 * len(PROBLEMS)
    with pytest.raises(ModelError, match="raw completion"):
        write(Pupil(), journal, SolutionSampling(samples=3, style="examples"))
    journal.close()


def solution(answer: str, question: str = "q") -> Record:
    return Record("worked_solution", question, answer, (), "en")


def test_the_cap_takes_the_shortest_of_different_paths() -> None:
    long, short, same, other = (solution(text) for text in ("1+1=2 so it is 2, surely", "1+1=2 2", "1 + 1 = 2, so 2", "2*1=2"))
    verdicts = cap([long, short, same, other], frozenset(r.id for r in (long, short, same, other)), 2)
    assert [verdict.outcome for verdict in verdicts] == ["fail", "pass", "fail", "pass"]
    assert verdicts[0].evidence["reason"] == verdicts[2].evidence["reason"] == "cap: the same reasoning path"
    assert [verdict.outcome for verdict in cap([long, short, same, other], frozenset(r.id for r in (long, short, same, other)), 4)] == [
        "fail",
        "pass",
        "fail",
        "pass",
    ]
    assert path(long) == path(short) == path(same) != path(other)
    with pytest.raises(ValueError, match="at least one"):
        cap([short], frozenset(), 0)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9), st.booleans()), max_size=12), st.integers(1, 4))
def test_the_cap_judges_each_record_once_and_keeps_no_more(drawn: list[tuple[str, int, bool]], most: int) -> None:
    records = [solution(f"{number} = {number}", question) for question, number, _ in drawn]
    accepted = frozenset(record.id for record, (_, _, right) in zip(records, drawn, strict=True) if right)
    verdicts = cap(records, accepted, most)
    assert [verdict.record for verdict in verdicts] == [record.id for record in records]
    passed = {verdict.record for verdict in verdicts if verdict.outcome == "pass"}
    assert passed <= accepted
    for question in "ab":
        ids = {record.id for record in records if record.question == question}
        assert len(passed & ids) == min(most, len(accepted & ids))


def test_pass_rates_count_what_was_cut_off_as_wrong() -> None:
    problems = [Problem("q", "1", {}, "g"), Problem("r", "1", {}, "g")]
    right, wrong = solution("#### 1"), solution("#### 2")
    first, second = pass_rates(problems, [right, right, wrong], frozenset([right.id]), 4, (1, 2))
    assert (first.num_samples, first.num_correct, first.pass_at[1]) == (4, 2, 0.5)
    assert first.pass_at[2] == pytest.approx(1 - 1 / 6)
    assert (second.num_correct, second.pass_at[1]) == (0, 0.0)
