"""Which choice a reply names. Strict: a reply that names several, or none in so many words, names none."""

import re

from seodang.evaluation.multiple_choice.question import LETTERS

_WRAP = r"[\s*_`\"'“”‘’(\[【<]*"  # what may stand before a letter
_END = r"(?![A-Za-z0-9'’])"  # a letter is not the start of a word
_WHOLE = re.compile(rf"{_WRAP}([A-J]){_END}[\s*_`\"'“”‘’)\]】>.:,。]*\Z")
_MARKED = re.compile(rf"^{_WRAP}([A-J])[*_`]*(?:[.:)\]】]|번)", re.MULTILINE)  # `B. text`, `(B) text`, at a line's start
_SAYS = r"(?:(?:answer|choice|option)\s*(?:is|:|=)|(?:정답|답안|답)\s*(?:은|는|이|:|：|=))\s*(?:(?:option|choice)\s+)?"
_STATED = re.compile(rf"{_SAYS}{_WRAP}([A-J]){_END}", re.IGNORECASE)
_DENIED = re.compile(r"[)\]*_`\"'”’]*\s*(?:가|이|는|은)?\s*(?:아니|아닙|아닌)|[)\]*_`\"'”’]*\s+is\s+(?:not|wrong)", re.IGNORECASE)


def named_letter(reply: str, num_choices: int) -> int | None:
    """The place of the only choice that a reply names, from 0; None where it names none or several.

    A letter counts where it is the whole reply, where it is stated ("the answer is (B)", "정답: B"), or where it leads a line as a
    choice's mark does ("B. text"). Statements go before marks, so that an answer may list the choices first.
    """
    if whole := _WHOLE.match(reply):
        return _place({whole[1]}, num_choices)
    stated = {found[1].upper() for found in _STATED.finditer(reply) if not _DENIED.match(reply, found.end())}
    if stated:
        return _place(stated, num_choices)
    return _place({found[1] for found in _MARKED.finditer(reply)}, num_choices)


def _place(letters: set[str], num_choices: int) -> int | None:
    if len(letters) != 1:
        return None
    place = LETTERS.index(letters.pop())
    return place if place < num_choices else None
