"""What a gate claims of the student: each rule on its task, under an id of its own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import Literal

from seodang.evaluation.gate_file import Gate, NonInferior, Regression, Retained, Rule, held_against

Role = Literal["primary", "regression", "secondary"]


@dataclass(frozen=True, slots=True)
class Claim:
    """One rule on one task."""

    id: str  # no two claims of a gate have the same
    role: Role  # all but a secondary decide
    task: str  # its title
    rule: Rule
    family: str = ""  # of a regression


def claims(gate: Gate, families: Mapping[str, str]) -> list[Claim]:
    """Primaries, regressions, secondaries, each in the order of the file. `families` holds each task's family by title.

    Two rules that differ in their bound alone are told apart by a number: `exam.non_inferior.base`, `exam.non_inferior.base.2`.
    """
    regressions = [_regression(one, task.title) for one in gate.regression for task in gate.tasks if families[task.title] == one.family]
    found = [*_with_role(gate, "primary"), *regressions, *_with_role(gate, "secondary")]
    return [replace(claim, id=name) for claim, name in zip(found, _numbered(claim.id for claim in found), strict=True)]


def _with_role(gate: Gate, role: Literal["primary", "secondary"]) -> list[Claim]:
    return [Claim(_name(task.title, rule), role, task.title, rule) for task in gate.tasks if task.role == role for rule in task.rules]


def _regression(told: Regression, title: str) -> Claim:
    rule = NonInferior(rule="non_inferior", margin=told.margin, against=told.against)
    return Claim(f"regression.{told.family}.{title}.{told.against}", "regression", title, rule, told.family)


def _name(title: str, rule: Rule) -> str:
    against = None if isinstance(rule, Retained) else held_against(rule)
    return f"{title}.{rule.rule}" + ("" if against is None else f".{against}")


def _numbered(names: Iterable[str]) -> list[str]:
    """The names; one that is taken already gets the least number from 2 on that makes it new."""
    taken: dict[str, None] = {}
    for name in names:
        taken[next(new for new in chain([name], (f"{name}.{number}" for number in count(2))) if new not in taken)] = None
    return list(taken)
