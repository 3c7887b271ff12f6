"""Whether an answer is the gold answer: both engines must say the same, otherwise it is undecided.

Rules before the engines, each of them said in the judgement: units that measure different things differ, units of one dimension are
converted, a unit that only one side names is passed over; a name that both sides give (`x =`) is dropped; a gold that says it is rounded
(약, ≈) asks for its printed digits. Nothing else is a tolerance. `judge(a, b)` is `judge(b, a)` unless exactly one of them is rounded.
"""

import re
from dataclasses import dataclass, replace

from seodang.scoring.mathematics.engine_process import ENGINES, Found
from seodang.scoring.mathematics.normalise import Normalised, normalise
from seodang.scoring.mathematics.units import as_unit

_NAMED = re.compile(r"(?P<name>[a-zA-Z](?:_\{?\w+\}?)?'?|[fgh]\([a-z]\))\s*(?:=|\\in(?![a-z]))\s*(?P<value>.+)")
_RELATION = re.compile(r"[=<>]|\\(?:leq|geq|neq|in)(?![a-z])")


@dataclass(frozen=True, slots=True)
class Judgement:
    """`outcome` is "equal", "different" or "undecided"; the texts are what the engines were given; `notes` are the rules that were used."""

    outcome: str
    gold: str
    answer: str
    exact: Found
    math_verify: Found
    notes: tuple[str, ...] = ()


_NOT_ASKED = Found("unknown", "not asked")


def judge(gold: str, answer: str, unit: str = "") -> Judgement:
    """`unit` is the gold's, where its text names none. An empty or unreadable text is undecided, even against itself."""
    wanted, given = normalise(gold), normalise(answer)
    if unit and wanted.unit is None:
        wanted = replace(wanted, unit=as_unit(unit))
    if not wanted.text or not given.text:
        return Judgement("undecided", wanted.text, given.text, _NOT_ASKED, _NOT_ASKED, ("a text is empty or too long",))
    wanted, given, notes, cap = _units(wanted, given)
    left, right, named = _without_names(wanted.text, given.text)
    if named:
        notes = (*notes, named)
    if _decimal_comma(left, right):
        return Judgement("undecided", left, right, _NOT_ASKED, _NOT_ASKED, (*notes, "a comma that may be a decimal point"))
    unordered = wanted.unordered or given.unordered
    if wanted.approximate == given.approximate:
        exact, other = ENGINES.ask(left, right, unordered)
    else:
        printed, value = (left, right) if wanted.approximate else (right, left)
        exact, other = ENGINES.ask(printed, value, False, len(printed.partition(".")[2]))
        notes = (*notes, "the gold is rounded" if wanted.approximate else "only the answer is rounded")
        cap = cap if wanted.approximate else "undecided"
    outcome = exact.outcome if exact.outcome == other.outcome and exact.outcome != "unknown" else "undecided"
    return Judgement(cap if outcome == "equal" else outcome, left, right, exact, other, notes)


def _units(a: Normalised, b: Normalised) -> tuple[Normalised, Normalised, tuple[str, ...], str]:
    """Both in one unit, what was done for it, and what equal values then mean."""
    if a.unit == b.unit:
        return a, b, (), "equal"
    if a.unit is None or b.unit is None:
        unit = a.unit or b.unit
        assert unit
        glued = a.glued or b.glued
        return a, b, (f"only one side names the unit {unit.name}",), "undecided" if glued else "equal"
    if a.unit.dimension == b.unit.dimension:
        texts = [_scaled(side) for side in (a, b)]
        return replace(a, text=texts[0]), replace(b, text=texts[1]), (f"{a.unit.name} and {b.unit.name} converted",), "equal"
    known = not any(side.unit and side.unit.dimension.startswith("other") for side in (a, b))
    return a, b, (f"{a.unit.name} is not {b.unit.name}",), "different" if known else "undecided"


def _scaled(side: Normalised) -> str:
    assert side.unit
    factor = side.unit.factor
    return side.text if factor == 1 else rf"\frac{{{factor.numerator}}}{{{factor.denominator}}} \cdot ({side.text})"


def _without_names(a: str, b: str) -> tuple[str, str, str]:
    """Both values without their name, where both have one name or only one has any; otherwise as they were."""
    named = [_name(text) for text in (a, b)]
    names = [name for name, _ in named]
    if not any(names) or (all(names) and names[0] != names[1]):
        return a, b, ""
    if any(not name and _RELATION.search(text) for name, text in named):
        return a, b, ""
    return named[0][1], named[1][1], f"the name {next(filter(None, names))} was dropped"


def _name(text: str) -> tuple[str, str]:
    """The name and value of `x = 5`, of `x = 1, 2` and of `x = 1, x = 2`; no name for an equation of another form."""
    found = _NAMED.fullmatch(text)
    if not found:
        return "", text
    name = found["name"]
    value = re.sub(rf",\s*{re.escape(name)}\s*=\s*", ", ", found["value"])
    return (name.replace("{", "").replace("}", ""), value) if not _RELATION.search(value) else ("", text)


def _decimal_comma(a: str, b: str) -> bool:
    """Whether one is `3, 14` and the other 3.14, or either is `0, 5`: in many countries a comma is the decimal point."""
    pairs = [re.fullmatch(r"(-?\d+), (\d+)", text) for text in (a, b)]
    for found, other in zip(pairs, (b, a), strict=True):
        if found and (f"{found[1]}.{found[2]}" == other or (found[1].lstrip("-") == "0" and not pairs[1 - pairs.index(found)])):
            return True
    return False
