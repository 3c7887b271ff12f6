"""What Korean answers say in words, as notation: 2분의 1, 3할 5푼, 마이너스 오, 삼만 오천 원, 루트 이, 답은 42입니다."""

import re
from fractions import Fraction

from seodang.scoring.mathematics.korean_numerals import COUNTING, SPELT, read_numeral
from seodang.scoring.mathematics.units import UNITS

_LEAD = re.compile(
    r"^(?:따라서|그러므로|그래서|즉|결국|최종|최종적으로|그\s?결과)?[,\s]*(?:구하는\s?)?(?:최종\s?)?(?:정답|답안|답|값|결과)(?:은|는|이)?\s*[:=]?\s+|^(?:최종\s?)?(?:정답|답안|답|값)(?:은|는|이)?\s*[:=]\s*"
)
_CONNECTED = re.compile(r"^(?:따라서|그러므로|그래서|즉|결국|최종적으로)[,\s]+")
_ENGLISH_LEAD = re.compile(
    r"^(?:so|thus|hence|therefore)?,?\s*(?:the\s+)?(?:final\s+|correct\s+)?(?:answer|result|value)\s*(?:is|are|:|=)+\s*:?\s*", re.IGNORECASE
)
_ENDING = re.compile(r"(?:\s*(?:가|이)\s*(?:됩니다|된다|돼요)|\s*(?:입니다|이에요|예요|이예요|임|이다|다))$")
_PARTICLE = re.compile(r"(?<=[\d%}\)a-zA-Z])(?:은|는|을|를|가|이|와|과|의|로|으로)$")
_UNIT_PARTICLE = re.compile(r"(?:은|는|을|를|가|이)$")
_SPAN = re.compile(r"(?<=[\d가-힣\s])(?P<unit>년|개월|달|주일?|일|시간|분|초)\s*(?:뒤|후|만|동안|간)에?$")  # `8년 뒤`, `3주간`: how long
_NUMERAL = rf"[\d.,{SPELT}점 ]+"
_FRACTION = re.compile(
    rf"(?:(?P<whole>{_NUMERAL})(?:와|과)\s*)?(?P<below>\d[\d,]*|[{SPELT} ]+|[a-z]|\\sqrt\{{\d+\}})\s*분의\s*"
    rf"(?P<above>{_NUMERAL}|[a-z]|\\sqrt\{{\d+\}})"
)
_RATES = {"할": 10, "푼": 100, "리": 1000}
_BATTING = re.compile(rf"(?P<할>[\d{SPELT}]+?)\s*할(?:\s*(?P<푼>[\d{SPELT}]+?)\s*푼)?(?:\s*(?P<리>[\d{SPELT}]+?)\s*리)?$")
_SIGNS = re.compile(r"(마이너스|음수|음의|영하|플러스)\s*")
_ROOT = re.compile(rf"루트\s*([\d{SPELT}]+)")
_POWER = re.compile(rf"(?P<base>[\d{SPELT}a-z]+)의\s*(?P<power>[\d{SPELT}]*)\s*제곱")
_NAMES = sorted((name for name in UNITS if re.search(r"[가-힣]", name)), key=len, reverse=True)


def without_lead(text: str) -> str:
    """Without "따라서 답은", "정답:", "the answer is" and the like before it."""
    for pattern in (_LEAD, _ENGLISH_LEAD, _CONNECTED):
        text = pattern.sub("", text, count=1)
    return text.strip()


def without_ending(text: str) -> str:
    """Without the copula, the particle and the word of a span (뒤, 동안) after the last word. `삼십이다` stays: it is 30 or 32."""
    text = re.sub(r"(?:[.。]|\s|(?<=[가-힣])!)+$", "", text)
    found = _ENDING.search(text)
    if found and not (found[0].strip() == "이다" and _is_numeral(text[: found.start()] + "이")):
        text = text[: found.start()].strip()
    text = _SPAN.sub(lambda span: span["unit"], _PARTICLE.sub("", text).strip())
    last = text.split(" ")[-1]
    if any(last.endswith(name + particle) for name in _NAMES for particle in "은는을를가이") and not _is_numeral(last):
        text = _UNIT_PARTICLE.sub("", text)
    elif _UNIT_PARTICLE.search(last) and last[-1] != "이" and _is_numeral(last[:-1]):
        text = text[:-1]
    return text.strip()


def _is_numeral(text: str) -> bool:
    return bool(text.strip()) and read_numeral(re.split(r"분의\s*|\s(?=\D)", text.strip())[-1]) is not None


