"""How near the exam is to what was taught: the most similar training question of each item."""

from collections.abc import Sequence
from dataclasses import dataclass

from seodang.evaluation.exam import ExamItem
from seodang.scoring.similarity import nearest


@dataclass(frozen=True, slots=True)
class NearestQuestion:
    """The training question most like an item's question, and their similarity in 0..1."""

    id: str  # the item's
    similarity: float
    question: str


def nearest_questions(items: Sequence[ExamItem], questions: Sequence[str]) -> list[NearestQuestion]:
    """For each item its nearest training question by the Jaccard index of character trigrams, of normalised text.

    ValueError where there are no training questions.
    """
    found = nearest([item.question for item in items], questions)
    return [NearestQuestion(item.id, similarity, questions[index]) for item, (index, similarity) in zip(items, found, strict=True)]


def dissimilar_half(rows: Sequence[NearestQuestion]) -> frozenset[str]:
    """Ids of the half of the items (rounded up) that are least like any training question; ties fall by id."""
    ordered = sorted(rows, key=lambda row: (row.similarity, row.id))
    return frozenset(row.id for row in ordered[: (len(rows) + 1) // 2])
