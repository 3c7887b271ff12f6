"""What only Korean has: levels of speech at the end of sentences, letters, initial consonants, native numerals, loanwords."""

import re
from collections.abc import Mapping
from typing import Any

from seodang.evaluation.constraints.sentences import last_word, sentences_of

_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_FIRST, _PER_INITIAL, _FINALS, _MIEUM = 0xAC00, 588, 28, 16
_NATIVE = ("하나", "둘", "셋", "넷", "다섯", "여섯", "일곱", "여덟", "아홉", "열")
_AFTER = "은|는|이|가|을|를|로|으로|과|와|도|만|의|에|이고|고|이며|이다|다|입니다|이에요|예요"


def formal(text: str, params: Mapping[str, Any]) -> bool:
    """합니다체: every sentence ends in -니다, -니까, -시오 or -시다."""
    return _every_sentence(text, ("니다", "니까", "시오", "시다"))


def polite(text: str, params: Mapping[str, Any]) -> bool:
    """해요체: every sentence ends in -요 or -죠."""
    return _every_sentence(text, ("요", "죠"))


def plain(text: str, params: Mapping[str, Any]) -> bool:
    """해라체: every sentence ends in -다, and none in -니다."""
    return _every_sentence(text, ("다",)) and not any(last_word(sentence).endswith("니다") for sentence in sentences_of(text))


def nominal(text: str, params: Mapping[str, Any]) -> bool:
    """명사형: every sentence ends in -(으)ㅁ or -기."""
    ends = [last_word(sentence)[-1:] for sentence in sentences_of(text)]
    return bool(ends) and all(end == "기" or (_is_syllable(end) and (ord(end) - _FIRST) % _FINALS == _MIEUM) for end in ends)


def hangul_only(text: str, params: Mapping[str, Any]) -> bool:
    """Hangul, and no letter of any other script."""
    letters = [letter for letter in text if letter.isalpha()]
    return bool(letters) and all(_is_syllable(letter) or "ㄱ" <= letter <= "ㅣ" for letter in letters)


def initial(text: str, params: Mapping[str, Any]) -> bool:
    """The first letter of the answer is a syllable with the initial consonant `consonant`."""
    first = next((letter for letter in text if letter.isalnum()), "")
    return _is_syllable(first) and _INITIALS[(ord(first) - _FIRST) // _PER_INITIAL] == params["consonant"]


def native_numerals(text: str, params: Mapping[str, Any]) -> bool:
    """No digits, and at least `n` different ones of 하나, 둘, ... 열 as words of their own, particles aside."""
    found = {numeral for numeral in _NATIVE if re.search(rf"(?<![가-힣]){numeral}(?:째)?(?:{_AFTER})?(?![가-힣])", text)}
    return len(found) >= params["n"] and not any(letter.isdigit() for letter in text)


def no_loanwords(text: str, params: Mapping[str, Any]) -> bool:
    """None of the loanwords `words`, also inside of longer words."""
    return not any(word in text for word in params["words"])


def _every_sentence(text: str, endings: tuple[str, ...]) -> bool:
    found = sentences_of(text)
    return bool(found) and all(last_word(sentence).endswith(endings) for sentence in found)


def _is_syllable(letter: str) -> bool:
    return "가" <= letter <= "힣"
