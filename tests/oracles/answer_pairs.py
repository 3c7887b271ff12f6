"""Pairs of answers of which it is known whether they say the same: published failures of math-verify, Korean numerals, ordinary notation.

Korean words come from a speller of our own that shares nothing with the reader under test: it spells a number, the test knows the number.
"""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pair:
    gold: str
    answer: str
    equal: bool
    about: str


DIGITS = "영일이삼사오육칠팔구"
NATIVE_ONES = ("", "하나", "둘", "셋", "넷", "다섯", "여섯", "일곱", "여덟", "아홉")
NATIVE_BEFORE_COUNTERS = ("", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉")
NATIVE_TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")


def spell(number: int, spaced: bool = False) -> str:
    """A whole number below 10^16 in Sino-Korean words, 일 left out before 십, 백 and 천 and before a 만 that stands first."""
    if number < 0:
        return f"마이너스 {spell(-number, spaced)}"
    if number == 0:
        return "영"
    groups: list[str] = []
    for name, scale in (("조", 10**12), ("억", 10**8), ("만", 10**4), ("", 1)):
        section = number // scale % 10**4
        if section:
            said = "".join(
                ("" if digit == 1 and unit else DIGITS[digit]) + unit
                for digit, unit in zip((int(c) for c in f"{section:04}"), ("천", "백", "십", ""), strict=True)
                if digit
            )
            groups.append(("" if name == "만" and section == 1 and not groups else said) + name)
    return (" " if spaced else "").join(groups)


def spell_native(number: int, counted: bool = False) -> str:
    """1 to 99 in native words; before a counter 하나 is 한 and 스물 is 스무."""
    tens, ones = divmod(number, 10)
    if counted:
        return ("스무" if number == 20 else NATIVE_TENS[tens]) + NATIVE_BEFORE_COUNTERS[ones]
    return NATIVE_TENS[tens] + NATIVE_ONES[ones]


PUBLISHED: tuple[Pair, ...] = (
    Pair(r"$\frac{1}{2004!}$", r"$\frac{1}{2006!}$", False, "#14"),
    Pair(r"$\frac{1}{2^{99}}$", r"$\frac{1}{2^{98}}$", False, "#14"),
    Pair("$n=2, 3, 4$", "$n=1, 2, 3$", False, "#14"),
    Pair("$D = (0, 1)$", "$D = (0, 1.5)$", False, "#14"),
    Pair(r"$F_n = \sum_{k=0}^{n-1} F_k F_{n-k-1}$", r"$F_n = \sum_{k=0}^{n-2} F_k F_{n-k-2}$", False, "#14"),
    Pair(r"$19, 46, \text{ and } 82$", "$21, 36, and 82$", False, "#14"),
    Pair(r"$\frac{2^{2005}+1}{3 \cdot 2^{2006}}$", r"$\frac{1}{3 \cdot 2^{2006}}$", False, "#14"),
    Pair(r"$1 - \frac{1}{\mathrm{e}}$", r"$1 + \frac{1}{\mathrm{e}}$", False, "#14"),
    Pair(r"$\pm 2021$", "$2021$", False, "#14"),
    Pair("$12:00$", "$1:00$", False, "#14"),
    Pair(r"$1, 2, \ldots, n$", r"$1, 3, 5, \ldots, 2n-1$", False, "#14"),
    Pair(r"$1:2:3:\ldots$", r"$1:4:9:\ldots$", False, "#14"),
    Pair("$2x+4y-3=0$", "$y = -1/2*x + 3/4$", True, "#26"),
    Pair(r"$\text{13}$", "$13$", True, "#37"),
    Pair("3*x-1*y+13=0", "3x + 4y + 14=0", False, "#60"),
)


def korean_pairs(seed: int = 0) -> list[Pair]:
    """200 pairs, of each kind as many right as wrong, but for a handful of kinds with one of them."""
    draw = random.Random(seed)
    pairs: list[Pair] = []

    def both(gold: str, right: str, wrong: str, about: str) -> None:
        pairs.extend((Pair(gold, right, True, about), Pair(gold, wrong, False, about)))

    for _ in range(20):
        number = draw.randrange(10, 10 ** draw.randrange(2, 13))
        both(str(number), spell(number, draw.random() < 0.5), spell(number + draw.choice((1, 10, 100))), "spelt")
    for _ in range(14):
        man, rest = draw.randrange(1, 9999), draw.randrange(1, 9)
        value = man * 10**4 + rest * 1000
        both(str(value), f"{man}만 {rest}천 원입니다", f"{man}만 {rest}백 원입니다", "written and units")
    for _ in range(8):
        eok, man = draw.randrange(1, 99), draw.randrange(1, 9) * 1000
        both(f"{eok * 10**8 + man * 10**4:,}원", f"{eok}억 {man}만 원", f"{eok}억 {man}원", "억")
    for _ in range(14):
        number = draw.randrange(1, 100)
        counter = draw.choice(("개", "명", "마리", "권"))
        other = number % 99 + 1
        both(f"{number}{counter}", f"{spell_native(number, True)} {counter}입니다", f"{spell_native(other, True)} {counter}", "native")
    for _ in range(14):
        below, above = draw.randrange(3, 30), draw.randrange(1, 3)
        spelt = draw.random() < 0.5
        written = (spell(below), spell(above)) if spelt else (str(below), str(above))
        both(rf"\frac{{{above}}}{{{below}}}", f"{written[0]}분의 {written[1]}", f"{spell(below + 1)}분의 {written[1]}", "분의")
    for _ in range(8):
        whole, decimals = draw.randrange(0, 100), f"{draw.randrange(1, 1000):03}"
        said = f"{spell(whole)}점{''.join(DIGITS[int(c)] for c in decimals)}"
        both(f"{whole}.{decimals}", said, said[:-1] + DIGITS[(int(decimals[-1]) + 1) % 10], "소수점")
    for _ in range(8):
        percent = draw.randrange(1, 100)
        both(
            f"{percent}%", f"{spell(percent)} 퍼센트이다" if percent % 10 != 2 else f"{percent}퍼센트이다", f"{percent + 1}프로", "percent"
        )
    for _ in range(4):
        rate, part = draw.randrange(1, 10), draw.randrange(1, 10)
        both(f"0.{rate}{part}", f"{rate}할 {part}푼", f"{rate}할 {part}리", "할푼리")
    for _ in range(4):
        number = draw.randrange(2, 1000)
        both(str(-number), f"마이너스 {spell(number)}", spell(number), "negative")
    wide = str.maketrans("0123456789-./", "０１２３４５６７８９－．／")
    for number in ("42", "-17", "3.5", "2/3"):
        both(number, f"정답은 {number.translate(wide)}입니다.", f"정답은 {(number + '1').translate(wide)}입니다.", "full width")
    assert len(pairs) >= 196, len(pairs)
    pairs += [
        Pair("1시간 30분", "90분", True, "compound"),
        Pair("1시간 30분", "130분", False, "compound"),
        Pair("3명", "3개", False, "unit"),
        Pair("5만 원", "5만 달러", False, "unit"),
    ]
    return pairs[:200]


def _with_unit(number: int, unit: str) -> str:
    return f"{unit}{number}" if unit in "$€" else f"{number} {unit}"


def ordinary_pairs(seed: int = 0) -> list[Pair]:
    """300 pairs in the notations of textbooks, exams and models' answers."""
    draw = random.Random(seed)
    pairs: list[Pair] = []

    def both(gold: str, right: str, wrong: str, about: str) -> None:
        pairs.extend((Pair(gold, right, True, about), Pair(gold, wrong, False, about)))

    for _ in range(12):
        a = draw.randrange(-999, 10**6)
        both(str(a), rf"\boxed{{{a:,}}}", str(a + draw.choice((-1, 1, 10))), "integer")
    for _ in range(12):
        a, b = draw.randrange(1, 50), draw.randrange(2, 50)
        k = draw.randrange(2, 9)
        both(f"{a}/{b}", rf"\dfrac{{{a * k}}}{{{b * k}}}", rf"\frac{{{a}}}{{{b + 1}}}", "fraction")
    for _ in range(10):
        a, places = draw.randrange(1, 10**5), draw.randrange(1, 5)
        value = f"{a / 10**places:.{places}f}"
        both(value, f"${value}0$", f"{(a + 1) / 10**places:.{places}f}", "decimal")
    for _ in range(8):
        a = draw.randrange(1, 400)
        both(f"{a}%", f"{a}/100", f"{a}/1000", "percent")
    for unit, other in (("cm", "kg"), ("kg", "L"), ("m", "s"), ("minutes", "km"), ("mL", "g"), ("km/h", "cm"), ("cm^2", "cm"), ("$", "€")):
        a = draw.randrange(2, 500)
        both(_with_unit(a, unit), rf"The answer is {_with_unit(a, unit)}.", _with_unit(a, other), "unit")
    both("2 km", "2000 m", "200 m", "unit")
    both("90 minutes", "1.5 hours", "1.6 hours", "unit")
    for _ in range(8):
        a, b = draw.randrange(-20, 0), draw.randrange(1, 20)
        both(f"[{a}, {b})", rf"\left[{a},{b}\right)", f"({a}, {b})", "interval")
    both(r"(-\infty, 3)", "x < 3", r"(-\infty, 3]", "interval")
    both(r"(-\infty,1)\cup(4,\infty)", r"(4,\infty) \cup (-\infty,1)", r"(-\infty,1)\cup[4,\infty)", "interval")
    for _ in range(9):
        items = draw.sample(range(-30, 30), draw.randrange(2, 5))
        again, wrong = draw.sample(items, len(items)), [*items[:-1], 99]
        gold, right, other = (", ".join(map(str, chosen)) for chosen in (items, again, wrong))
        both(rf"\{{{gold}\}}", f"{{{right}}}", rf"\{{{other}\}}", "set")
    for _ in range(8):
        a, b = draw.sample(range(-9, 10), 2)
        both(f"({a}, {b})", rf"$\left({a},\; {b}\right)$", f"({b}, {a})", "tuple")
    for _ in range(8):
        a, b = draw.randrange(2, 9), draw.choice((2, 3, 5, 7))
        both(rf"\sqrt{{{a * a * b}}}", rf"{a}\sqrt{{{b}}}", rf"{a}\sqrt{{{b + 1}}}", r"\sqrt")
    both(r"\frac{\sqrt{2}}{2}", r"1/sqrt(2)", r"\sqrt{2}", r"\sqrt")
    both(r"\sqrt[3]{54}", r"3\sqrt[3]{2}", r"3\sqrt{2}", r"\sqrt")
    for _ in range(6):
        a, b = draw.randrange(2, 12), draw.randrange(2, 12)
        both(rf"\frac{{{a}\pi}}{{{b}}}", f"{a}*pi/{b}", f"{a}/{b}", r"\pi")
    for _ in range(10):
        a, b = draw.randrange(1, 9), draw.randrange(1, 9)
        both(f"(x+{a})(x-{b})", f"x^2 + {a - b}x - {a * b}".replace("+ -", "- "), f"x^2 + {a + b}x - {a * b}", "expression")
    both(r"\frac{x+1}{x^2-1}", r"\frac{1}{x-1}", r"\frac{1}{x+1}", "expression")
    both("2^{n+1}", r"2 \cdot 2^n", r"2 \cdot 3^n", "expression")
    both(r"\sin(2x)", r"2\sin(x)\cos(x)", r"2\sin(x)", "expression")
    for _ in range(8):
        a, b, c = draw.randrange(2, 9), draw.randrange(1, 9), draw.randrange(1, 9)
        both(f"{a}x + {b}y = {c}", f"{2 * a}x + {2 * b}y - {2 * c} = 0", f"{a}x + {b}y = {c + 1}", "equation")
        both(f"x = {a}", str(a), f"x = {a + b}", "equation")
    for _ in range(8):
        a, power = draw.randrange(11, 99), draw.randrange(2, 9)
        both(f"{a / 10}e{power}", rf"{a / 10} \times 10^{{{power}}}", rf"{a / 10} \times 10^{{{power + 1}}}", "scientific")
    for _ in range(6):
        a = draw.randrange(10**4, 10**8)
        both(str(a), f"{a:,}", f"{a + 1000:,}", "thousands")
    for letter in "ABCDE":
        both(letter, f"({letter})", "A" if letter != "A" else "B", "choice")
    for _ in range(4):
        a, b = draw.randrange(1, 9), draw.randrange(2, 9)
        both(rf"{a}\frac{{1}}{{{b}}}", rf"\frac{{{a * b + 1}}}{{{b}}}", rf"\frac{{{a}}}{{{b}}}", "mixed number")
    for _ in range(4):
        a, b = draw.sample(range(-20, 20), 2)
        both(f"x = {a} or x = {b}", f"{b} or {a}", f"x = {a}", "solutions")
    both("3 + 4i", "4i + 3", "3 - 4i", "complex")
    both("5!", "120", "24", "factorial")
    both(r"\binom{6}{2}", "15", "12", "binomial")
    both(r"x \geq -2", "-2 <= x", "x > -2", "inequality")
    both("약 3.14", r"\pi", "3.15", "rounded gold")
    return pairs[:300]
