"""The other engine: math-verify (Apache-2.0), asked both ways round, with its tolerances taken out.

What it decides by rounding is decided exactly here: decimals are given to it as fractions, and two rational numbers that it read are
compared as such, since it drops what is smaller than its precision (its issue 14). It is not symmetric (its issue 25), so that a "yes"
and a "no" are no decision. Runs inside of `engine_process`, which can be ended: it has no time limit of its own here.
"""

import re
from typing import Any

from seodang.scoring.mathematics.algebra import Outcome

_DECIMAL = re.compile(r"(?<![\d.])(\d*)\.(\d+)(?![\d.])")
_PRECISION = 50  # decimals to which it compares what is not rational


def compare(a: str, b: str, places: int | None = None) -> tuple[Outcome, str]:
    """The outcome, and why where it is "unknown". With `places`, decimals stay and both are rounded to so many."""
    from math_verify import verify

    found = [_parse(text if places is not None else _with_fractions(text)) for text in (a, b)]
    if any(len(parsed) != 1 for parsed in found):
        return "unknown", "not read"
    (left,), (right,) = found
    if _undefined(left) or _undefined(right):
        return "unknown", "undefined"
    if places is None and (rationals := [value for value in map(_rational, (left, right)) if value is not None]) and len(rationals) == 2:
        return ("equal" if rationals[0] == rationals[1] else "different"), ""
    settings: dict[str, Any] = {"numeric_precision": _PRECISION, "timeout_seconds": None, "allow_set_relation_comp": True}
    settings["float_rounding"] = _PRECISION if places is None else places
    both = [verify(*pair, raise_on_error=False, **settings) for pair in ((left, right), (right, left))]
    if both[0] != both[1]:
        return "unknown", "it says yes one way round and no the other"
    return ("equal" if both[0] else "different"), ""


def _parse(text: str) -> list[Any]:
    from math_verify import parse
    from math_verify.parser import LatexExtractionConfig

    latex = re.sub(r"(?<!\\)%", r"\\%", text)
    found = parse(
        f"${latex}$",
        [LatexExtractionConfig()],
        fallback_mode="no_fallback",
        extraction_mode="first_match",
        parsing_timeout=None,  # type: ignore[arg-type]  # what its documentation asks for outside of the main thread
    )
    return [value for value in found if not isinstance(value, str)]


def _with_fractions(text: str) -> str:
    def fraction(found: re.Match[str]) -> str:
        whole, decimals = found[1] or "0", found[2]
        written = rf"\frac{{{int(whole + decimals)}}}{{{10 ** len(decimals)}}}"
        return f"({written})" if text[found.end() :].lstrip().startswith("^") else written

    return _DECIMAL.sub(fraction, text)


def _undefined(value: Any) -> bool:
    import sympy

    return bool(value.has(sympy.nan, sympy.zoo)) if hasattr(value, "has") else False


def _rational(value: Any) -> Any:
    """The rational number that it read, None where it read something else. A percentage stays as it reads it."""
    import sympy

    if not isinstance(value, sympy.Expr) or value.free_symbols or value.has(sympy.UnevaluatedExpr) or value.atoms(sympy.Float):
        return None
    worked_out = value.doit()
    return worked_out if worked_out.is_Rational else None
