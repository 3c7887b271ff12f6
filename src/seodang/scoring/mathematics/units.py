"""Units of answers: what they are called, what they measure, and how many of the dimension's base unit each is, exactly."""

import re
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Unit:
    """`factor` base units of its `dimension`. Units of one dimension can be compared; those of two cannot."""

    name: str
    dimension: str
    factor: Fraction = Fraction(1)


_TABLE = """
mm 밀리미터|length|1/1000
cm 센티미터 센티 센치 centimeter centimeters centimetre centimetres|length|1/100
m 미터 meter meters metre metres|length|1
km 킬로미터 kilometer kilometers kilometre kilometres|length|1000
inch inches 인치|length|254/10000
ft foot feet 피트|length|3048/10000
yd yard yards 야드|length|9144/10000
mile miles 마일|length|1609344/1000
mm^2 제곱밀리미터|area|1/1000000
cm^2 제곱센티미터 평방센티미터|area|1/10000
m^2 제곱미터 평방미터|area|1
km^2 제곱킬로미터|area|1000000
mL ml 밀리리터 cc|volume|1/1000
L l 리터 liter liters litre litres|volume|1
cm^3 세제곱센티미터|volume|1/1000
m^3 세제곱미터|volume|1000
mg 밀리그램|mass|1/1000
g 그램 gram grams|mass|1
kg 킬로그램 kilogram kilograms|mass|1000
t 톤 ton tons|mass|1000000
s sec secs second seconds 초|time|1
min mins minute minutes 분|time|60
h hr hrs hour hours 시간|time|3600
day days 일 일간|time|86400
week weeks 주 주일|time|604800
month months 개월 달|months|1
year years 년|months|12
시|clock|60
원 KRW won|won|1
달러 불 USD dollar dollars|dollar|1
센트 cent cents|dollar|1/100
유로 EUR euro euros|euro|1
엔 JPY yen|yen|1
GBP|pound sterling|1
도 ° deg degree degrees|angle|1
rad 라디안 radian radians|radian|1
°C 도씨|celsius|1
°F|fahrenheit|1
m/s|speed|1
km/h kph|speed|5/18
mph|speed|44704/100000
명 사람 인 people person persons|people|1
개 개의|pieces|1
마리|animals|1
권|books|1
대|machines|1
장|sheets|1
자루|sticks|1
병|bottles|1
그루|trees|1
번 회 times time|times|1
가지|kinds|1
점 points point|points|1
쪽 페이지 pages page|pages|1
송이|flowers|1
칸|cells|1
층|floors|1
살 세|age|1
문제|problems|1
줄|rows|1
잔|cups|1
켤레 쌍 pairs pair|pairs|1
벌|suits|1
척|ships|1
팀 teams team|teams|1
조각|parts|1
통|boxes|1
배|multiple|1
"""


def _read_table() -> dict[str, Unit]:
    units: dict[str, Unit] = {}
    for line in _TABLE.strip().split("\n"):
        names, dimension, factor = line.split("|")
        for name in names.split():
            units[name] = Unit(names.split()[0], dimension, Fraction(factor))
    return units


UNITS = _read_table()
SIGNS = {"$": UNITS["달러"], "₩": UNITS["원"], "€": UNITS["유로"], "¥": UNITS["엔"], "£": UNITS["GBP"]}  # they stand before the number
_LONGEST_FIRST = "|".join(re.escape(name) for name in sorted(UNITS, key=len, reverse=True))
AT_END = re.compile(rf"(?<=[\d}})%\s])\s*(?P<unit>{_LONGEST_FIRST})$")


def as_unit(text: str) -> Unit:
    """The unit of a name that a record gives; one of its own dimension where the name is not known."""
    name = text.strip().replace("²", "^2").replace("³", "^3")
    return UNITS.get(name) or UNITS.get(name.lower()) or Unit(name.lower(), f"other: {name.lower()}")
