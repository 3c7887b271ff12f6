"""Made-up personal data and numbers that are none, in sentences: the material of `pii.py` and of its test. Nothing of it is anyone's.

Values come from Faker (ko_KR) and from the published rules of each number; the checks of python-stdnum hold for those that have one.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from faker import Faker

from pii_sentences import LABELS, LAYOUTS, NAMED, PLAIN

_KOREAN_DIGITS = ("공일이삼사오육칠팔구", "영일이삼사오육칠팔구")
_ENGLISH_DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


@dataclass(frozen=True, slots=True)
class Case:
    """A sentence, the value in it (`text[start:end]`), what it is, and how it is written. For no personal data `kind` is a family."""

    text: str
    start: int
    end: int
    kind: str
    form: str


class Material:
    """Values of every kind, from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.faker = Faker("ko_KR")
        self.faker.seed_instance(seed)

    def digits(self, count: int) -> str:
        return "".join(self.random.choice("0123456789") for _ in range(count))

    def born(self, codes: tuple[str, str]) -> str:
        """Six digits of a birth date and the code of its century, which is the first of `codes` for 19xx."""
        born = self.faker.date_of_birth(minimum_age=0, maximum_age=95)
        return f"{born:%y%m%d}{self.random.choice(codes[0] if born.year < 2000 else codes[1])}"

    def resident_number(self) -> str:
        """Half of Faker's, the others with a real date: half of those with a check digit, half as they are given out since 2020."""
        if self.random.random() < 0.5:
            return self.faker.ssn()
        from stdnum.kr import rrn

        twelve = f"{self.born(('12', '34'))}{self.random.randrange(96):02}{self.digits(3)}"
        return f"{twelve[:6]}-{twelve[6:]}{rrn.calc_check_digit(twelve) if self.random.random() < 0.5 else self.digits(1)}"

    def foreigner_number(self) -> str:
        number = self.born(("56", "78")) + self.digits(6)
        return f"{number[:6]}-{number[6:]}"

    def passport(self) -> str:
        letter = self.random.choice("MSRD")
        return letter + (
            f"{self.digits(3)}{self.random.choice('ABCDEFGH')}{self.digits(4)}" if self.random.random() < 0.6 else self.digits(8)
        )

    def driver_licence(self) -> str:
        return f"{self.random.randrange(11, 29)}-{self.digits(2)}-{self.digits(6)}-{self.digits(2)}"

    def business_number(self) -> str:
        from stdnum.kr import brn

        while True:
            number = f"{self.random.randrange(101, 999)}-{self.random.randrange(1, 99):02}-{self.digits(5)}"
            if brn.is_valid(number):
                return number

    def phone(self) -> str:
        number = self.faker.phone_number()
        area, middle, last = number.split("-")
        wide = str.maketrans("0123456789-", "０１２３４５６７８９－")
        layouts: tuple[Callable[[], str], ...] = (
            lambda: number,
            lambda: number,
            lambda: number.replace("-", "."),
            lambda: number.replace("-", " "),
            lambda: f"+82-{area[1:]}-{middle}-{last}",
            lambda: f"+82 {area[1:]} {middle} {last}",
            lambda: f"({area}) {middle}-{last}",
            lambda: number.translate(wide),
            lambda: f"{area})-{middle}-{last}",
            lambda: f"{area} - {middle} - {last}",
            lambda: number.replace("-", "–"),
            lambda: f"{area}-{middle[:2]}\u200b{middle[2:]}-{last}",
        )
        return self.random.choice(layouts)()

    def plain_phone(self) -> str:
        return self.faker.phone_number().replace("-", "")

    def card(self) -> str:
        number = self.plain_card()
        joint = self.random.choice("-- ")
        if len(number) == 15:
            return joint.join((number[:4], number[4:10], number[10:]))
        return joint.join(number[place : place + 4] for place in range(0, len(number), 4))

    def plain_card(self) -> str:
        while len(number := self.faker.credit_card_number()) not in (15, 16) or number.startswith(("2131", "1800")):
            pass
        return number

    def account(self) -> str:
        return "-".join(self.digits(count) for count in self.random.choice(LAYOUTS))

    def email(self) -> str:
        hosts = ("naver.com", "gmail.com", "daum.net", "hanmail.net", "kakao.com", self.faker.domain_name())
        return f"{self.faker.user_name()}@{self.random.choice(hosts)}"

    def spoken(self) -> str:
        """A mobile number in words: Korean, English, or partly in digits."""
        number = f"010-{self.random.randrange(2000, 9999)}-{self.digits(4)}"
        style = self.random.randrange(4)
        if style == 0:
            return number.translate(str.maketrans("0123456789", self.random.choice(_KOREAN_DIGITS))).replace("-", self.random.choice(" -,"))
        if style == 1:
            mixed = list(number)
            for place in self.random.sample(range(len(mixed)), 7):
                if mixed[place].isdigit():
                    mixed[place] = _KOREAN_DIGITS[0][int(mixed[place])]
            return (
                "".join(mixed)
                if sum(letter in _KOREAN_DIGITS[0] for letter in mixed) >= 3
                else number.translate(str.maketrans("0123456789", _KOREAN_DIGITS[0]))
            )
        if style == 2:
            return ", ".join(" ".join(_ENGLISH_DIGITS[int(digit)] for digit in part) for part in number.split("-"))
        return " ".join(number.replace("-", ""))


