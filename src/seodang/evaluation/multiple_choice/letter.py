"""Which choice a reply names. Strict: a reply that names several, or none in so many words, names none."""

import re

from seodang.evaluation.multiple_choice.question import LETTERS

_WRAP = r"[\s*_`\"'“”‘’(\[【<]*"  # what may stand before a letter
_END = r"(?![A-Za-z0-9'’])"  # a letter is not the start of a word
_WHOLE = re.compile(rf"{_WRAP}([A-J]){_END}[\s*_`\"'“”‘’)\]】>.:,。]*\Z")
_MARKED = re.compile(rf"^{_WRAP}([A-J])[*_`]*(?:[.:)\]】]|번)", re.MULTILINE)  # `B. text`, `(B) text`, at a line's start
_SAYS = r"(?:(?:answer|choice|option)\s*(?:is|:|=)|(?:정답|답안|답)\s*(?:은|는|이|:|：|=))\s*(?:(?:option|choice)\s+)?"
_CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩"
_NUMBERED = r"\d{1,2}\s*번(?=\s*(?:입니다|이다|이에요|예요|이고|또는|혹은|[이가은는]\s|[^\w\s]|\n|\Z))"  # 2번입니다, not a road 2번 국도
_CHOICE = rf"{_WRAP}([A-J]{_END}|[{_CIRCLED}](?:\s*번)?|{_NUMBERED})"
_STATED = re.compile(rf"(?i:{_SAYS}){_CHOICE}")
_JOINED = re.compile(  # `B or C`, `B, C`, `A/B`: another choice right behind a stated one
    rf"[)\]*_`\"'”’]*\s*(?:번|입니다)?\s*(?:[,/&+·、]|(?i:or|and)\b|또는|혹은|이?나\s|[와과]\s|및|그리고)\s*(?i:(?:or|and|also)\s+)?{_CHOICE}"
)
_TURNED = re.compile(  # `No wait, B`: a choice that takes the place of a stated one
    rf"(?i:\b(?:no|wait|actually|rather|sorry|correction|instead)\b|아니요?|아니다|잠깐|다시)\W*(?i:(?:wait|no|it|is|it['’]s|i|mean)\W+)*{_CHOICE}"
)
_ALSO = re.compile(
    rf"\b{_CHOICE}[)\]*_`\"'”’]*\s*(?i:(?:is|are|could|may|might|would|can)\s+(?:be\s+)?(?:also|too|equally|as well)\b|도\s)"
)
_DENIED = re.compile(r"[)\]*_`\"'”’]*\s*(?:가|이|는|은)?\s*(?:아니|아닙|아닌)|[)\]*_`\"'”’]*\s+is\s+(?:not|wrong)", re.IGNORECASE)


def named_letter(reply: str, num_choices: int) -> int | None:
    """The place of the only choice that a reply names, from 0; None where it names none or several.

    A letter counts where it is the whole reply, where it is stated ("the answer is (B)", "정답: B"), or where it leads a line as a
    choice's mark does ("B. text"). Statements go before marks, so that an answer may list the choices first. A statement may number
    its choice ("정답은 2번입니다"), and names none where another choice follows as an answer ("B or C", "A. No wait, B").
    """
    if whole := _WHOLE.match(reply):
        return _place({whole[1]}, num_choices)
    stated = [found for found in _STATED.finditer(reply) if not _DENIED.match(reply, found.end())]
    if stated:
        return _place({_letter(found[1]) for found in stated} | _rivals(reply, stated, num_choices), num_choices)
    return _place({found[1] for found in _MARKED.finditer(reply)}, num_choices)


def _rivals(reply: str, stated: list[re.Match[str]], num_choices: int) -> set[str]:
    """Letters of the item's choices that follow a statement as answers too."""
    joined = [rival for one in stated if (rival := _JOINED.match(reply, one.end()))]
    later = [rival for pattern in (_TURNED, _ALSO) for rival in pattern.finditer(reply, stated[0].end())]
    said = {_letter(rival[1]) for rival in (*joined, *later) if not _DENIED.match(reply, rival.end())}
    return said & set(LETTERS[:num_choices])


def _letter(choice: str) -> str:
    """The letter of a choice that is written as a letter, a circled number or a number with 번; "?" for a number beyond the letters."""
    if choice in LETTERS:
        return choice
    mark = choice.removesuffix("번").strip()
    number = _CIRCLED.index(mark) if mark in _CIRCLED else int(mark) - 1
    return LETTERS[number] if 0 <= number < len(LETTERS) else "?"


def _place(letters: set[str], num_choices: int) -> int | None:
    if len(letters) != 1:
        return None
    place = LETTERS.find(letters.pop())
    return place if 0 <= place < num_choices else None
