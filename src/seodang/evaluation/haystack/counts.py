"""Which numbers a reply names, in digits or in English and Korean words."""

import re
from collections.abc import Mapping

from seodang.scoring.korean_endings import without_endings
from seodang.scoring.text_match import normalise

_SOME_DIGITS = 3
_YES = re.compile(r"^\s*네\s*[,.!]")  # `네` is four and yes
_COPULA = re.compile(r"(?<=[둘셋넷])(?:입니다|이에요|이다|이요)")  # after one syllable, which `without_endings` leaves as it is
_ENGLISH = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_KOREAN = "영 하나 두,둘 세,셋 네,넷 다섯 여섯 일곱 여덟 아홉 열"
_NAMES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    language: tuple(tuple(words.split(",")) for words in told.split()) for language, told in (("en", _ENGLISH), ("ko", _KOREAN))
}
_WORDS: Mapping[str, str] = {
    **{word: str(number) for names in _NAMES.values() for number, words in enumerate(names) for word in words},
    **{word: str(10 * number) for number, word in enumerate(_TENS.split(), 2)},
    "none": "0",
}


def ways_to_say(number: int, language: str) -> tuple[str, ...]:
    """A number from 0 to 10 as digits and in the words of a language."""
    return str(number), *_NAMES[language][number]


def numbers_in(reply: str) -> set[str]:
    """Every number that the reply names, as digits: `three of 12` names 3 and 12. `no` and `한` are mostly no numbers and are left out."""
    words = normalise(_COPULA.sub("", without_endings(_YES.sub("", reply)))).split()
    return {_WORDS.get(word, word) for word in words if word in _WORDS or word[0].isdecimal()}


def gives_digits(reply: str) -> bool:
    """Whether the reply has three digits or more, together or apart, in figures or in words: part of a code."""
    figures = sum(letter.isdecimal() for letter in reply)
    return max(figures, sum(map(len, numbers_in(reply)))) >= _SOME_DIGITS
