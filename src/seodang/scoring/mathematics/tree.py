"""What an answer is made of: a tree of numbers, symbols and operations, and groups and relations of such trees."""

from dataclasses import dataclass
from fractions import Fraction


class Unreadable(ValueError):
    """A text that this grammar does not know, or that is too large to read."""


@dataclass(frozen=True, slots=True)
class Number:
    value: Fraction


@dataclass(frozen=True, slots=True)
class Symbol:
    name: str  # a letter with its index, or `pi`, `infinity`


@dataclass(frozen=True, slots=True)
class Operation:
    name: str  # +, *, /, ^, negative, factorial, root, choose, plus_minus, or a function's name
    operands: "tuple[Expression, ...]"


Expression = Number | Symbol | Operation


@dataclass(frozen=True, slots=True)
class Group:
    """Several things: `bare` a, b, `round` (a, b), `square` [a, b], `half_left` (a, b], `half_right` [a, b), `set`, `ratio` a:b, `union`,
    `row` or `matrix`."""

    kind: str
    items: "tuple[Statement, ...]"


@dataclass(frozen=True, slots=True)
class Relation:
    """A chain: `sides[0] signs[0] sides[1] ...`, signs of =, <, <=, >, >=, !=, in."""

    sides: "tuple[Statement, ...]"
    signs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """A text without any mathematics, such as `red` or `no solution`."""

    text: str


Statement = Expression | Group | Relation | Words
