"""Our own reading of canonical notation: tokens, and the tree that they make.

It shares nothing with math-verify. What it does not know is an `Unreadable`, never a guess.
"""

import re
from collections.abc import Callable
from fractions import Fraction

from seodang.scoring.mathematics.tree import Expression, Group, Number, Operation, Relation, Statement, Symbol, Unreadable, Words

MAX_TOKENS = 400
MAX_DEPTH = 40


_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?|\.\d+)|(?P<command>\\(?:[a-zA-Z]+|[{}|]|\\))|(?P<letter>[a-zA-Z])"
    r"|(?P<sign>[-+*/^_!%=<>()\[\]{},:|&']))"
)
_WORDS = re.compile(r"[a-zA-Z가-힣]+(?:[\s\-'][a-zA-Z가-힣]+)*")
_GREEK = frozenset(
    {
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "theta",
        "lambda",
        "mu",
        "nu",
        "rho",
        "sigma",
        "tau",
        "phi",
        "varphi",
        "omega",
        "Delta",
        "Omega",
    }
)
_FUNCTIONS = frozenset({"sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "ln", "log", "exp"})
_RELATIONS = {"=": "=", "<": "<", ">": ">", r"\leq": "<=", r"\geq": ">=", r"\neq": "!=", r"\in": "in"}
_CLOSES = {"(": ")", "[": "]", "{": "}", r"\{": r"\}"}
_STARTS = frozenset(["(", "[", "{", "|", r"\{", r"\|"])


def read(text: str) -> Statement:
    """The tree of a canonical text. Unreadable where the grammar does not know all of it."""
    text = text.strip()
    if not text:
        raise Unreadable("empty")
    if _WORDS.fullmatch(text) and re.search("[a-zA-Z가-힣]{2}", text):
        return Words(" ".join(text.casefold().split()))
    reader = _Reader(_tokens(text))
    found = reader.listed()
    if reader.token:
        raise Unreadable(f"`{reader.token}` is left over")
    return found


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    place = 0
    text = text.rstrip()
    while place < len(text):
        found = _TOKEN.match(text, place)
        if not found:
            raise Unreadable(f"`{text[place : place + 8]}` is not mathematics")
        spaced = found[0][0] == " " and tokens and tokens[-1][0].isdigit() and found["number"]
        if spaced and not re.fullmatch(r"\d+", tokens[-1]):
            raise Unreadable("two numbers side by side")
        tokens += [" ", found[0].strip()] if spaced else [found[0].strip()]
        place = found.end()
        if len(tokens) > MAX_TOKENS:
            raise Unreadable("too long")
    return tokens


class _Reader:
    """Recursive descent over tokens; the place in them is its lifetime."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.place = 0
        self.depth = 0

    @property
    def token(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def at(self, *wanted: str) -> bool:
        return self.token in wanted

    def take(self, *wanted: str) -> str:
        token = self.token
        if (wanted and token not in wanted) or not token:
            raise Unreadable(f"`{token or 'the end'}` where {' or '.join(wanted) or 'more'} is needed")
        self.place += 1
        return token

    def listed(self) -> Statement:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable("nested too deeply")
        items = [self.related()]
        while self.token == ",":
            self.take(",")
            items.append(self.related())
        self.depth -= 1
        return items[0] if len(items) == 1 else Group("bare", tuple(items))

    def related(self) -> Statement:
        sides, signs = [self.united()], list[str]()
        while self.token in _RELATIONS:
            signs.append(_RELATIONS[self.take()])
            sides.append(self.united())
        return Relation(tuple(sides), tuple(signs)) if signs else sides[0]

    def united(self) -> Statement:
        parts = [self.ratio()]
        while self.token == r"\cup":
            self.take()
            parts.append(self.ratio())
        return parts[0] if len(parts) == 1 else Group("union", tuple(parts))

    def ratio(self) -> Statement:
        parts = [self.sum()]
        while self.token == ":":
            self.take()
            parts.append(self.sum())
        return parts[0] if len(parts) == 1 else Group("ratio", tuple(parts))

    def sum(self) -> Statement:
        found = self.product()
        while self.token in ("+", "-", r"\pm"):
            sign = self.take()
            right = _expression(self.product())
            left = _expression(found)
            found = (
                Operation("plus_minus", (left, right))
                if sign == r"\pm"
                else Operation("+", (left, right if sign == "+" else Operation("negative", (right,))))
            )
        return found

    def product(self) -> Statement:
        found = self.signed()
        while True:
            if self.token in ("*", r"\cdot", "/"):
                sign = "*" if self.take() != "/" else "/"
                found = Operation(sign, (_expression(found), _expression(self.signed())))
            elif self.token == " ":
                found = self.mixed(found)
            elif self.starts_factor() and not isinstance(found, Group):
                if re.match(r"[\d.]", self.token):
                    raise Unreadable("a number right after a factor")
                if self.token == r"\frac" and isinstance(found, Number) and found.value.denominator == 1:
                    found = self.mixed(found)
                else:
                    found = Operation("*", (_expression(found), _expression(self.power())))
            else:
                return found

    def mixed(self, whole: Statement) -> Statement:
        """A whole number and a proper fraction side by side are their sum: 1 1/2."""
        if self.token == " ":
            self.take(" ")
            above, sign, below = self.take(), self.take("/"), self.take()
            if not (above + below).isdigit() or sign != "/" or not isinstance(whole, Number):
                raise Unreadable("two numbers side by side")
            fraction: Expression = Operation("/", (Number(Fraction(above)), Number(Fraction(below))))
        else:
            fraction = _expression(self.power())
        match fraction:
            case Operation("/", (Number(above), Number(below))) if 0 < above < below and isinstance(whole, Number):
                return Operation("+", (whole, fraction))
            case _:
                if isinstance(whole, Number) and isinstance(fraction, Operation) and not _all_numbers(fraction):
                    return Operation("*", (whole, fraction))
                raise Unreadable("a whole number before a fraction that is not proper")

    def starts_factor(self) -> bool:
        token = self.token
        return (
            bool(re.match(r"[\d.a-zA-Z]", token))
            or token in ("(", "{")
            or (token.startswith("\\") and token[1:] in {"frac", "sqrt", "pi", "binom", "infty", *_GREEK, *_FUNCTIONS})
        )

    def signed(self) -> Statement:
        if self.token in ("-", "+", r"\pm"):
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise Unreadable("nested too deeply")
            sign, inner = self.take(), _expression(self.signed())
            self.depth -= 1
            if sign == "+":
                return inner
            return Operation("negative", (inner,)) if sign == "-" else Operation("plus_minus", (Number(Fraction(0)), inner))
        return self.power()

    def power(self) -> Statement:
        base = self.postfix(self.primary())
        if self.token == "^":
            self.take()
            power = self.braced() if self.at("{") else self.signed()
            raised = Operation("^", (_expression(base), _expression(power)))
            if self.token == "^":
                raise Unreadable("a power of a power without brackets")
            return self.postfix(raised)
        return base

    def postfix(self, found: Statement) -> Statement:
        while self.token in ("!", "%"):
            if self.take() == "!":
                found = Operation("factorial", (_expression(found),))
            else:
                found = Operation("/", (_expression(found), Number(Fraction(100))))
        return found

    def primary(self) -> Statement:
        token = self.token
        if re.match(r"\.?\d", token):
            self.take()
            return Number(Fraction(token))
        if re.fullmatch("[a-zA-Z]", token):
            return self.letter()
        if token in _STARTS:
            return self.absolute() if token in ("|", r"\|") else self.bracketed()
        if not token.startswith("\\"):
            raise Unreadable(f"`{token or 'the end'}` where a value is needed")
        name = self.take()[1:]
        special: dict[str, Callable[[], Statement]] = {
            "frac": lambda: Operation("/", (self.braced(), self.braced())),
            "sqrt": self.root,
            "binom": lambda: Operation("choose", (self.braced(), self.braced())),
            "pi": lambda: Symbol("pi"),
            "infty": lambda: Symbol("infinity"),
            "emptyset": lambda: Group("set", ()),
            "begin": self.matrix,
        }
        if name in special:
            return special[name]()
        if name in _FUNCTIONS:
            return self.function(name)
        if name in _GREEK:
            return Symbol(name)
        raise Unreadable(f"`\\{name}` is not known")

    def letter(self) -> Statement:
        name = self.take()
        while self.token == "'":
            name += self.take()
        if self.token == "_":
            self.take()
            name += "_" + (self.index() if self.at("{") else self.take())
        if name in ("f", "g", "h", "P", "p") and self.token == "(":
            argument = self.bracketed()
            if not isinstance(argument, Number | Symbol | Operation):
                raise Unreadable("a function of several arguments")
            return Operation(f"function {name}", (argument,))
        return Symbol(name)

    def index(self) -> str:
        self.take("{")
        found = ""
        while self.token != "}":
            found += self.take()
        self.take("}")
        return found

    def braced(self) -> Expression:
        self.take("{")
        found = _expression(self.sum())
        self.take("}")
        return found

    def root(self) -> Statement:
        degree: Expression = Number(Fraction(2))
        if self.token == "[":
            self.take()
            degree = _expression(self.sum())
            self.take("]")
        return Operation("root", (self.braced(), degree))

    def function(self, name: str) -> Statement:
        base: tuple[Expression, ...] = ()
        power: Expression | None = None
        while self.token in ("_", "^"):
            sign = self.take()
            found = self.braced() if self.at("{") else _expression(self.primary())
            if sign == "_" and name == "log":
                base = (found,)
            elif sign == "^" and not (isinstance(found, Operation) and found.name == "negative"):
                power = found
            else:
                raise Unreadable(f"an index or inverse of {name}")
        if self.token == " ":
            self.take()
        if self.token in ("(", "{"):
            argument = _expression(self.bracketed())
        else:
            argument = _expression(self.power())
            while re.fullmatch(r"[a-zA-Z]|\\pi|\\theta", self.token):
                argument = Operation("*", (argument, _expression(self.power())))
        applied = Operation(name, (argument, *base))
        return applied if power is None else Operation("^", (applied, power))

    def absolute(self) -> Statement:
        bar = self.take()
        found = _expression(self.sum())
        self.take(bar)
        return Operation("absolute", (found,))

    def bracketed(self) -> Statement:
        opening = self.take()
        if opening in ("{", r"\{") and self.token == _CLOSES[opening]:
            self.take()
            return Group("set", ())
        inside = self.listed()
        end = self.take(")", "]") if opening in "([" else self.take(_CLOSES[opening])
        items = inside.items if isinstance(inside, Group) and inside.kind == "bare" else (inside,)
        if opening in ("{", r"\{"):
            return inside if opening == "{" and len(items) == 1 and isinstance(inside, Number | Symbol | Operation) else Group("set", items)
        if end != _CLOSES[opening]:
            if len(items) != 2:
                raise Unreadable("an interval has two ends")
            return Group("half_left" if opening == "(" else "half_right", items)
        if len(items) == 1 and opening == "(":
            return inside
        return Group("round" if opening == "(" else "square", items)

    def matrix(self) -> Statement:
        kind = self.index()
        if not kind.endswith("matrix"):
            raise Unreadable(f"`{kind}` is not known")
        rows: list[tuple[Statement, ...]] = [()]
        while self.token != r"\end":
            rows[-1] += (self.sum(),)
            if self.token == "&":
                self.take()
            elif self.token == r"\\":
                self.take()
                rows.append(())
        self.take(r"\end")
        if self.index() != kind or len({len(row) for row in rows if row}) != 1:
            raise Unreadable("a matrix whose rows differ")
        return Group("matrix", tuple(Group("row", row) for row in rows if row))


def _expression(found: Statement) -> Expression:
    if isinstance(found, Number | Symbol | Operation):
        return found
    raise Unreadable("a list or a relation inside of an expression")


def _all_numbers(found: Expression) -> bool:
    return isinstance(found, Number) or (isinstance(found, Operation) and all(_all_numbers(operand) for operand in found.operands))
