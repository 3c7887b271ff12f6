"""Which choice a reply names. Strict: a reply that names several, or none in so many words, names none."""

import re

from seodang.evaluation.multiple_choice.question import LETTERS

_WRAP = r"(?:[\s*_`\"'“”‘’(\[【<$]|\\[(\[]|\\boxed\{|\\(?:text|textbf|mathrm|mathbf)\{){0,60}"  # what may stand before a letter
_BEHIND = r"[)\]*_`\"'”’}$】>]|\\[)\]]"
_CLOSE = rf"(?:{_BEHIND})*"  # what may stand behind one
_END = r"(?![A-Za-z0-9]|['’][A-Za-z])"  # a letter is not the start of a word
_GOES_ON = (  # a word behind the choice A; any other that is written small makes `A` an article and `I` a person
    r"(?:because|since|as|and|or|but|nor|for|is|was|are|due|given\s+(?:that|the)|based|which|where|when|while|with|although|though|so|if|"
    r"from|in|by|per|at|on|not|only|alone|here|then|thus|therefore|instead|rather|actually|too|also|hence|the|it|this|that|they|we|according|"
    r"could|may|might|would|can)\b"
)
_LETTER = rf"(?:[B-HJ]{_END}|[AI]{_END}(?![ \t]+(?!{_GOES_ON})[a-z]))"
_COPULA = r"(?:입니다|이에요|예요|이다)"
_TAIL = rf"(?:[\s.:,。]|{_BEHIND})*"
_WHOLE = re.compile(rf"{_WRAP}([A-J]){_END}{_TAIL}(?:(?:번\s*)?{_COPULA}{_TAIL})?\Z")
_MARKED = re.compile(  # `B. text`, `(B) text`, at a line's start
    rf"^{_WRAP}([A-J])[*_`]*(?:[.:)\]】]|번(?!\s*[가이는은]?\s*(?:아니|아닙|아닌)))", re.MULTILINE
)
_SAYS = (
    r"(?:(?<!wrong\s)(?<!incorrect\s)(?:answer|choice|option)\s*(?:(?:is|should\s+be|must\s+be|would\s+be|=)\s*[:：]?|[:：])"
    r"|(?:정답|답안|(?<!오)답)\s*(?:(?:은|는|이|=)\s*[:：]?|[:：]))"
    r"\s*(?:(?:option|choice)\s+)?"
)
_CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩"
_NUMBERED = rf"\d{{1,2}}\s*번(?=\s*(?:{_COPULA}|이고|또는|혹은|[이가은는]\s|[^\w\s]|\n|\Z))"  # 2번입니다, not a road 2번 국도
_CHOICE = rf"{_WRAP}({_LETTER}|[{_CIRCLED}](?:\s*번)?|{_NUMBERED})"
_SPOKEN = rf"{_CHOICE}{_CLOSE}\s*(?:번\s*)?{_COPULA}(?=[\s.!,。]|\Z)"  # `B입니다`
_STATED = re.compile(rf"(?i:{_SAYS}){_CHOICE}")
_BOXED = re.compile(rf"\\boxed\{{{_WRAP}([A-J]){_END}(?=[)]?\s*(?:\}}|[.:)]\s))")
_BARE = re.compile(rf"(?:^|[.!?。]\s){_SPOKEN}", re.MULTILINE)
_RIGHT = (  # `B is the correct answer`, `B가 정답입니다`
    r"(?:\s+is\s+(?:(?i:the\s+)?(?i:(?:only|single|best|most|correct|right|proper|true|appropriate|likely|suitable|accurate)\s+){0,3}"
    r"(?i:answer|choice|option)\b|(?i:correct|right)(?=\s*(?:[.,;!]|because\b|since\b|as\b|\n|\Z)))"
    rf"|\s*(?:번\s*)?[이가]\s*(?:(?:가장\s+)?(?:알맞은|맞는|옳은|올바른|적절한)\s+)?"
    rf"(?:(?:정답|답)(?:{_COPULA}|이고|이며|임(?![가-힣])|\s*(?:[.!。\n]|\Z))|(?:맞|옳)(?:습니다|아요|다)(?![가-힣])|올바릅니다(?![가-힣])))"
)
_NAMED = rf"(?i:(?:the\s+)?(?:answer|choice|option)\s+)?{_CHOICE}{_CLOSE}{_RIGHT}"
_CORRECT = re.compile(
    rf"(?:^|[.!?。:]\s|(?i:\b(?:so|thus|hence|therefore|that|think|believe)\b|따라서|그러므로|즉)[\s,]*){_NAMED}", re.MULTILINE
)
_AGREED = re.compile(rf"(?:(?i:\b(?:and|but|or|also|while)\b)|,|(?<=[고며만]))\s*{_NAMED}")
_LISTED = re.compile(rf"^{_WRAP}[A-J][.:)\]】](?:[ \t]*,?[ \t]*{_WRAP}[A-J][.:)\]】])+[ \t]*$", re.MULTILINE)  # `A. B. C. D.`
_JOINED = re.compile(  # `B or C`, `B, C`, `A/B`: another choice right behind a stated one
    rf"{_CLOSE}\s*(?:번\s*)?(?:{_COPULA}\s*)?(?:[(\[（]\s*)?(?:[,/&+·、]|(?i:or|and)\b|또는|혹은|이?나\s|[와과]\s|및|그리고)\s*(?i:(?:or|and|also)\s+)?{_CHOICE}"
)
_SKIPPED = r"(?i:(?:wait|no|it|is|it['’]s|i|mean)\W+)"
_TURNED = re.compile(  # `No wait, B`: a choice that takes the place of a stated one
    rf"(?i:\b(?:wait|actually|rather|sorry|correction|instead)\b|아니요?|아니다|잠깐|다시)\W*{_SKIPPED}{{0,4}}{_CHOICE}"
)
_REFUSED = re.compile(  # `No, B`, `no it is B` and `No B.`, not the `no B` of `because no B has it`
    rf"(?i:\bno\b)(?:(?=\s*[^\w\s*_`(\[\"'“‘])\W*{_SKIPPED}{{0,4}}{_CHOICE}"
    rf"|\W+{_SKIPPED}{{1,4}}{_CHOICE}|\s+{_CHOICE}{_CLOSE}[ \t]*(?:[.!?;。\n]|\Z))"
)
_LATER = re.compile(rf"\b{_SPOKEN}")
_ALSO = re.compile(rf"\b{_CHOICE}{_CLOSE}\s*(?i:(?:is|are|could|may|might|would|can)\s+(?:be\s+)?(?:also|too|equally|as well)\b|도\s)")
_DENIED = re.compile(rf"{_CLOSE}\s*(?:번\s*)?[가이는은]?\s*(?:아니|아닙|아닌)|{_CLOSE}\s+is\s+(?:not|wrong)", re.IGNORECASE)


