"""The final answer of a worked solution: where it says so, or its last line where that leaves no choice."""

import re
from dataclasses import dataclass

from seodang.scoring.mathematics.literal import literal
from seodang.scoring.mathematics.normalise import normalise
from seodang.scoring.mathematics.notation import closing, fold

_BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{")
_MARKED = re.compile(r"^#{4}\s*(.+)$", re.MULTILINE)
_ANNOUNCED = re.compile(
    r"(?:\b(?:final\s+|correct\s+)?answer\s*(?:is|:|=)\s*:?|(?:^|(?<=[\s*]))(?:최종\s*)?(?:정답|답|답안)\s*(?:은|는|:)\s*:?)\s*(?P<answer>[^\n]+)",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.。!?](?=\s|$)|(?<=[가-힣])\.")
_NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?:/\d+)?%?")
_WHOLE = 60  # characters of a text that is taken as an answer and nothing else


@dataclass(frozen=True, slots=True)
class Extracted:
    """`text` is empty where no one answer can be made out; `how` says where it stood, or why there is none."""

    text: str
    how: str


def final_answer(solution: str) -> Extracted:
    """In this order: `\\boxed{}`, a line `#### x`, "the answer is" or "답은", a text that is an answer and nothing else, the last line's
    only number or what follows its last `=`. Where two places of one kind say different things, or places of two kinds different numbers,
    there is none."""
    text = solution.strip()
    if len(_BOXED.findall(text)) != len(_boxed(text)):
        return Extracted("", "boxed: not closed")
    places = (("boxed", _boxed(text)), ("####", _MARKED.findall(text)), ("announced", _announced(text)))
    if len(said := {literal(answer) for _, found in places for answer in found} - {None}) > 1:
        return Extracted("", f"{len(said)} different answers")
    for how, found in places:
        if found:
            different = {normalise(answer).text for answer in found}
            return Extracted(found[-1].strip(), how) if len(different) == 1 else Extracted("", f"{how}: {len(different)} different answers")
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if not lines:
        return Extracted("", "empty")
    if len(lines) == 1 and len(text) <= _WHOLE and not re.search(r"[가-힣a-zA-Z]{2,}[^.]*\s[^.]*[가-힣a-zA-Z]{3,}\s", text):
        return Extracted(_value(text), "whole text")
    return _last_line(lines[-1])


def _boxed(text: str) -> list[str]:
    ends = [(found.end(), closing(text, found.end() - 1)) for found in _BOXED.finditer(text)]
    return [text[start:end] for start, end in ends if end is not None]


def _announced(text: str) -> list[str]:
    return [_value(_first_sentence(found["answer"])) for found in _ANNOUNCED.finditer(text)]


def _first_sentence(text: str) -> str:
    end = _SENTENCE_END.search(text)
    return text[: end.start()] if end and end.start() else text


def _value(text: str) -> str:
    """What a calculation comes to: `3 + 4 = 7` is 7. An equation with letters stays whole."""
    left, equals, right = text.strip().rstrip("* ").rpartition("=")
    return right.strip() if equals and not re.search(r"[a-zA-Z]|[<>!\\]", left) and right.strip() else text.strip(" *")


def _last_line(line: str) -> Extracted:
    folded = fold(line)
    after = folded.rpartition("=")[2]
    for part, how in ((after if "=" in folded else "", "after the last ="), (folded, "only number of the last line")):
        numbers = _NUMBER.findall(part)
        if len(numbers) == 1:
            unit = re.match(r"\s*[가-힣°%]*|\s?[a-zA-Z]+(?=[\s.]|$)", part.partition(numbers[0])[2])
            tail = unit[0].strip() if unit else ""
            return Extracted(f"{numbers[0]}{tail}" if normalise(f"{numbers[0]}{tail}").unit else numbers[0].rstrip(","), how)
    return Extracted("", "the last line names no single number")
