"""Questions with answers that people wrote: the yardstick that text written by a teacher has to be held against."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from seodang.core.errors import InputError
from seodang.core.files import read_numbered_json_lines
from seodang.core.hashing import digest
from seodang.core.licenses import License
from seodang.core.sections import Section
from seodang.scoring.similarity import nearest


class GoldSection(Section):
    """Questions with answers that people wrote, for the arm `sft_gold`."""

    files: tuple[str, ...] = Field(
        min_length=1, description="JSON-lines files, relative to the recipe; a row has question and answer, and an id where you want one"
    )
    license: License = Field(description="SPDX expression of their licence")
    origin: str = Field(min_length=1, description="who wrote them, and where they come from; the report says it")


@dataclass(frozen=True, slots=True)
class GoldAnswer:
    """A question and the answer that is taught to it. Without an id of its own, it has the hash of both."""

    id: str
    question: str
    answer: str

    def row(self) -> dict[str, str]:
        return {"id": self.id, "question": self.question, "answer": self.answer}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A gold answer that is not taught, and why."""

    gold: GoldAnswer
    reason: str
    similarity: float | None  # to the nearest question of the exam, in 0..1
    exam_question: str | None

    def row(self) -> dict[str, Any]:
        return {**self.gold.row(), "reason": self.reason, "similarity": self.similarity, "exam_question": self.exam_question}


def load_gold(paths: Iterable[Path]) -> list[GoldAnswer]:
    """The rows of JSON-lines files, in order. InputError names file and line of the first fault.

    Faults: not JSON, a key that is missing, unknown or not a text, an id that was there before.
    """
    found: list[GoldAnswer] = []
    places: dict[str, str] = {}
    for path in paths:
        for number, row in read_numbered_json_lines(path):
            where = f"{path}:{number}"
            gold = _to_gold(row, where)
            if isinstance(row.get("id"), str):
                if gold.id in places:
                    raise InputError(
                        f"this id was there before, at {places[gold.id]}", where=where, hint="every row needs an id of its own"
                    )
                places[gold.id] = where
            found.append(gold)
    if not found:
        raise InputError("no gold answers", where=", ".join(map(str, paths)), hint="one JSON object a line, with question and answer")
    return found


def _to_gold(row: Any, where: str) -> GoldAnswer:
    hint = "one JSON object a line, with the texts question and answer, and an id where you want one"
    if not isinstance(row, dict):
        raise InputError("not a JSON object", where=where, hint=hint)
    fields: dict[str, Any] = row
    for key in fields:
        if key not in ("id", "question", "answer"):
            raise InputError(f"unknown key `{key}`", where=where, hint=hint)
    for key in ("question", "answer"):
        if key not in fields:
            raise InputError(f"`{key}` is missing", where=where, hint=hint)
    for key, value in fields.items():
        if not isinstance(value, str) or not value.strip():
            raise InputError(f"`{key}` must be a text that is not empty", where=where, hint=hint)
    question, answer = fields["question"].strip(), fields["answer"].strip()
    return GoldAnswer(fields.get("id") or digest([question, answer])[:16], question, answer)


def leave_out(gold: Sequence[GoldAnswer], exam_questions: Sequence[str], exam_similarity: float) -> tuple[list[GoldAnswer], list[LeftOut]]:
    """What may be taught and what may not, each in order; together they are `gold`.

    Left out is a question whose character trigrams overlap with an exam question's by `exam_similarity` (Jaccard), by which the
    teacher's questions are judged too, and a row that repeats an earlier one's question and answer.
    """
    kept: list[GoldAnswer] = []
    left: list[LeftOut] = []
    near = nearest([row.question for row in gold], exam_questions) if exam_questions else [(0, 0.0)] * len(gold)
    seen: set[tuple[str, str]] = set()
    for row, (index, similarity) in zip(gold, near, strict=True):
        if exam_questions and similarity >= exam_similarity:
            left.append(LeftOut(row, "the exam's, or near one of its questions", round(similarity, 3), exam_questions[index]))
        elif (row.question, row.answer) in seen:
            left.append(LeftOut(row, "repeats an earlier row", None, None))
        else:
            kept.append(row)
            seen.add((row.question, row.answer))
    return kept, left
