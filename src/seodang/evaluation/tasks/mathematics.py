"""Made problems with exact answers: reasoning-gym's generators in English, our own word problems in Korean.

Two engines must agree that an answer is right, and it must be a number that is written out: a calculation that comes to the right number
is "not evaluated". What the engines leave undecided is wrong, and the evidence says so.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from seodang.evaluation.problems import english, korean
from seodang.evaluation.problems.problem import LEVELS, Level, Problem
from seodang.evaluation.task import Ask, Item, Judgement, Options, Solving, Task
from seodang.models.chat_model import Completion, Message
from seodang.scoring.korean_endings import without_endings
from seodang.scoring.mathematics.final_answer import final_answer
from seodang.scoring.mathematics.judge import judge
from seodang.scoring.mathematics.literal import literal

_MAKERS: dict[str, Callable[[Level, int, int], Iterator[Problem]]] = {"en": english.problems, "ko": korean.problems}
_ASKED = {
    "en": "\n\nSolve the problem step by step. On the last line, write the final answer after `Answer:` and nothing else.",
    "ko": "\n\n차근차근 풀어 보십시오. 마지막 줄에는 `답:` 뒤에 최종 답만 쓰십시오.",
}

_TOLD = re.compile(r"(?P<words>[가-힣]+(?:\s+[가-힣]+)*)\s*(?::\s*)?(?<=[\s:])(?P<number>[-₩$]?\d.*)", re.DOTALL)
_SENTENCE = re.compile(r"(?<=[.?!])\s")
_ALTOGETHER = {"모두", "총", "전부", "앞으로"}


class MathematicsOptions(Options):
    """Which problems, how many, and how much may be said."""

    languages: tuple[Literal["en", "ko"], ...] = Field(default=("en", "ko"), min_length=1, description="languages of the problems")
    levels: tuple[Level, ...] = Field(default=LEVELS, min_length=1, description="how hard: easy, medium, hard")
    per_generator: int = Field(default=8, ge=1, le=1000, description="different problems of each generator or template")
    max_new_tokens: int = Field(default=768, ge=1, description="tokens that a solution may have")


def load(options: MathematicsOptions, store: Path) -> Sequence[Item]:
    """The problems; those of one generator or template are one cluster."""
    made = [
        problem
        for language in dict.fromkeys(options.languages)
        for level in dict.fromkeys(options.levels)
        for problem in _MAKERS[language](level, options.per_generator, options.seed)
    ]
    return [_item(problem) for problem in made]


def _item(problem: Problem) -> Item:
    group = f"{problem.language}/{problem.level}/{problem.template}"
    content = {"answer": problem.answer, "unit": problem.unit}
    return Item(f"{group}/{problem.index}", f"{problem.language}-{problem.level}", problem.question, content, group, problem.language)


def solve(item: Item, options: MathematicsOptions) -> Solving:
    """Asks for a solution, and judges the answer that it ends with."""
    reply: Completion = yield Ask((Message("user", item.question + _ASKED[item.language]),), options.max_new_tokens)
    return judged(item, reply.text)


def judged(item: Item, text: str) -> Judgement:
    """A solution's score. Where it names no single final answer it is wrong."""
    found = final_answer(text)
    evidence = {"gold": item.content["answer"], "unit": item.content["unit"], "how": found.how}
    if not found.text:
        return Judgement(0.0, "", {**evidence, "outcome": "no answer"})
    given = _without_asked(found.text, item.question)
    said = judge(item.content["answer"], given, item.content["unit"])
    outcome = "not evaluated" if said.outcome == "equal" and literal(given) is None else said.outcome
    evidence |= {"outcome": outcome, "exact": said.exact.outcome, "math_verify": said.math_verify.outcome, "notes": list(said.notes)}
    return Judgement(float(outcome == "equal"), found.text, evidence)


def _without_asked(answer: str, question: str) -> str:
    """The answer without the words before its number that its question asks with: `거북 18마리` to 거북은 몇 마리입니까?"""
    told = _TOLD.fullmatch(answer)
    asked = {word for sentence in _SENTENCE.split(question) if "까" in sentence for word in without_endings(sentence).split()}
    return told["number"] if told and {*without_endings(told["words"]).split()} <= asked | _ALTOGETHER else answer


task = Task(
    name="mathematics",
    title="Made problems with exact answers",
    family="mathematics",
    languages=("en", "ko"),
    load=load,
    solve=solve,
    options=MathematicsOptions,
    source="reasoning-gym 0.1.25 (Stojanovski et al. 2025, arXiv 2505.24760); Korean templates of our own",
    version=2,
    chance=0.0,
)
