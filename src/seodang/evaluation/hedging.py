"""Whether a reply lists candidates instead of answering: "Paris or Rome", "Rome, Paris", "1 2 3 4 5", 서울이나 부산.

Other answers are known from the items beside it: what they accept. One of them counts only right beside the right answer, with nothing
but words such as "or" between the two, so that a reason may name it: "blue, as air scatters it more than red".
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from seodang.evaluation.denial import denied
from seodang.scoring.korean_endings import without_endings
from seodang.scoring.text_match import normalise

_BARRIER = re.compile(r"[()\[\]{}:=<>→—–+×]|\s[-x]\s|\.{3}")  # what stands behind one of these is an explanation
_BULLET = re.compile(r"^[ \t]*[-*•][ \t]+", re.MULTILINE)
_NUMBER = re.compile(r"^[ \t]*(\d{1,2}|[a-zA-Z])[.)][ \t]+", re.MULTILINE)  # of a list's row, where there are two
_CALLED = re.compile(r"\b(?:right|correct|better?|best)\s+(?=(?:answer|choice|one|word|option)\b)", re.IGNORECASE)
_JOINED = re.compile(r"(?<=[가-힣])(?:이나|이랑|하고|랑)(?=[\s,.]|$)")
_BETWEEN = (
    "or and either maybe perhaps possibly probably also it its s is are was could might may can be i think guess say answer alternatively "
    "otherwise else 또는 혹은 아니면 그리고 및 또 아마 아마도 정답은 답은 정답 답 입니다 이나 o y または 或 或者"
)
_FILLERS = frozenset(_BETWEEN.split())
_ASSENT = frozenset({"yes", "no", "true", "false", "예", "네", "아니요", "아니오"})
Words = Sequence[str]
Place = tuple[int, int]  # start and end in a list of words


def rivals(question: str, accepted: Sequence[str], others: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """The answers of other items that would be candidates here: numbers beside a number and words beside words.

    Those of an item that shares an answer with this one, or of which one stands in the question, are left out; so are yes and no,
    which lead an answer.
    """
    own, asked = {normalise(text) for text in accepted}, _split(question)
    found: dict[str, None] = {}
    for other in others:
        texts = [" ".join(_split(text)) for text in other]
        alike = not own.isdisjoint(texts) or any(_places(asked, _split(text)) for text in texts)
        if not alike and _is_number(texts) == _is_number(own):
            found |= dict.fromkeys(text for text in other if own & _ASSENT or normalise(text) not in _ASSENT)
    return tuple(found)


def hedges(text: str, question: str, accepted: Sequence[str], others: Sequence[str]) -> bool:
    """Whether one of the `others` stands right beside an accepted answer wherever that stands, or holds it: "carbon dioxide" for carbon.

    Beside a number every other number does that neither stands in the question."""
    if not others:
        return False
    said = _BULLET.sub("\n", _JOINED.sub("", _CALLED.sub("", text)))
    marks = {mark.lower() for mark in _NUMBER.findall(said)}
    said = _NUMBER.sub("\n", said) if {"1", "2"} <= marks or {"a", "b"} <= marks else said
    own = "|".join(map(re.escape, accepted))
    elsewhere = re.sub(rf"\b(?:{own})\b", "_", text, flags=re.IGNORECASE)  # "never", where it is the answer, denies nothing
    for words, change in ((_words(said), str), (_words(said, bare=True), without_endings)):
        there = set(words)
        told = [other for other in others if there.issuperset(_split(change(other)))]
        told += _numbers(words, question, accepted)
        refused = [set(_split(other)) for other in told if denied(elsewhere, other)]
        beside = [_split(change(other)) for other in told if not any(longer.issuperset(_split(other)) for longer in refused)]
        if _hedges(words, [_split(change(answer)) for answer in accepted], beside):
            return True
    return False


def _numbers(words: list[str], question: str, accepted: Sequence[str]) -> list[str]:
    """Beside a number, those of the text that stand neither in the question nor in an accepted answer."""
    known = {*_split(question), *(word for text in accepted for word in _split(text))}
    found = [word for word in words if word.replace(".", "", 1).isdecimal() and word not in known]
    return found if _is_number(" ".join(_split(text)) for text in accepted) else []


def _hedges(words: list[str], accepted: Sequence[Words], others: Sequence[Words]) -> bool:
    right, wrong = ([place for wanted in texts for place in _places(words, wanted)] for texts in (accepted, others))
    if right and all(any(_holds(longer, place) for longer in wrong) for place in right):
        return True
    wrong = [place for place in wrong if not any(place[0] < end and start < place[1] for start, end in right)]
    return any(_FILLERS.issuperset(_between(words, one, other)) for one in right for other in wrong)


def _between(words: list[str], one: Place, other: Place) -> list[str]:
    first, second = sorted((one, other))
    return words[first[1] : second[0]]


def _holds(longer: Place, place: Place) -> bool:
    return longer != place and longer[0] <= place[0] and place[1] <= longer[1]


def _words(text: str, bare: bool = False) -> list[str]:
    """Words with an empty one at each barrier, with or `bare` of their Korean endings."""
    words: list[str] = []
    for part in _BARRIER.split(text):
        words += ["", *normalise(without_endings(part) if bare else part).split()]
    return words


@lru_cache(maxsize=8192)
def _split(text: str) -> tuple[str, ...]:
    return tuple(normalise(text).split())


def _places(words: Words, wanted: Words) -> list[Place]:
    size = len(wanted)
    return [(at, at + size) for at in range(len(words) - size + 1) if list(words[at : at + size]) == list(wanted)] if size else []


def _is_number(texts: Iterable[str]) -> bool:
    return any(text[:1].isdecimal() for text in texts)