def _carried(sentence: str, value: str, kind: str, form: str, label: str = "") -> Case:
    text = sentence.replace("{label}", label)
    start = text.index("{}")
    return Case(text[:start] + value + text[start + 2 :], start, start + len(value), kind, form)


def positives(seed: int, count: int) -> Iterator[Case]:
    """`count` cases of each kind and form: "formatted" without a word that names it, "named", "bare", "spoken"."""
    material = Material(seed)
    plain: dict[str, Callable[[], str]] = {
        name: getattr(material, name)
        for name in ("resident_number", "foreigner_number", "driver_licence", "business_number", "phone", "card")
    }
    makers = {**plain, "passport": material.passport, "account": material.account}
    for kind, make in {**plain, "email": material.email, "ip_address": material.faker.ipv4_public}.items():
        for _ in range(count):
            yield _carried(material.random.choice(PLAIN), make(), kind, "formatted")
    for kind, make in makers.items():
        for place in range(count):
            value = make()
            if place % 2 and kind != "passport":  # half of the named ones are digits alone
                value = material.plain_phone() if kind == "phone" else "".join(letter for letter in value if letter.isdecimal())
            yield _carried(material.random.choice(NAMED), value, kind, "named", material.random.choice(LABELS[kind]))
    for kind in ("resident_number", "foreigner_number", "business_number", "driver_licence"):
        for _ in range(count):
            yield _carried(material.random.choice(PLAIN), plain[kind]().replace("-", ""), kind, "bare")
    for kind, make in (("phone", material.plain_phone), ("card", material.plain_card)):
        for _ in range(count):
            yield _carried(material.random.choice(PLAIN), make(), kind, "bare")
    for _ in range(count):
        yield _carried(material.random.choice(PLAIN), material.spoken(), "phone", "spoken")


