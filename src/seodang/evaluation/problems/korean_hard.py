"""Korean word problems of several steps: mixtures, chance, work done together, heads and legs, catching up, compound interest."""

from collections.abc import Callable
from fractions import Fraction
from math import comb, lcm
from random import Random

from seodang.evaluation.korean import in_sections, native_before, sino, with_particle
from seodang.evaluation.problems.problem import Stated


def _salt_water(random: Random) -> Stated:
    first, second = random.sample(range(4, 25), 2)
    a, b = 50 * random.randint(2, 10), 50 * random.randint(2, 10)
    strength = Fraction(first * a + second * b, a + b)
    return Stated(
        f"농도가 {first}퍼센트인 소금물 {a}그램과 농도가 {second}퍼센트인 소금물 {b}그램을 섞은 뒤 물 {a + b}그램을 더 부었습니다. "
        "이 소금물에 들어 있는 소금은 몇 그램입니까?",
        strength * (a + b) / 100,
        "그램",
    )


def _two_balls(random: Random) -> Stated:
    red, blue = random.randint(3, 9), random.randint(3, 9)
    kind = random.choice(("모두 빨간 공일", "서로 다른 색일"))
    ways = comb(red, 2) if kind.startswith("모두") else red * blue
    return Stated(
        f"주머니에 빨간 공 {native_before(red)} 개와 파란 공 {native_before(blue)} 개가 들어 있습니다. "
        f"이 주머니에서 공 두 개를 한꺼번에 꺼낼 때 {kind} 확률을 기약분수로 구하십시오.",
        Fraction(ways, comb(red + blue, 2)),
    )


def _together(random: Random) -> Stated:
    first, second = random.sample(range(6, 31), 2)
    alone = random.randint(1, 4)
    left = 1 - Fraction(alone, first)
    return Stated(
        f"어떤 일을 혼자서 끝내는 데 형은 {first}시간, 동생은 {second}시간이 걸립니다. 형이 혼자서 {alone}시간 동안 일한 뒤에 남은 "
        f"일을 둘이 함께 하면 "
        "둘이 함께 일하는 시간은 몇 시간입니까? 자연수가 아니면 분수로 답하십시오.",
        left / (Fraction(1, first) + Fraction(1, second)),
        "시간",
    )


def _cranes_and_turtles(random: Random) -> Stated:
    cranes, turtles = random.randint(14, 69), random.randint(9, 58)
    return Stated(
        f"우리 안에 학과 거북이 모두 {cranes + turtles}마리 있고 다리를 세어 보니 모두 {2 * cranes + 4 * turtles}개입니다. 거북은 몇 "
        f"마리입니까?",
        Fraction(turtles),
        "마리",
    )


def _catching_up(random: Random) -> Stated:
    slow, extra, late = 10 * random.randint(5, 9), 10 * random.randint(1, 4), 6 * random.randint(2, 9)
    if slow * late % extra:
        return _catching_up(random)
    return Stated(
        f"동생이 분속 {slow}미터로 집을 나선 지 {late}분 뒤에 형이 같은 길을 분속 {slow + extra}미터로 뒤따라갔습니다. "
        "형은 집을 나선 지 몇 분 뒤에 동생을 따라잡습니까?",
        Fraction(slow * late, extra),
        "분",
    )


def _compound(random: Random) -> Stated:
    principal, rate = 100 * random.randint(1, 30), random.choice((2, 4, 5, 10, 20))
    years = random.randint(2, 3)
    total = principal * 10_000 * (1 + Fraction(rate, 100)) ** years
    return Stated(
        f"{sino(principal * 10_000)} 원을 연이율 {rate}퍼센트, 1년마다 복리로 {years}년 동안 예금하였습니다. "
        "찾을 때 받는 돈은 원금과 이자를 합하여 모두 얼마입니까? 세금은 없습니다.",
        total,
        "원",
    )


def _remainders(random: Random) -> Stated:
    first, second, third = random.sample(range(4, 13), 3)
    rest = random.randint(1, min(first, second, third) - 1)
    return Stated(
        f"{first}, {second}, {with_particle(str(third), '으로/로')} 나누면 나머지가 모두 {rest}인 세 자리 자연수 가운데 가장 작은 "
        f"수를 구하십시오.",
        Fraction(next(n for n in range(100, 10_000) if n % lcm(first, second, third) == rest)),
    )


def _budget(random: Random) -> Stated:
    total = 10**8 * random.randint(3, 24) + 10**6 * 8 * random.randint(1, 9)
    first, second = random.choice(((4, 3), (5, 4), (8, 5), (4, 5), (8, 3)))
    left = total * (1 - Fraction(1, first)) * (1 - Fraction(1, second))
    if left.denominator != 1:
        return _budget(random)
    return Stated(
        f"어느 군의 사업 예산은 {in_sections(total)} 원입니다. 먼저 예산의 {first}분의 1을 도로 공사에 쓰고, 남은 돈의 {second}분의 "
        f"1을 도서관을 짓는 데 "
        "썼습니다. 남은 돈은 얼마입니까?",
        left,
        "원",
    )


TEMPLATES: dict[str, Callable[[Random], Stated]] = {
    "salt_water": _salt_water,
    "two_balls": _two_balls,
    "together": _together,
    "cranes_and_turtles": _cranes_and_turtles,
    "catching_up": _catching_up,
    "compound": _compound,
    "remainders": _remainders,
    "budget": _budget,
}
