"""Units as they follow numbers in English and Korean, with what they measure and how large they are."""

from decimal import Decimal

_TABLE = (
    # dimension, size in its smallest unit, English and Korean forms
    ("time", "1", "seconds? secs? sec 초간? 초"),
    ("time", "60", "minutes? mins? 분간 분"),
    ("time", "3600", "hours? hrs? hr 시간"),
    ("time", "86400", "days? 일간 일"),
    ("time", "604800", "weeks? 주일 주간 주"),
    ("month", "1", "months? 개월 달"),
    ("year", "1", "years? yrs? yr 년간 년"),
    ("business day", "1", "business\\sdays? working\\sdays? 영업일 근무일"),
    ("%", "1", "% percent per\\scent 퍼센트 프로"),
    ("percentage point", "1", "percentage\\spoints? %p 퍼센트포인트"),
    ("won", "1", "won krw 원"),
    ("dollar", "1", "dollars? usd 달러"),
    ("byte", "1", "bytes? 바이트"),
    ("byte", "1000", "kb 킬로바이트"),
    ("byte", "1000000", "mb 메가바이트 메가"),
    ("byte", "1000000000", "gb 기가바이트 기가"),
    ("byte", "1000000000000", "tb 테라바이트"),
    ("bit/s", "1000000", "mbps"),
    ("bit/s", "1000000000", "gbps"),
    ("length", "1", "mm millimet(?:er|re)s? 밀리미터"),
    ("length", "10", "cm centimet(?:er|re)s? 센티미터 센티"),
    ("length", "1000", "m met(?:er|re)s? 미터"),
    ("length", "1000000", "km kilomet(?:er|re)s? 킬로미터"),
    ("mass", "1", "g grams? 그램"),
    ("mass", "1000", "kg kilograms? 킬로그램"),
    ("degree", "1", "°c ℃ degrees?(?:\\scelsius)? 도"),
    ("times", "1", "times 번 회 차례"),
    ("people", "1", "people persons? 명 인"),
    ("item", "1", "items? pieces? 개"),
)
# The longest form that stands after the number is its unit: [(form as a pattern, dimension, size)].
UNITS = sorted(
    ((form, dimension, Decimal(size)) for dimension, size, forms in _TABLE for form in forms.split()),
    key=lambda row: -len(row[0]),
)
_NATIVE = ["한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉", "열"]
_ENGLISH = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_DAYS = {"하루": 1, "이틀": 2, "사흘": 3, "나흘": 4, "닷새": 5, "일주일": 7, "열흘": 10, "보름": 15}
# Words that are numbers before a unit, and words that are a number of days by themselves.
WORDS = {
    **{word: Decimal(place) for place, word in enumerate(_NATIVE, start=1)},
    **{word: Decimal(place) for place, word in enumerate(_ENGLISH, start=1)},
    **{word: Decimal(n) for word, n in {"fourteen": 14, "fifteen": 15, "twenty": 20, "thirty": 30, "sixty": 60, "ninety": 90}.items()},
}
DAY_WORDS = {word: Decimal(days) for word, days in _DAYS.items()}
