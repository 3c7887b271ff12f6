"""Whether a reply denies an answer that stands in it: "It is not 9", "서울이 아닙니다", "不是李强", "鈴木ではありません"."""

import re
import unicodedata
from collections.abc import Iterable

from seodang.scoring.korean_endings import without_endings
from seodang.scoring.text_match import contains_answer, normalise

_HELD = re.compile(
    r"\b(?:not?|never|none|cannot|without)\b|n['’]t\b|아니|아닙|아닌|않|없|못|不|没|非|ない|ません"
)  # an answer's own negation
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_START = r"(?:\A\s*|[.,;:!?]\s*|\n\s*)"
_LINK = r"(?:(?:the|an?|in|on|at|by|to|from|el|los?|las?|al?|en|del?)\s+){0,2}"
_ADVERB = r"(?:(?!only|merely|simply)\w+ly\s+|quite\s+)?"
_USE = r"(?:us(?:e|ing)|call(?:ing)?|run(?:ning)?|choos(?:e|ing)|pick(?:ing)?|select(?:ing)?|try(?:ing)?|go(?:ing)?\s+(?:with|for))"
_USED = (  # what follows an object: `X를 쓰면 안`
    r"(?:쓰(?:면\s*안|지\s*[마말않])|써(?:서는|선)?\s*안|(?:사용|호출|선택|실행|이용)(?:하면\s*안|하지\s*[마말않]|해(?:서는|선)?\s*안)"
    r"|고르(?:면\s*안|지\s*[마말않]))"
)
_THING = r"(?:answers?|ones?|choices?|options?|tools?|commands?|functions?|ways?|names?|words?|numbers?|places?)"
_QUOTED = r"[\"'”’」)]{0,3}"
_GUESS = r"\W*(?:(?:but|however|it|it['’]s|is|the answer|i think|i guess|perhaps|maybe|probably)\W+){0,5}"
_BEFORE = "|".join(  # each ends where the answer starts
    (
        rf"(?:{_START}|\b(?:is|are|was|were|am|be)\s+|['’]s\s+){_ADVERB}(?:not|never)\s+{_ADVERB}{_LINK}",
        rf"\b(?:isn|aren|wasn|weren)['’]t\s+{_ADVERB}{_LINK}",
        rf"\b(?:cannot|can not|can['’]t)\s+be\s+{_LINK}",
        rf"(?:\bnot|n['’]t)\s+(?:say|state|mention|tell)\b{_GUESS}",
        r"(?:(?:있지|적혀|나오지)\s*않|(?:문서|글|본문)에는?\s*없)(?:지만|으나|습니다만|는데)\W*(?:정답은|답은)?\s*",
        r"(?:不是|并不是|并非|不为)\s*(?:在|去|到)?\s*",
        rf"\bno\s+(?:es|son|era|fue|est[aá]|ser[ií]a)\s+{_LINK}",
        rf"{_START}no\s+{_LINK}",
        rf"(?:\b(?:do|does|did|should|must|can|could|would|will|may)\s+(?:not|never)|n['’]t|\bcannot|{_START}never|{_START}avoid)"
        rf"\s+{_USE}\s+{_LINK}",
        rf"{_START}avoid\s+{_LINK}",
        rf"\b(?:instead\s+of|in\s+place\s+of|rather\s+than|as\s+opposed\s+to|unlike|anything\s+but)\s+(?:{_USE}\s+)?{_LINK}",
        r"(?:不要|不应该?|不能|别)(?:再)?(?:使用|选择|调用|用|选)\s*",
        rf"\b(?:en\s+(?:lugar|vez)\s+de|a\s+diferencia\s+de|no\s+(?:us[ea]r?s?|utili[cz][ea]r?s?|llame[sn]?))\s+{_LINK}",
    )
)
_AFTER = "|".join(
    (
        rf"\W{{0,3}}(?:is|was|are|were)(?:\s+{_ADVERB}(?:not|never)|n['’]t)\s*(?:[.,;!]|\Z|\s{_ADVERB}(?:it|right|correct|true"
        rf"|what\s+(?:you|we|i|is|was)|(?:the\s+|an?\s+)?(?:right|correct|best|proper|suitable|appropriate)\s+{_THING}|the\s+(?:answer|one))\b)",
        rf"\W{{0,3}}(?:is|was|are|were)\s+{_ADVERB}(?:wrong|incorrect|false|the\s+(?:wrong|incorrect)|an?\s+(?:wrong|incorrect))\b",
        r"\W{0,3}[가-힣]{0,4}\s*(?:(?:절대로?|전혀|결코|분명히?|사실)\s*)?(?:아니|아닙|아닌|아님|아녜)",
        rf"{_QUOTED}(?:[은는을를]?\s*말고(?!도)|\s*대신|이?라기보다)",
        rf"{_QUOTED}(?:[은는을를]|으?로)?\s*(?:절대로?\s*)?{_USED}",
        rf"{_QUOTED}(?:[은는이가]|라는\s*답은)?\s*(?:틀렸|틀립|오답[입이]|(?:맞|옳)지\s*않|(?:정?답|것)이?\s*아[니닙닌님녜])",
        r"\W{0,3}(?:不对|不正确|是错)",
        r"\W{0,3}[^\s、。はがを]{0,3}(?:の(?:代|か)わり|以外|を(?:使|つか)(?:わない|っては|うべきでは))",
        r"\W{0,3}[^\s、。はがを]{0,3}(?:では|じゃ)(?:あり|な)",
        r"\W{0,3}[^\s、。はがを]{0,3}は(?:違|ちが)",
        r"\s+no(?:\s+(?:es|fue|era))?\s*(?:[.,;!]|\Z)",
    )
)
# Every denial above holds one of these, so that a text without them is soon told.
_NEGATES = re.compile(
    r"n[o'’]t|never|\bno\b|않|없|아[니닙닌님녜]|[不非错違]|ちが|では|じゃ|wrong|incorrect|false"
    r"|instead|in place|rather|opposed|unlike|anything|avoid|말고|[하쓰르]지|대신|라기보다|안|틀[렸립]|오답|别|わり|以外|わない|っては"
    r"|\ben (?:lugar|vez)|diferencia"
)
_NEAR = 80  # characters before an answer in which its negation starts
_ENDS_IN_DENIAL = re.compile(rf"(?:{_BEFORE})[\"'“‘「(]*\Z")
_DENIAL = re.compile(_AFTER)