def named_letter(reply: str, num_choices: int) -> int | None:
    """The place of the only choice that a reply names, from 0; None where it names none or several.

    A letter counts where it is the whole reply, where it is stated ("the answer is (B)", "정답: B", "B입니다.", `\\boxed{B}`), or where it
    leads a line as a choice's mark does ("B. text"). Statements go before marks, so that an answer may list the choices first. A statement
    may number its choice ("정답은 2번입니다"), and names none where another choice follows as an answer ("B or C", "A. No wait, B"). The
    article of "the answer is a bit unclear" is no choice, in capitals neither. "B is the correct answer" and "B가 정답입니다" state one
    where nothing else does.
    """
    if whole := _WHOLE.match(reply):
        return _place({whole[1]}, num_choices)
    stated = [found for found in _statements(reply) if not _DENIED.match(reply, found.end())]
    if stated:
        return _place({_letter(found[1]) for found in stated} | _rivals(reply, stated, num_choices), num_choices)
    return None if _LISTED.search(reply) else _place({found[1] for found in _MARKED.finditer(reply)}, num_choices)


def _statements(reply: str) -> list[re.Match[str]]:
    found = [one for pattern in (_STATED, _BOXED, _BARE) for one in pattern.finditer(reply)] or list(_CORRECT.finditer(reply))
    return sorted(found, key=lambda one: one.start())


def _rivals(reply: str, stated: list[re.Match[str]], num_choices: int) -> set[str]:
    """Letters of the item's choices that follow a statement as answers too."""
    joined = [rival for one in stated if (rival := _JOINED.match(reply, one.end()))]
    patterns = (_TURNED, _REFUSED, _ALSO, _CORRECT, _AGREED, *([_LATER] if stated[0].re is _BARE else []))
    later = [rival for pattern in patterns for rival in pattern.finditer(reply, stated[0].end())]
    said = {_letter(rival[rival.lastindex or 1]) for rival in (*joined, *later) if not _DENIED.match(reply, rival.end())}
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
