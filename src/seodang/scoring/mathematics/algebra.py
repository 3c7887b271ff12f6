"""Whether two expressions of our own tree have one value: exact fractions, then exact algebra by SymPy on that tree, never a tolerance.

"equal" needs a proof (a difference that reduces to zero), "different" a value of the difference that is not zero to 30 digits at some
point. What is neither, or too large to compute, is "unknown". Polynomials that differ do so at almost every point (Schwartz 1980).
"""

from fractions import Fraction
from math import comb, factorial
from typing import Any, Literal

from seodang.scoring.mathematics.tree import Expression, Number, Operation, Symbol, Unreadable

Outcome = Literal["equal", "different", "unknown"]
MAX_BITS = 200_000  # of a numerator or denominator
MAX_FACTORIAL = 5_000
MAX_SYMBOLIC_POWER = 200
_DIGITS = 30
_POINTS = (Fraction(17, 11), Fraction(-23, 13), Fraction(101, 29), Fraction(-5, 31))  # where symbols are tried, each one further along


def as_fraction(expression: Expression) -> Fraction | None:
    """The exact value of an expression of rational numbers; None where it is none, Unreadable where it is too large."""
    match expression:
        case Number(value):
            return value
        case Symbol():
            return None
        case Operation(name, operands):
            values = [as_fraction(operand) for operand in operands]
            if None in values:
                return None
            return _rational(name, [value for value in values if value is not None])


def _rational(name: str, values: list[Fraction]) -> Fraction | None:
    match name, values:
        case "+", [a, b]:
            return _small(a + b)
        case "*", [a, b]:
            return _small(a * b)
        case "/", [a, b]:
            if b == 0:
                raise Unreadable("a division by zero")
            return _small(a / b)
        case "negative", [a]:
            return -a
        case "absolute", [a]:
            return abs(a)
        case "^", [a, b] if b.denominator == 1:
            if a == 0 and b <= 0:
                raise Unreadable("zero to a power that is not positive")
            if abs(a) not in (0, 1) and abs(b.numerator) * _bits(a) > MAX_BITS:
                raise Unreadable("too large a power")
            return a**b.numerator if abs(a) not in (0, 1) else a ** (b.numerator % 2 + 2)
        case "factorial", [a]:
            return Fraction(factorial(_count(a)))
        case "choose", [a, b]:
            return Fraction(comb(_count(a), _count(b)))
        case _:
            return None


def _count(value: Fraction) -> int:
    if value.denominator != 1 or not 0 <= value <= MAX_FACTORIAL:
        raise Unreadable(f"a factorial of no whole number up to {MAX_FACTORIAL}")
    return int(value)


def _bits(value: Fraction) -> int:
    return max(value.numerator.bit_length(), value.denominator.bit_length())


def _small(value: Fraction) -> Fraction:
    if _bits(value) > MAX_BITS:
        raise Unreadable("too large a number")
    return value


def as_sympy(expression: Expression) -> Any:
    """The expression in SymPy. Letters are complex numbers but for e and i; a `log` without a base has the letter `base` for it."""
    import sympy

    if (value := as_fraction(expression)) is not None:
        return sympy.Rational(value.numerator, value.denominator)
    if isinstance(expression, Symbol):
        constants = {"pi": sympy.pi, "e": sympy.E, "i": sympy.I, "infinity": sympy.oo}
        return constants.get(expression.name) or sympy.Symbol(expression.name)
    assert isinstance(expression, Operation)
    values = [as_sympy(operand) for operand in expression.operands]
    name = expression.name
    match name, values:
        case "+", [a, b]:
            return a + b
        case "*", [a, b]:
            return a * b
        case "/", [a, b]:
            if b == 0:
                raise Unreadable("a division by zero")
            return a / b
        case "negative", [a]:
            return -a
        case "absolute", [a]:
            return sympy.Abs(a)
        case "^", [a, b]:
            if b.is_number and abs(b if b.is_Rational else sympy.N(b)) > MAX_SYMBOLIC_POWER:
                raise Unreadable("too large a power")
            return a**b
        case "root", [a, b]:
            return _root(a, b)
        case "log", [a]:
            return sympy.log(a) / sympy.log(sympy.Symbol("base", positive=True))
        case "log", [a, b]:
            return sympy.log(a) / sympy.log(b)
        case "ln", [a]:
            return sympy.log(a)
        case _ if name in ("sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh", "exp"):
            return getattr(sympy, name)(values[0])
        case _ if name in ("arcsin", "arccos", "arctan"):
            return getattr(sympy, name.replace("arc", "a"))(values[0])
        case _ if name.startswith("function "):
            return sympy.Function(name.removeprefix("function "))(values[0])
        case _:
            raise Unreadable(f"{name} of letters")