def denied(text: str, answer: str) -> bool:
    """Whether the answer stands right after or right before a negation somewhere in the text, in English, Korean, Chinese, Japanese or
    Spanish. An answer that holds a negation itself ("not covered") is never denied."""
    return any(_denials(text, answer))


def _denials(text: str, answer: str) -> list[bool]:
    """Of each place where the answer stands, whether it is denied there; nothing where the text or the answer says that it cannot be."""
    said = _THOUSANDS.sub("", unicodedata.normalize("NFKC", text).lower().replace("*", ""))
    if not _NEGATES.search(said):
        return []
    words = normalise(answer).split()
    if not words or _negates_itself(answer) or words[0].lstrip("0") not in normalise(text):
        return []
    answered = r"\W*(?:(?:the|an?)\b\W*)?".join(_pattern(word) for word in words) + r"(?![.:,]?\d|_)"
    answered += r"(?![a-zà-ÿ])" if words[-1][-1].isascii() and words[-1][-1].isalpha() else ""
    return [
        bool(_ENDS_IN_DENIAL.search(said[max(0, found.start() - _NEAR) : found.start()]) or _DENIAL.match(said, found.end()))
        for found in re.finditer(rf"(?<![0-9a-zà-ÿ가-힣_]){answered}", said)
    ]


def affirms(text: str, accepted: Iterable[str], wrong: Iterable[str] = ()) -> bool:
    """Whether an accepted answer that is not denied stands in the text, and no wrong one that is not denied everywhere.

    Words count with and without a Korean ending: "서울입니다" holds 서울. A hedge denies nothing: "I am not sure, but it is 9" says 9."""
    accepted = list(accepted)
    refused = [_bare_words(answer) for answer in accepted if denied(text, answer)]
    kept = [answer for answer in accepted if _negates_itself(answer) or not any(_are_alike(answer, words) for words in refused)]
    wrong = [answer for answer in wrong if not (found := _denials(text, answer)) or not all(found)]
    bare, bare_wrong = [without_endings(answer) for answer in kept], [without_endings(answer) for answer in wrong]
    if contains_answer(text, kept, wrong):
        return not contains_answer(without_endings(text), bare_wrong, ()) or contains_answer(without_endings(text), bare, bare_wrong)
    if contains_answer(text, kept, ()):
        return False
    return contains_answer(without_endings(text), [*kept, *bare], bare_wrong)


def _negates_itself(answer: str) -> bool:
    return _HELD.search(unicodedata.normalize("NFKC", answer).lower()) is not None


def _are_alike(answer: str, words: set[str]) -> bool:
    """Whether one of the two has all the words of the other."""
    return _bare_words(answer) <= words or words <= _bare_words(answer)


def _bare_words(answer: str) -> set[str]:
    return set(normalise(without_endings(answer)).split())


def _pattern(word: str) -> str:
    """A number with or without zeros before it: a time is 09:05 or 9:05."""
    return f"0*{re.escape(word.lstrip('0') or '0')}" if word.isdecimal() else re.escape(word)