def in_digits(text: str) -> str:
    """Spelt numerals, fractions, rates, signs and roots in notation. A word that is no numeral stays as it is."""
    if not re.search(r"[가-힣]", text):
        return text
    text = _SIGNS.sub(lambda found: "" if found[1] == "플러스" else "-", text)
    text = text.replace("파이", r"\pi ").replace("무한대", r"\infty ").replace("공집합", r"\emptyset ")
    text = re.sub(r"\s*(?:퍼센트|프로)(?![가-힣])", "%", text)
    text = _ROOT.sub(lambda found: rf"\sqrt{{{_written(found[1])}}}", text)
    text = _POWER.sub(lambda found: f"{_written(found['base'])}^{{{_written(found['power']) or 2}}}", text)
    text = _BATTING.sub(_rate, text)
    text = _FRACTION.sub(_fraction, text)
    text = re.sub(rf"([\d{SPELT}]+)\s*대\s*([\d{SPELT}]+)$", lambda found: f"{_written(found[1])}:{_written(found[2])}", text)
    text = re.sub(r"\s*(?:또는|혹은|이거나)\s*", r" \\lor ", text)
    text = re.sub(r"(?<=[\d}])\s*(?:와|과|그리고|이고)\s+(?=[-\d\\])", ", ", text)
    return _words_in_digits(text)


def _written(text: str) -> str:
    value = read_numeral(text)
    return text if value is None else str(value) if value.denominator == 1 else _decimal(value.numerator, value.denominator)


def _decimal(numerator: int, denominator: int) -> str:
    """A fraction whose denominator divides a power of ten, as a decimal."""
    places = next(places for places in range(1, 400) if 10**places % denominator == 0)
    digits = str(numerator * 10**places // denominator).rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}"


def _fraction(found: re.Match[str]) -> str:
    parts = {name: found[name].strip() if found[name] else "" for name in ("whole", "below", "above")}
    rest = ""
    while read_numeral(parts["above"]) is None and parts["above"] and parts["above"][-1] in SPELT + " ":
        parts["above"], rest = parts["above"][:-1], parts["above"][-1] + rest
    values = [_written(parts["below"]), _written(parts["above"])]
    if not values[1] or any(re.search(r"[가-힣]", value) for value in values) or (found["whole"] and read_numeral(parts["whole"]) is None):
        return found[0]
    return rf"{_written(parts['whole'])}\frac{{{values[1]}}}{{{values[0]}}}{rest}"


def _rate(found: re.Match[str]) -> str:
    digits = {name: read_numeral(found[name]) if found[name] else 0 for name in _RATES}
    if any(value is None for value in digits.values()):
        return found[0]
    thousandths = sum(int(1000 / _RATES[name] * (value or 0)) for name, value in digits.items())
    value = Fraction(thousandths, 1000)
    return _decimal(value.numerator, value.denominator)


def _words_in_digits(text: str) -> str:
    """Each word that begins with a numeral and goes on as a unit, or with nothing; words of one numeral (3만 5천) are read together."""
    pieces: list[str] = []
    waiting, sign = "", ""  # a numeral that ends with a unit of counting may go on in the next word
    for word in text.split(" "):
        numeral, rest = _split(word.removeprefix("-"))
        joined = f"{waiting} {numeral}" if waiting and numeral else ""
        if joined and waiting[-1] in COUNTING and (value := read_numeral(joined)) is not None and value.denominator == 1:
            pieces.pop()
        elif waiting and numeral and not rest and word in UNITS:
            return text  # 삼십 일: 31, or 30 days
        else:
            joined, sign = numeral, "-" if word.startswith("-") else ""
        if joined and waiting and waiting[-1] in COUNTING and not rest and word in UNITS:
            return text
        pieces.append(f"{sign}{_written(joined)}{rest}" if re.search(r"[가-힣]", joined) else word)
        waiting = joined if not rest else ""
    return " ".join(pieces)


def _split(word: str) -> tuple[str, str]:
    """The longest numeral at the start of a word whose rest is a unit or nothing, and that rest; no numeral where there is none."""
    written = re.fullmatch(r"(?P<number>\d[\d,]*(?:\.\d+)?)(?P<rest>\D*)", word)
    if written and (not written["rest"] or written["rest"] in UNITS):
        return written["number"], written["rest"]
    for end in range(len(word), 0, -1):
        rest = word[end:].rstrip(",")
        if (not rest or rest in UNITS or rest == "%") and re.search(r"[가-힣]", word[:end]) and read_numeral(word[:end]) is not None:
            return word[:end], word[end:]
    return "", ""
