"""Solved puzzles from a recipe: right answers pass the oracle, wrong ones do not, and a cap keeps the short ones."""

from contextlib import closing
from pathlib import Path

import pytest

from generators.scripted import Scripted
from seodang.core.errors import ModelError, RecipeError
from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.core.records import Record
from seodang.data.build.run_generators import read_generators, run_generators
from seodang.data.build.sources import BuildSources
from seodang.data.verify.cap import cap
from seodang.data.verify.context import bare_context
from seodang.data.verify.puzzle import puzzle
from seodang.scoring.puzzles import EASY, puzzles

KINDS = ["chain_sum", "lcm", "syllogism"]


def knows(right: bool) -> Scripted:
    """A teacher that answers every problem, rightly or not."""
    answers = {problem.question: problem.answer for problem in puzzles([g for g in EASY if g.name in KINDS], 5, seed=3)}

    def say(messages: object, sampling: object) -> str:
        (message,) = messages  # type: ignore[misc]
        question = message.content.partition("\n\nSolve it step by step.")[0]
        answer = answers[question]
        return f"I count.\n#### {answer if right else {'Yes': 'No', 'No': 'Yes'}.get(answer) or int(answer) + 1}"

    return Scripted(say)


def build(teacher: Scripted, folder: Path, **knobs: object) -> list[Record]:
    generators = read_generators([{"name": "solved_puzzles", "kinds": KINDS, "num_each": 5, "samples": 2, **knobs}])
    with closing(Journal(folder / "build.jsonl")) as journal:
        return run_generators(generators, BuildSources(), teacher, 3, journal, Progress("build"))


@pytest.mark.parametrize(("right", "outcome"), [(True, "pass"), (False, "fail")])
def test_the_oracle_decides(tmp_path: Path, right: bool, outcome: str) -> None:
    records = build(knows(right), tmp_path)
    assert len(records) == 15  # equal answers of one problem are one record
    with bare_context() as context:
        assert {verdict.outcome for verdict in puzzle(records, context)} == {outcome}


def test_the_cap_keeps_the_shortest_different_ways() -> None:
    ways = ["1+1+1+1+1+1", "2+2+2", "3+3", "6", "4+2", "two and four: 4 + 2"]
    records = [Record("worked_solution", "What is six?", way, (), "en") for way in ways]
    with bare_context() as context:
        outcomes = {record.answer: verdict.outcome for record, verdict in zip(records, cap(records, context), strict=True)}
    assert outcomes == {**dict.fromkeys(ways[1:5], "pass"), ways[0]: "fail", ways[5]: "fail"}


def test_unknown_kinds_and_missing_capabilities_are_refused_before_anything_is_asked(tmp_path: Path) -> None:
    teacher = knows(right=True)
    with pytest.raises(RecipeError, match="no puzzles `sudoku`"):
        build(teacher, tmp_path, kinds=["sudoku"])
    with pytest.raises(ModelError, match="raw completion"):
        build(teacher, tmp_path, style="examples")
    assert teacher.asked == []
