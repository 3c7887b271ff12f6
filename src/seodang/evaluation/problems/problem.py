"""A made problem: its text, its exact answer, and the template that it comes from."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Level = Literal["easy", "medium", "hard"]
LEVELS: tuple[Level, ...] = ("easy", "medium", "hard")


@dataclass(frozen=True, slots=True)
class Stated:
    """A text with its exact answer, and the unit in which the text asks for it (empty: a bare number)."""

    question: str
    answer: Fraction
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of a template; `answer` is a whole number, a decimal or a fraction such as 3/4."""

    template: str
    index: int  # among the template's problems
    level: Level
    language: str
    question: str
    answer: str
    unit: str = ""
