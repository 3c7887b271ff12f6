"""The number that an answer writes out: a calculation that is left to the reader (`5 + 7`, `84/7`) is none."""

import re
from fractions import Fraction

from seodang.scoring.mathematics.normalise import normalise
from seodang.scoring.mathematics.notation import fold

_NAME = re.compile(r"[a-zA-Z](?:_\{?\w+\}?)?\s*=\s*")
_SIGNED = r"(?P<sign>[-+]?)\s*"
_NUMBER = re.compile(rf"{_SIGNED}(?P<digits>\d+\.?\d*|\.\d+)(?:\s*\\cdot\s*10\^\{{(?P<power>-?\d{{1,3}})\}})?\s*%?")
_FRACTION = re.compile(
    rf"{_SIGNED}(?:(?P<whole>\d+)\s*(?=\\frac))?(?:\\frac\{{(?P<inner>-?)(?P<above>\d+)\}}\{{(?P<below>\d+)\}}|(?P<over>\d+)\s*/\s*(?P<under>\d+))"
)
_PARTS = re.compile(r"(?:\d+(?:/\d+)?\\cdot \d+(?:\.\d+)?\+?){2,}")  # `1시간 30분`, as `normalise` writes it


def literal(text: str) -> Fraction | None:
    """The value of an integer, decimal, fraction, mixed number or percentage (as its number), with a unit or without; None of all else.

    A fraction that comes to a whole number is a division that was not carried out.
    """
    given = normalise(text)
    value = _NAME.sub("", given.text, count=1) if _NAME.match(given.text) else given.text
    if given.unit and _PARTS.fullmatch(value) and not re.search(r"[+*\\]", fold(text)):
        return sum((_product(term) for term in value.split("+")), Fraction(0))
    if found := _NUMBER.fullmatch(value):
        number = Fraction(found["digits"].rstrip(".")) * Fraction(10) ** int(found["power"] or 0)
        return -number if found["sign"] == "-" else number
    return _fraction(found) if (found := _FRACTION.fullmatch(value)) else None


def _fraction(found: re.Match[str]) -> Fraction | None:
    above, below = int(found["above"] or found["over"]), int(found["below"] or found["under"])
    if below == 0 or above % below == 0 or (found["whole"] and (above > below or found["inner"])):
        return None
    value = int(found["whole"] or 0) + Fraction(above, below)
    return -value if (found["sign"] == "-") != bool(found["inner"]) else value


def _product(term: str) -> Fraction:
    factor, number = term.split(r"\cdot ")
    return Fraction(factor) * Fraction(number)