def _families(material: Material) -> dict[str, tuple[tuple[str, ...], Callable[[], str]]]:
    """What is no personal data: words that name it, and a maker."""
    pick, digits, faker = material.random.choice, material.digits, material.faker
    number = material.random.randrange

    def moment() -> str:
        return f"{faker.date_time_this_decade():%Y-%m-%d %H:%M:%S}"

    return {
        "order number": (
            ("주문번호", "주문 번호", "order number", "order no"),
            lambda: pick(
                (
                    lambda: f"{faker.date_this_decade():%Y%m%d}-{digits(7)}",
                    lambda: f"ORD-{digits(5)}-{digits(4)}",
                    lambda: f"{faker.date_this_decade():%y%m%d}{digits(2)}-{digits(5)}",
                    lambda: f"{digits(3)}-{digits(7)}-{digits(7)}",
                    lambda: f"#{digits(8)}",
                    lambda: f"{faker.date_this_decade():%Y%m}-{digits(6)}",
                )
            )(),
        ),
        "parcel number": (
            ("송장번호", "운송장번호", "tracking number"),
            lambda: pick((lambda: f"{digits(4)}-{digits(4)}-{digits(4)}", lambda: f"1Z{digits(6)}W{digits(9)}"))(),
        ),
        "timestamp": (
            ("타임스탬프", "timestamp"),
            lambda: pick(
                (
                    lambda: str(number(1_600_000_000, 1_790_000_000)),
                    moment,
                    lambda: faker.iso8601(),
                    lambda: f"{faker.date_time_this_decade():%Y%m%dT%H%M%SZ}",
                )
            )(),
        ),
        "version": (
            ("버전", "version"),
            lambda: pick(
                (
                    lambda: f"v{number(20)}.{number(30)}.{number(99)}",
                    lambda: f"{number(12)}.{number(10)}.{number(20)}.{number(9)}",
                    lambda: f"{number(20)}.{number(10)}.{number(19000, 26000)}.{number(999)}",
                    lambda: f"{number(9)}.{number(9)}.0-rc{number(9)}+build.{digits(6)}",
                )
            )(),
        ),
        "product code": (
            ("상품코드", "모델명", "part number", "SKU"),
            lambda: pick(
                (
                    lambda: f"SM-{pick('ABFGS')}{digits(3)}N",
                    lambda: f"{digits(4)}-{pick('ABCXYZ')}{digits(3)}-{digits(2)}",
                    lambda: f"KR{digits(4)}-{digits(6)}",
                    lambda: f"{pick('ABCXYZ')}{digits(3)}-{digits(4)}-{digits(4)}",
                )
            )(),
        ),
        "book number": (("도서번호", "ISBN"), lambda: pick((faker.isbn13, faker.isbn10))()),
        "price": (
            ("가격", "price"),
            lambda: pick(
                (
                    lambda: f"{number(1, 900)},{digits(3)},{digits(3)}원",
                    lambda: f"{number(1000, 9_999_999)}원",
                    lambda: f"${number(1, 9999)}.{digits(2)}",
                    lambda: f"₩{number(1, 99)},{digits(3)}",
                )
            )(),
        ),
        "coordinates": (("좌표", "coordinates"), lambda: f"{number(33, 38)}.{digits(6)}, {number(124, 131)}.{digits(6)}"),
        "log line": (
            ("로그", "log"),
            lambda: (
                f"[{moment()},{digits(3)}] INFO worker-{number(64)} pid={digits(5)} took {digits(4)}ms id={faker.uuid4()} bytes={digits(7)}"
            ),
        ),
        "hash": (("커밋", "checksum"), lambda: pick((faker.sha1, faker.md5, faker.uuid4, faker.mac_address))()),
        "service number": (("고객센터", "hotline"), lambda: f"{pick(('1588', '1577', '1544', '1600', '1899'))}-{digits(4)}"),
        "date and time": (
            ("일시", "date"),
            lambda: pick(
                (
                    lambda: f"{faker.date_this_century():%Y-%m-%d}",
                    lambda: f"{faker.date_this_century():%Y.%m.%d}",
                    lambda: f"{faker.date_this_century():%y/%m/%d} {faker.time()}",
                    lambda: f"{number(2000, 2026)}년 {number(1, 13)}월 {number(1, 29)}일",
                )
            )(),
        ),
        "private address": (
            ("서버 주소", "gateway"),
            lambda: pick(
                (
                    faker.ipv4_private,
                    lambda: f"127.0.0.{number(255)}",
                    lambda: f"192.0.2.{number(255)}",
                    lambda: f"user{number(99)}@example.com",
                )
            )(),
        ),
        "numbers": (
            ("값", "values"),
            lambda: pick(
                (
                    lambda: " ".join(str(number(1000)) for _ in range(number(4, 12))),
                    lambda: ", ".join(str(number(10_000)) for _ in range(6)),
                    lambda: f"{number(10**6, 10**9)} / {number(10, 10**6)} = {digits(4)}.{digits(6)}",
                    lambda: f"제{number(1, 200)}조의{number(2, 9)} 제{number(1, 9)}항",
                    lambda: "일억 이천삼백만 원",
                    lambda: f"{number(10**10, 10**11):,}",
                    lambda: f"3.14159265358979{digits(4)}",
                    lambda: "".join(pick("01") for _ in range(16)),
                )
            )(),
        ),
    }


def negatives(seed: int, count: int) -> Iterator[Case]:
    """`count` cases with what is no personal data, in all families alike, half of them named; form "formatted"."""
    material = Material(seed)
    families = list(_families(material).items())
    for place in range(count):
        family, (labels, make) = families[place % len(families)]
        named = (place // len(families)) % 2
        sentence = material.random.choice(NAMED if named else PLAIN)
        yield _carried(sentence, make(), family, "formatted", material.random.choice(labels))


def bare_negatives(seed: int, count: int) -> Iterator[Case]:
    """`count` numbers of 10 to 16 digits alone without a word that names them: what bare personal numbers can be confused with."""
    material = Material(seed)
    makers: dict[str, Callable[[], str]] = {
        "13 random digits": lambda: material.digits(13),
        "date and serial": lambda: f"{material.faker.date_this_decade():%Y%m%d}{material.digits(5)}",
        "16 random digits": lambda: material.digits(16),
        "milliseconds": lambda: str(material.random.randrange(1_600_000_000_000, 1_790_000_000_000)),
        "barcode": material.faker.ean13,
        "11 random digits": lambda: material.digits(11),
        "12 random digits": lambda: material.digits(12),
        "10 random digits": lambda: material.digits(10),
    }
    for place in range(count):
        family = list(makers)[place % len(makers)]
        yield _carried(material.random.choice(PLAIN), makers[family](), family, "bare")