def _root(radicand: Any, degree: Any) -> Any:
    """The real root: that of a negative number is negative where the degree is odd."""
    import sympy

    if not (degree.is_Integer and 2 <= degree <= 50):
        raise Unreadable("a root of no small degree")
    if radicand.is_negative and degree % 2:
        return -sympy.root(-radicand, degree)
    return sympy.root(radicand, degree)


def compare_values(a: Expression, b: Expression) -> Outcome:
    """Whether two expressions are one value, or one function of their letters."""
    left, right = as_fraction(a), as_fraction(b)
    if left is not None and right is not None:
        return "equal" if left == right else "different"
    if a == b:
        return "equal"
    return compare_sympy(as_sympy(a), as_sympy(b))


def compare_sympy(a: Any, b: Any) -> Outcome:
    """The same of two SymPy expressions."""
    import sympy

    if a.has(sympy.nan, sympy.zoo) or b.has(sympy.nan, sympy.zoo):
        return "unknown"
    if a.is_infinite or b.is_infinite:
        return "equal" if a == b else "different"
    if a.is_Rational and b.is_Rational:
        return "equal" if a == b else "different"
    difference = a - b
    if difference == 0:
        return "equal"
    symbols = sorted(a.free_symbols | b.free_symbols, key=str)
    if _differs(difference, a, symbols):
        return "unknown" if any(symbol.name == "base" for symbol in symbols) else "different"
    return "equal" if _reduces_to_zero(difference) else "unknown"


def _differs(difference: Any, a: Any, symbols: list[Any]) -> bool:
    """Whether the difference is not zero at some point, to 30 digits relative to the value itself."""
    import sympy

    for turn in range(len(_POINTS) if symbols else 1):
        at = {symbol: sympy.Rational(*(_POINTS[(turn + place) % 4] + place).as_integer_ratio()) for place, symbol in enumerate(symbols)}
        value, scale = (sympy.N(term.subs(at), _DIGITS, maxn=2_000) for term in (difference, a))
        if not (value.is_number and value.is_finite and scale.is_finite):
            continue
        if abs(value) > 10**-20 * abs(scale) and abs(value) > sympy.Float(10) ** -500:
            return True
    return False


def _reduces_to_zero(difference: Any) -> bool:
    import sympy

    steps = (
        lambda term: sympy.cancel(sympy.together(term)),
        sympy.expand,
        lambda term: sympy.radsimp(sympy.expand(sympy.sqrtdenest(term))),
        lambda term: sympy.expand_log(sympy.expand_trig(term), force=False),
        sympy.simplify,
    )
    if any(step(difference) == 0 for step in steps):
        return True
    return not difference.free_symbols and difference.is_algebraic is True and sympy.minimal_polynomial(difference) == sympy.Symbol("x")


def rounds_to(value: Expression, printed: Fraction, places: int) -> Outcome:
    """Whether a value, rounded half away from zero to `places` decimals, is the one printed."""
    import sympy

    exact = as_fraction(value)
    if exact is None:
        number = as_sympy(value)
        if number.free_symbols or not number.is_real:
            return "different" if number.free_symbols else "unknown"
        exact = Fraction(str(sympy.N(number, 50 + places, maxn=2_000)))
    scaled = abs(exact) * 10**places
    rounded = Fraction(int(scaled + Fraction(1, 2)), 10**places)
    return "equal" if (rounded if exact >= 0 else -rounded) == printed else "different"
