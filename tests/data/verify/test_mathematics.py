"""The checks `mathematics` and `puzzle` decide their probes as they should, and never accept what an oracle rejects."""

from collections.abc import Mapping
from typing import Any

import pytest

from seodang.core.records import Record, Verdict
from seodang.data.verify.context import bare_context
from seodang.data.verify.mathematics import mathematics
from seodang.data.verify.probe import probes_of
from seodang.data.verify.puzzle import puzzle
from seodang.scoring.puzzles import EASY, Problem, puzzles, score


def checked(answer: str, **truth: object) -> Verdict:
    with bare_context() as context:
        return mathematics([Record("sample", "How many?", answer, (), "en", truth=truth)], context)[0]


def solved(problem: Problem, answer: str, question: str = "", **changed: object) -> Verdict:
    truth: Mapping[str, Any] = {**problem.truth, **changed}
    with bare_context() as context:
        return puzzle([Record("worked_solution", question or problem.question, answer, (), "en", truth=truth)], context)[0]


def test_the_probes_are_decided_as_they_should_or_left_undecided() -> None:
    probes = probes_of("mathematics")
    with bare_context() as context:
        verdicts = mathematics([probe.record for probe in probes], context)
    assert [(p.about, v.outcome) for p, v in zip(probes, verdicts, strict=True) if v.outcome not in (p.should, "undecided")] == []
    assert sum(verdict.outcome == "undecided" for verdict in verdicts) <= 8
    assert len(probes) >= 60
    assert sum(probe.adversarial for probe in probes) >= 20


def test_evidence_says_what_both_engines_found_of_what() -> None:
    verdict = checked("답은 3만 5천 원입니다.", final_answer=35000, unit="원")
    assert verdict.outcome == "pass"
    assert {key: verdict.evidence[key] for key in ("gold", "answer", "exact", "math_verify", "how")} == {
        "gold": "35000", "answer": "35000", "exact": "equal", "math_verify": "equal", "how": "announced"
    }  # fmt: skip


@pytest.mark.parametrize("truth", [{}, {"final_answer": ""}, {"final_answer": None}, {"final_answer": True}, {"final_answer": ["4"]}])
def test_a_record_without_a_final_answer_is_undecided(truth: dict[str, object]) -> None:
    assert checked("4", **truth).outcome == "undecided"


PROBLEMS = [puzzles([generator], 3, seed=5) for generator in EASY]


@pytest.mark.parametrize("problems", PROBLEMS, ids=lambda problems: problems[0].generator)
def test_a_generators_own_answer_passes_and_another_does_not(problems: list[Problem]) -> None:
    first, *_ = problems
    other = "no such answer" if "final_answer" not in first.truth else f"{int(float(first.answer.split('/')[0])) + 1}7"
    assert solved(first, f"Some steps.\n#### {first.answer}").outcome == "pass"
    assert solved(first, f"#### {other}").outcome == "fail"
    assert solved(first, first.answer, question="What else?").outcome == "fail"


def test_a_number_that_only_the_oracle_rejects_is_undecided() -> None:
    problem = next(problem for (problem, *_) in PROBLEMS if problem.generator == "fraction_simplification")
    above, below = map(int, problem.answer.split("/")) if "/" in problem.answer else (int(problem.answer), 1)
    assert solved(problem, f"{7 * above}/{7 * below}").outcome == "undecided"


def test_a_puzzle_that_cannot_be_made_again_is_an_error_and_none_is_undecided() -> None:
    problem = PROBLEMS[0][0]
    assert solved(problem, "1", puzzle={"generator": "no_such", "seed": 1, "index": 0}).outcome == "error"
    assert solved(problem, "1", puzzle={"generator": "chain_sum", "settings": {"min_terms": -4}, "seed": 1, "index": 0}).outcome == "error"
    assert solved(problem, "1", puzzle=None).outcome == "undecided"


def test_puzzles_are_the_same_for_one_seed_and_different_within_it() -> None:
    once, again, other = (puzzles(EASY[:3], 20, seed) for seed in (1, 1, 2))
    assert once == again != other
    assert len({problem.question for problem in once}) == len(once) == 60
    for problem in once:
        made = problem.truth["puzzle"]
        assert score(made["generator"], made["settings"], made["seed"], made["index"], problem.answer) == 1.0
