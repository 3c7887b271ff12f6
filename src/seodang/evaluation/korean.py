"""What Korean sentences need around a name or a number: particles that fit the sound before them, and numbers in words."""

_DIGIT_ENDINGS = {"0": "ㅇ", "1": "ㄹ", "3": "ㅁ", "6": "ㄱ", "7": "ㄹ", "8": "ㄹ"}  # 영, 일, 삼, 육, 칠, 팔; the others end in a vowel
_RIEUL = 8  # index of ㄹ among the final consonants of a syllable
_FIRST, _LAST, _FINALS = 0xAC00, 0xD7A3, 28
_DIGITS = "영일이삼사오육칠팔구"
_SMALL = ("", "십", "백", "천")
_LARGE = ("", "만", "억", "조")
_TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")
_ONES = ("", "하나", "둘", "셋", "넷", "다섯", "여섯", "일곱", "여덟", "아홉")
_BEFORE_NOUNS = {"하나": "한", "둘": "두", "셋": "세", "넷": "네"}


def final_consonant(word: str) -> str:
    """ "" where the last syllable or digit of a word ends in a vowel, "ㄹ" for that consonant, "ㅇ" for any other."""
    last = word[-1:]
    if last in _DIGIT_ENDINGS:
        return "ㄹ" if _DIGIT_ENDINGS[last] == "ㄹ" else "ㅇ"
    if last and _FIRST <= ord(last) <= _LAST:
        index = (ord(last) - _FIRST) % _FINALS
        return "" if index == 0 else "ㄹ" if index == _RIEUL else "ㅇ"
    return ""


def with_particle(word: str, pair: str) -> str:
    """The word with one particle of a pair, which is written as after a consonant and after a vowel: 은/는, 이/가, 을/를, 과/와, 으로/로,
    이나/나, 이/ (as in 지민이)."""
    after_consonant, _, after_vowel = pair.partition("/")
    final = final_consonant(word)
    vowel = not final or (after_consonant == "으로" and final == "ㄹ")
    return word + (after_vowel if vowel else after_consonant)


def called(name: str) -> str:
    """A given name as it is told of in plain narration, before a particle for vowels: 지민이, 서아."""
    return with_particle(name, "이/")


def sino(number: int) -> str:
    """A whole number in Sino-Korean words, one word for each section of four digits: 삼만 오천, 일억 이천만. ValueError from 10^16 on."""
    if not 0 <= number < 10**16:
        raise ValueError(f"no number from 0 to 10^16: {number}")
    if number == 0:
        return _DIGITS[0]
    sections: list[str] = []
    for place, name in enumerate(_LARGE):
        section = number // 10 ** (4 * place) % 10**4
        if section:
            words = "".join(
                ("" if digit == "1" and power else _DIGITS[int(digit)]) + _SMALL[power]
                for power, digit in zip(range(3, -1, -1), f"{section:04d}", strict=True)
                if digit != "0"
            )
            sections.append(("" if section == 1 and name == "만" and number < 2 * 10**4 else words) + name)
    return " ".join(reversed(sections))


def native(number: int) -> str:
    """A number from 1 to 99 in native words: 스물셋. ValueError beyond."""
    if not 1 <= number <= 99:
        raise ValueError(f"native numerals reach from 1 to 99: {number}")
    return _TENS[number // 10] + _ONES[number % 10]


def native_before(number: int) -> str:
    """A native number as it stands before a counter: 세 (개), 스무 (살), 스물세 (마리)."""
    tens, ones = _TENS[number // 10], _ONES[number % 10]
    if number == 20:
        return "스무"
    return native(number) if not ones else tens + _BEFORE_NOUNS.get(ones, ones)


def in_sections(number: int) -> str:
    """A whole number in digits with the names of its sections: 3억 2,500만, 1만 2,000."""
    sections = [
        f"{number // 10 ** (4 * place) % 10**4:,}{name}" for place, name in enumerate(_LARGE) if number // 10 ** (4 * place) % 10**4
    ]
    return " ".join(reversed(sections)) or "0"


def full_width(text: str) -> str:
    """ASCII digits and signs as their full-width forms: １２３."""
    return "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in text)
