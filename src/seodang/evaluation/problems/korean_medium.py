"""Korean word problems of two or three steps: discounts in 할, ages, speed, dates, ratios, averages, fractions, interest, populations."""

from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from random import Random

from seodang.evaluation.korean import called, in_sections, native_before, with_particle
from seodang.evaluation.problems.korean_easy import NAMES
from seodang.evaluation.problems.problem import Stated


def _discount(random: Random) -> Stated:
    price, rate, many = 1_000 * random.randint(12, 95), random.randint(1, 5), random.randint(2, 6)
    thing, counter = random.choice((("운동화", "켤레"), ("셔츠", "벌"), ("가방", "개"), ("모자", "개")))
    return Stated(
        f"정가가 {price:,}원인 {with_particle(thing, '을/를')} {rate}할 할인하여 팔고 있습니다. 이 {thing} {native_before(many)} "
        f"{with_particle(counter, '을/를')} 사면 모두 얼마를 내야 합니까?",
        Fraction(price * many * (10 - rate), 10),
        "원",
    )


def _ages(random: Random) -> Stated:
    years, times = random.randint(2, 12), random.randint(2, 3)
    child = random.randint(5, 15)
    mother = times * (child + years) - years
    if not 24 <= mother - child <= 44:
        return _ages(random)
    return Stated(
        f"올해 어머니는 {native_before(mother)} 살이고 딸은 {native_before(child)} 살입니다. "
        f"어머니의 나이가 딸의 나이의 {times}배가 되는 것은 몇 년 뒤입니까?",
        Fraction(years),
        "년",
    )


def _speed(random: Random) -> Stated:
    pace, hours, minutes = 12 * random.randint(4, 9), random.randint(1, 4), 5 * random.randint(1, 11)
    vehicle = random.choice(("버스", "승용차", "화물차"))
    return Stated(
        f"{with_particle(vehicle, '이/가')} 시속 {pace}킬로미터의 일정한 빠르기로 {hours}시간 {minutes}분 동안 달렸습니다. "
        "달린 거리는 몇 킬로미터입니까?",
        pace * Fraction(60 * hours + minutes, 60),
        "킬로미터",
    )


def _days(random: Random) -> Stated:
    start = date(random.randint(2021, 2031), random.randint(1, 6), random.randint(1, 28))
    end = start + timedelta(days=random.randint(45, 170))
    return Stated(
        f"어느 전시회가 {_day(start)}부터 {_day(end, start.year)}까지 쉬는 날 없이 열립니다. 첫날과 마지막 날을 모두 넣어 세면 "
        f"전시회는 며칠 동안 열립니까?",
        Fraction((end - start).days + 1),
        "일",
    )


def _divided(random: Random) -> Stated:
    first, second = random.sample(range(2, 10), 2)
    part = random.randint(2, 9)
    name, other = random.sample(NAMES, 2)
    return Stated(
        f"{part * (first + second)}만 원을 {called(name)}와 {called(other)}가 {first} 대 {second}의 비로 나누어 가졌습니다. "
        f"{called(name)}가 가진 돈은 얼마입니까?",
        Fraction(10_000 * part * first),
        "원",
    )


def _average(random: Random) -> Stated:
    scores = [random.randint(58, 99) for _ in range(random.randint(3, 4))]
    mean = random.randint(4 * 60, 4 * 95)
    last = Fraction(mean, 4) * (len(scores) + 1) - sum(scores)
    if last.denominator != 1 or not 40 <= last <= 100:
        return _average(random)
    shown = f"{mean / 4:g}"
    return Stated(
        f"{called(random.choice(NAMES))}는 시험 {native_before(len(scores))} 번에서 차례로 "
        f"{', '.join(f'{score}점' for score in scores)}을 받았습니다. "
        f"한 번 더 시험을 보아 평균이 {shown}점이 되려면 다음 시험에서 몇 점을 받아야 합니까?",
        last,
        "점",
    )


def _jug(random: Random) -> Stated:
    b, d = random.sample(range(3, 10), 2)
    there, drunk = Fraction(random.randint(b, 3 * b), b), Fraction(random.randint(1, d - 1), d)
    if there.denominator != b or drunk.denominator != d or there <= drunk:
        return _jug(random)
    return Stated(
        f"물통에 물이 {b}분의 {there.numerator}리터 있습니다. 이 가운데 {d}분의 {drunk.numerator}리터를 마셨습니다. "
        "남은 물은 몇 리터입니까? 분수로 답하십시오.",
        there - drunk,
        "리터",
    )


def _interest(random: Random) -> Stated:
    principal, rate, years = 100 * random.randint(1, 9), random.randint(2, 6), random.randint(2, 5)
    return Stated(
        f"은행에 {principal}만 원을 연이율 {rate}퍼센트의 단리로 {years}년 동안 맡겼습니다. 찾을 때 받는 돈은 원금과 이자를 합하여 "
        f"얼마입니까? "
        "세금은 없습니다.",
        Fraction(principal * 10_000 * (100 + rate * years), 100),
        "원",
    )


def _population(random: Random) -> Stated:
    larger = 10_000 * random.randint(10_500, 32_000) + 1_000 * random.randint(1, 9)
    smaller = 10_000 * random.randint(2_100, 9_900) + 1_000 * random.randint(1, 9)
    return Stated(
        f"A국의 인구는 {in_sections(larger)}명이고 B국의 인구는 {in_sections(smaller)}명입니다. A국의 인구는 B국의 인구보다 몇 명 더 "
        f"많습니까?",
        Fraction(larger - smaller),
        "명",
    )


def _day(day: date, year: int | None = None) -> str:
    return ("" if day.year == year else f"{day.year}년 ") + f"{day.month}월 {day.day}일"


TEMPLATES: dict[str, Callable[[Random], Stated]] = {
    "discount": _discount,
    "ages": _ages,
    "speed": _speed,
    "days": _days,
    "divided": _divided,
    "average": _average,
    "jug": _jug,
    "interest": _interest,
    "population": _population,
}
