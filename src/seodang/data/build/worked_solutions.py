"""Worked solutions by rejection sampling: k samples a problem; the checks keep the right ones, and a cap the shortest different ones.

Sources: Yuan et al. 2023, arXiv 2308.01825 (different reasoning paths are what helps); DeepSeek-AI 2025, arXiv 2501.12948; Lambert et al.
2024, arXiv 2411.15124 (verifiable rewards). Nothing is dropped: what the cap leaves out has a verdict of its own.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from seodang.core.files import Journal
from seodang.core.hashing import digest
from seodang.core.progress import Progress
from seodang.core.records import Record, Verdict
from seodang.data.build.written import records_in, rows_of
from seodang.data.record_texts import asked_text
from seodang.models.chat_model import ChatModel, Completes, Completion, Message, Sampling, require
from seodang.scoring.puzzles import Problem
from seodang.statistics.pass_at_k import pass_at_k

_PROBLEMS_A_UNIT = 16
_INSTRUCTION = "\n\nSolve it step by step. Write the final answer alone on the last line, after ####."
_STEP = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?|[-+*/=×÷<>^]")


@dataclass(frozen=True, slots=True)
class SolutionSampling:
    """How a teacher is asked. "chat" asks it to think and end with `#### x`; "examples" shows a model too small for that problems of the
    same generator with their answers, and lets it continue (it must offer raw completion)."""

    samples: int = 4
    temperature: float = 0.7
    top_p: float = 0.95
    max_new_tokens: int = 256
    style: Literal["chat", "examples"] = "chat"


def worked_solutions(
    teacher: ChatModel,
    problems: Sequence[Problem],
    sampling: SolutionSampling,
    seed: int,
    journal: Journal,
    progress: Progress,
    examples: Mapping[str, Sequence[Problem]] | None = None,
) -> list[Record]:
    """Records of kind "worked_solution", `samples` for each problem but for those cut off at their limit. The unit of work is sixteen
    problems; a finished unit is taken from the journal. `examples` are shown problems by generator, none of them asked."""
    records: list[Record] = []
    for first in range(0, len(problems), _PROBLEMS_A_UNIT):
        group = problems[first : first + _PROBLEMS_A_UNIT]
        asked = digest([[problem.question for problem in group], sampling.style, sampling.samples, sampling.temperature, seed])[:8]
        unit = f"worked_solutions/{first}+{len(group)}/{asked}"
        if unit not in journal:
            journal.append(unit, rows_of(_ask(teacher, group, sampling, seed + first, examples or {})))
        records += records_in(journal[unit])
        progress.advance(len(group), f"{len(records)} solutions")
    return records


def _ask(
    teacher: ChatModel, group: Sequence[Problem], sampling: SolutionSampling, seed: int, examples: Mapping[str, Sequence[Problem]]
) -> list[Record | None]:
    stop = ("\n",) if sampling.style == "examples" else ()
    drawn = Sampling(sampling.max_new_tokens, sampling.temperature, sampling.top_p, seed, stop)
    answers: list[list[Completion]]
    if sampling.style == "examples":
        prompts = ["".join(map(_shown, examples.get(problem.generator, ()))) + _opened(problem) for problem in group]
        answers = require(teacher, Completes, "writing solutions after examples").complete(prompts, drawn, sampling.samples)
    else:
        asked = [[Message("user", problem.question + _INSTRUCTION)] for problem in group]
        answers = teacher.chat(asked, drawn, sampling.samples)
    return [_record(problem, sample) for problem, samples in zip(group, answers, strict=True) for sample in samples]


def _opened(problem: Problem) -> str:
    return f"Problem: {' '.join(problem.question.split())}\nAnswer:"


def _shown(problem: Problem) -> str:
    return f"{_opened(problem)} {problem.answer}\n\n"


def _record(problem: Problem, sample: Completion) -> Record | None:
    if sample.finish_reason != "stop":
        return None
    return Record(
        "worked_solution",
        problem.question,
        sample.text.strip(),
        (),
        "en",
        reasoning=sample.reasoning,
        truth=problem.truth,
        capability="mathematics",
    )


def path(record: Record) -> tuple[str, ...]:
    """What a solution computes, without its wording: its numbers and signs in order, or its words where it has none."""
    text = f"{record.reasoning}\n{record.answer}"
    return tuple(_STEP.findall(text)) or tuple(text.casefold().split())


def cap(records: Sequence[Record], accepted: frozenset[str], most: int) -> list[Verdict]:
    """One verdict for each record, in order: of a question's accepted solutions the `most` shortest with different reasoning paths pass.

    The others fail, an accepted one with the reason, and so does what no check accepted. ValueError for a cap below one.
    """
    if most < 1:
        raise ValueError(f"a cap keeps at least one solution, not {most}")
    kept: dict[str, dict[tuple[str, ...], str]] = {}
    for record in sorted(records, key=lambda record: (len(record.reasoning) + len(record.answer), record.id)):
        paths = kept.setdefault(asked_text(record), {})
        if record.id in accepted and len(paths) < most and path(record) not in paths:
            paths[path(record)] = record.id
    chosen = {identity for paths in kept.values() for identity in paths.values()}
    verdicts: list[Verdict] = []
    for record in records:
        reason = "" if record.id in chosen else "cap" if record.id in accepted else "no check accepted it"
        if reason == "cap" and path(record) in kept[asked_text(record)]:
            reason = "cap: the same reasoning path"
        verdicts.append(Verdict(record.id, "cap", "fail" if reason else "pass", {"reason": reason} if reason else {}))
    return verdicts


@dataclass(frozen=True, slots=True)
class PassRate:
    """Of one question: samples that were drawn, those that are right, and the unbiased pass@k for each k."""

    question: str
    num_samples: int
    num_correct: int
    pass_at: Mapping[int, float]


def pass_rates(
    problems: Sequence[Problem], records: Sequence[Record], correct: frozenset[str], num_drawn: int, ks: Sequence[int]
) -> list[PassRate]:
    """For each problem, in order, of the `num_drawn` samples of each: one that was cut off, and has no record, counts as wrong, and a text
    that was sampled twice counts twice. ValueError for a k above `num_drawn`."""
    right: dict[str, int] = {problem.question: 0 for problem in problems}
    for record in records:
        right[record.question] += record.id in correct
    return [PassRate(question, num_drawn, count, {k: pass_at_k(num_drawn, count, k) for k in ks}) for question, count in right.items()]
