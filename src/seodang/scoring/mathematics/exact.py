"""Our own engine: whether two canonical texts say the same, decided exactly on our own trees. It uses no part of math-verify."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from seodang.scoring.mathematics.algebra import Outcome, as_fraction, as_sympy, compare_sympy, compare_values, rounds_to
from seodang.scoring.mathematics.syntax import read
from seodang.scoring.mathematics.tree import Expression, Group, Number, Operation, Relation, Statement, Symbol, Unreadable, Words

_INTERVALS = ("round", "square", "half_left", "half_right")
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}


def compare(a: str, b: str, unordered: bool = False) -> tuple[Outcome, str]:
    """The outcome, and why where it is "unknown". `unordered`: a list without brackets has no order."""
    try:
        return _compare(_spread(read(a)), _spread(read(b)), unordered), ""
    except (Unreadable, RecursionError) as error:
        return "unknown", f"not read: {error}"


def compare_rounded(gold: str, answer: str) -> tuple[Outcome, str]:
    """Whether the answer rounds to the decimal that the gold prints."""
    try:
        printed, value = read(gold), read(answer)
        number = as_fraction(printed) if isinstance(printed, Number | Operation) else None
        if number is None or not isinstance(value, Number | Symbol | Operation):
            return "unknown", "no rounded number"
        return rounds_to(value, number, len(gold.partition(".")[2])), ""
    except (Unreadable, RecursionError) as error:
        return "unknown", f"not read: {error}"


def _spread(found: Statement) -> Statement:
    """A value with ± as the set of both, a chain of equations that hold as its ends."""
    if isinstance(found, Operation) and _has_plus_minus(found):
        return Group("set", (_signed(found, "+"), _signed(found, "-")))
    if isinstance(found, Relation) and len(found.signs) > 1 and set(found.signs) == {"="}:
        middle = [side for side in found.sides[1:] if isinstance(side, Number | Symbol | Operation)]
        if len(middle) != len(found.sides) - 1 or any(compare_values(side, middle[-1]) != "equal" for side in middle):
            raise Unreadable("a chain of equations that does not hold by itself")
        return Relation((found.sides[0], found.sides[-1]), ("=",))
    if isinstance(found, Group) and found.kind == "bare":
        return Group("bare", tuple(_spread(item) for item in found.items))
    return found


def _has_plus_minus(found: Expression) -> bool:
    return isinstance(found, Operation) and (found.name == "plus_minus" or any(_has_plus_minus(operand) for operand in found.operands))


def _signed(found: Expression, sign: str) -> Expression:
    if not isinstance(found, Operation):
        return found
    operands = tuple(_signed(operand, sign) for operand in found.operands)
    if found.name != "plus_minus":
        return Operation(found.name, operands)
    return Operation("+", (operands[0], operands[1] if sign == "+" else Operation("negative", (operands[1],))))


def _compare(a: Statement, b: Statement, unordered: bool) -> Outcome:
    if isinstance(a, Words) or isinstance(b, Words):
        return _words(a, b)
    if isinstance(a, Relation) or isinstance(b, Relation):
        return _relations(a, b)
    if isinstance(a, Group) and isinstance(b, Group):
        return _groups(a, b, unordered)
    if isinstance(a, Group) or isinstance(b, Group):
        return _group_and_value(*((a, b) if isinstance(a, Group) else (b, a)))  # type: ignore[arg-type]
    if isinstance(a, Symbol) and isinstance(b, Symbol) and a.name != b.name and a.name.casefold() == b.name.casefold():
        return "unknown"  # the label of a choice, or two letters
    return compare_values(a, b)


def _words(a: Statement, b: Statement) -> Outcome:
    if isinstance(a, Words) and isinstance(b, Words):
        if a.text == b.text:
            return "equal"
        if {a.text, b.text} in ({"yes", "no"}, {"true", "false"}):
            return "different"
        return "unknown" if sorted(a.text) == sorted(b.text) or {a.text, b.text} & {"none", "yes", "no", "true", "false"} else "different"
    other = b if isinstance(a, Words) else a
    return "different" if isinstance(other, Number | Operation | Symbol) and as_fraction(other) is not None else "unknown"


def _group_and_value(group: Group, value: Expression) -> Outcome:
    match group.kind, group.items:
        case (("set" | "bare"), [only]):
            return _compare(only, value, False)
        case (("square" | "round"), [only]):
            return "unknown"
        case "ratio", [above, below] if isinstance(above, Number) and isinstance(below, Number) and below.value:
            return "unknown" if as_fraction(value) == above.value / below.value else "different"
        case _:
            return "different"


def _groups(a: Group, b: Group, unordered: bool) -> Outcome:
    kinds = {a.kind, b.kind}
    if kinds <= {"bare"}:
        unordered = unordered or all(isinstance(item, Relation) for item in (*a.items, *b.items))
        in_order, as_sets = _in_order(a.items, b.items), _as_sets(a.items, b.items)
        return in_order if in_order == "equal" or as_sets == "different" else as_sets if unordered else "unknown"
    if kinds <= {"set", "bare"}:
        return _as_sets(a.items, b.items)
    if kinds == {"ratio"}:
        return _ratios(a, b)
    if "union" in kinds and kinds <= {"union", "set", *_INTERVALS}:
        return "equal" if _as_sympy_set(a) == _as_sympy_set(b) else "different"
    if len(kinds) == 1:
        return _in_order(a.items, b.items)
    if kinds <= set(_INTERVALS):
        return "different"  # brackets say what belongs to it
    return "different" if _as_sets(a.items, b.items) == "different" else "unknown"


def _in_order(a: Sequence[Statement], b: Sequence[Statement]) -> Outcome:
    if len(a) != len(b):
        return "different"
    found = [_compare(left, right, False) for left, right in zip(a, b, strict=True)]
    return "different" if "different" in found else "unknown" if "unknown" in found else "equal"


def _as_sets(a: Sequence[Statement], b: Sequence[Statement]) -> Outcome:
    """Equal where each item has an equal on the other side; different where one is different from all."""
    table = [[_compare(left, right, False) for right in b] for left in a]
    rows = table + [list(column) for column in zip(*table, strict=True)]
    if not a or not b:
        return "equal" if not a and not b else "different"
    if all("equal" in row for row in rows):
        return "equal"
    return "different" if any(set(row) == {"different"} for row in rows) else "unknown"


def _ratios(a: Group, b: Group) -> Outcome:
    values = [[as_fraction(part) if isinstance(part, Number | Symbol | Operation) else None for part in group.items] for group in (a, b)]
    left, right = ([value for value in row if value is not None] for row in values)
    if len(left) != len(a.items) or len(right) != len(b.items):
        return "equal" if a == b else "unknown"
    if left == right:
        return "equal"
    if len(left) != len(right) or not all(left) or not all(right):
        return "different"
    proportional = all(x * right[0] == y * left[0] for x, y in zip(left, right, strict=True))
    clock = len(left) == 2 and all(row[0] < 24 and 10 <= row[1] < 60 for row in (left, right))
    return "different" if not proportional else "unknown" if clock else "equal"


def _as_sympy_set(found: Statement) -> Any:
    import sympy

    match found:
        case Group("union", items):
            return sympy.Union(*map(_as_sympy_set, items))
        case Group("set", items):
            return sympy.FiniteSet(*(_number(item) for item in items))
        case Group(kind, (low, high)) if kind in _INTERVALS:
            return sympy.Interval(_number(low), _number(high), kind in ("round", "half_left"), kind in ("round", "half_right"))
        case _:
            raise Unreadable("not a set of numbers")


def _number(found: Statement) -> Any:
    """An end of an interval: a fraction or infinity, whose form is its value."""
    value = as_sympy(found) if isinstance(found, Number | Symbol | Operation) else None
    if value is None or not (value.is_Rational or value.is_infinite):
        raise Unreadable("an end that is no fraction")
    return value


def _relations(a: Statement, b: Statement) -> Outcome:
    solved = [_solution(side) for side in (a, b)]
    if all(solved) and any(isinstance(side, Relation) and side.signs[0] != "=" for side in (a, b)):
        (name, left), (other, right) = (found for found in solved if found)
        return "different" if "" not in (name, other) and name != other else "equal" if left == right else "different"
    if not (isinstance(a, Relation) and isinstance(b, Relation)):
        relation, other = (a, b) if isinstance(a, Relation) else (b, a)
        assert isinstance(relation, Relation)
        if isinstance(other, Group) and other.kind in ("bare", "set") and any(isinstance(item, Relation) for item in other.items):
            return "different" if len(other.items) > 1 and relation.signs == ("=",) else "unknown"
        return "unknown" if any(_compare(side, other, False) != "different" for side in relation.sides) else "different"
    if len(a.signs) != 1 or len(b.signs) != 1:
        return "equal" if a == b else "unknown"
    if not all(isinstance(side, Number | Symbol | Operation) for side in (*a.sides, *b.sides)):
        return _compare(a.sides[1], b.sides[1], False) if a.sides[0] == b.sides[0] and a.signs == b.signs else "unknown"
    return _single_relations(a, b)


def _single_relations(a: Relation, b: Relation) -> Outcome:
    """Two equations, or inequalities, are one where their differences of sides are in a constant ratio, a positive one for < and >."""
    import sympy

    if {a.signs[0], b.signs[0]} & {"in"}:
        return "unknown"
    left, right = (as_sympy(side.sides[0]) - as_sympy(side.sides[1]) for side in (a, b))  # type: ignore[arg-type]
    sign = b.signs[0]
    if sign[0] != a.signs[0][0]:
        sign, right = _FLIPPED[sign], -right
    if sign != a.signs[0]:
        return "different"
    if compare_sympy(left, right) == "equal":
        return "equal"
    if not left.free_symbols or not right.free_symbols:
        return "unknown"
    if left.free_symbols != right.free_symbols:
        return "different"
    ratio = sympy.cancel(sympy.together(left / right))
    if not ratio.free_symbols and ratio.is_finite and not ratio.is_zero:
        return "equal" if sign in ("=", "!=") or ratio.is_positive else "different" if ratio.is_negative else "unknown"
    symbols = sorted(left.free_symbols, key=str)
    linear = all(side.is_polynomial(*symbols) and sympy.Poly(side, *symbols).total_degree() <= 1 for side in (left, right))
    same_curve = sign == "=" and all(side.is_polynomial(*symbols) and len(symbols) == 2 for side in (left, right))
    return "different" if linear or (same_curve and _squarefree_differ(left, right, symbols)) else "unknown"


def _squarefree_differ(left: Any, right: Any, symbols: list[Any]) -> bool:
    """Whether two plane curves differ at a rational point of one of them; only those with such a point on a small grid are told apart."""
    x, y = symbols
    for one, other in ((left, right), (right, left)):
        for at in (Fraction(0), Fraction(1), Fraction(-1), Fraction(2), Fraction(3)):
            import sympy

            equation = sympy.Poly(one.subs(x, sympy.Rational(at.numerator, at.denominator)), y)
            for root in sympy.roots(equation, y, filter="R") if equation.degree() in (1, 2) else ():
                if compare_sympy(other.subs({x: sympy.Rational(at.numerator, at.denominator), y: root}), sympy.Integer(0)) == "different":
                    return True
    return False


def _solution(found: Statement) -> tuple[str, Any] | None:
    """The letter and the set of numbers of an inequality in one letter, `x < 3` or `1 < x <= 4`; of an interval, whose letter is empty."""
    import sympy

    if isinstance(found, Group):
        try:
            return ("", _as_sympy_set(found)) if found.kind in ("union", *_INTERVALS) else None
        except Unreadable:
            return None
    if not isinstance(found, Relation):
        return None
    if found.signs == ("in",) and isinstance(found.sides[0], Symbol):
        inner = _solution(found.sides[1])
        return (found.sides[0].name, inner[1]) if inner else None
    whole, name = sympy.S.Reals, ""
    for left, sign, right in zip(found.sides, found.signs, found.sides[1:], strict=False):
        part = _half_line(left, sign, right)
        if part is None or (name and part[0] != name):
            return None
        name, whole = part[0], whole.intersect(part[1])
    return name, whole


def _half_line(left: Statement, sign: str, right: Statement) -> tuple[str, Any] | None:
    import sympy

    if sign not in ("<", "<=", ">", ">=") or not all(isinstance(side, Number | Symbol | Operation) for side in (left, right)):
        return None
    difference = as_sympy(left) - as_sympy(right)  # type: ignore[arg-type]
    if len(difference.free_symbols) != 1:
        return None
    (letter,) = difference.free_symbols
    if not difference.is_polynomial(letter) or sympy.Poly(difference, letter).degree() != 1:
        return None
    slope, constant = sympy.Poly(difference, letter).all_coeffs()
    end = -constant / slope
    if not (end.is_Rational and slope.is_Rational):
        return None
    below = sign[0] == "<" if slope > 0 else sign[0] == ">"
    open_end = len(sign) == 1
    return letter.name, sympy.Interval(-sympy.oo, end, True, open_end) if below else sympy.Interval(end, sympy.oo, open_end, True)
