"""Korean word problems of one or two steps: money, counted things in native numerals, clocks, shares, full-width digits."""

from collections.abc import Callable
from fractions import Fraction
from math import gcd
from random import Random

from seodang.evaluation.korean import called, full_width, native_before, sino, with_particle
from seodang.evaluation.problems.problem import Stated

NAMES = ("지민", "서아", "도윤", "하준", "예린", "수아", "민준", "지유", "은우", "다은", "현서", "유진")
_GOODS = (
    ("공책", "권", 1_000),
    ("볼펜", "자루", 800),
    ("우유", "병", 1_500),
    ("귤", "봉지", 3_500),
    ("양말", "켤레", 2_500),
    ("엽서", "장", 700),
)


def _change(random: Random) -> Stated:
    (first, counter, price), (second, other, cost) = random.sample(_GOODS, 2)
    price, cost = price + 100 * random.randint(0, 9), cost + 100 * random.randint(0, 9)
    many, few = random.randint(2, 6), random.randint(2, 4)
    paid = (price * many + cost * few) // 10_000 + 1
    return Stated(
        f"{called(random.choice(NAMES))}는 한 {counter}에 {price:,}원인 {first} {many}{counter}{_and(counter)} "
        f"한 {other}에 {cost:,}원인 {second} {few}{with_particle(other, '을/를')} 사고 {paid}만 원을 냈습니다. 거스름돈은 얼마입니까?",
        Fraction(10_000 * paid - price * many - cost * few),
        "원",
    )


def _legs(random: Random) -> Stated:
    hens, rabbits = random.randint(11, 39), random.randint(5, 29)
    return Stated(
        f"농장에 닭이 {native_before(hens)} 마리, 토끼가 {native_before(rabbits)} 마리 있습니다. 다리는 모두 몇 개입니까?",
        Fraction(2 * hens + 4 * rabbits),
        "개",
    )


def _stock(random: Random) -> Stated:
    thing, unit = random.choice((("쌀", "킬로그램"), ("석유", "리터"), ("밀가루", "킬로그램"), ("식용유", "리터")))
    there = 100 * random.randint(210, 890)
    gone = 100 * random.randint(15, there // 100 - 20)
    return Stated(
        f"창고에 {with_particle(thing, '이/가')} {sino(there)} {unit} 있었는데 그중에서 {sino(gone)} {with_particle(unit, '을/를')} "
        f"팔았습니다. "
        f"남은 {with_particle(thing, '은/는')} 몇 {unit}입니까?",
        Fraction(there - gone),
        unit,
    )


def _share(random: Random) -> Stated:
    below = random.randint(3, 9)
    above = random.choice([number for number in range(1, below) if gcd(number, below) == 1])
    whole = below * random.randint(8, 40)
    place, what = random.choice(
        (("어느 학교의 학생", "안경을 쓰지 않은"), ("강당에 모인 사람", "안경을 쓰지 않은"), ("동호회 회원", "안경을 쓰지 않은"))
    )
    return Stated(
        f"{place} {whole}명 가운데 {below}분의 {with_particle(str(above), '이/가')} 안경을 썼습니다. {what} 사람은 몇 명입니까?",
        Fraction(whole * (below - above), below),
        "명",
    )


def _duration(random: Random) -> Stated:
    start = 60 * random.randint(8, 11) + 5 * random.randint(1, 11)
    long = 5 * random.randint(26, 70)
    end = start + long
    what = random.choice(("회의", "공연", "수업", "경기"))
    return Stated(
        f"{with_particle(what, '이/가')} {_clock(start)}에 시작하여 {_clock(end)}에 끝났습니다. 모두 몇 분이 걸렸습니까?",
        Fraction(long),
        "분",
    )


def _wide_digits(random: Random) -> Stated:
    a, b, c = random.randint(12, 49), random.randint(3, 19), random.randint(11, 99)
    sign = random.choice("+-")
    shown = full_width(f"{a} × {b} {sign} {c}")
    return Stated(f"다음을 계산하십시오.\n{shown}", Fraction(a * b + (c if sign == "+" else -c)))


def _trees(random: Random) -> Stated:
    gap = random.randint(4, 15)
    length = gap * random.randint(12, 60)
    tree = random.choice(("은행나무", "벚나무", "소나무", "느티나무"))
    return Stated(
        f"길이가 {length}미터인 곧은 도로의 한쪽에 처음부터 끝까지 {gap}미터 간격으로 {with_particle(tree, '을/를')} 심으려고 합니다. "
        "도로의 양 끝에도 심는다면 나무는 모두 몇 그루 필요합니까?",
        Fraction(length // gap + 1),
        "그루",
    )


def _and(counter: str) -> str:
    return with_particle(counter, "과/와")[len(counter) :]


def _clock(minutes: int) -> str:
    hour = minutes // 60
    half, shown = ("오전", hour) if hour < 12 else ("오후", hour - 12 or 12)
    return f"{half} {shown}시" + (f" {minutes % 60}분" if minutes % 60 else "")


TEMPLATES: dict[str, Callable[[Random], Stated]] = {
    "change": _change,
    "legs": _legs,
    "stock": _stock,
    "share": _share,
    "duration": _duration,
    "wide_digits": _wide_digits,
    "trees": _trees,
}
