"""Digits in words, as people say numbers on the phone: read as digits, with their places, so that all recognisers find them."""

import re
from bisect import bisect_right
from dataclasses import dataclass

_KOREAN = dict(zip("공영빵일이삼사오육륙칠팔구", "0001234566789", strict=True))
_ENGLISH = dict(
    zip("zero oh nought one two three four five six seven eight nine".split(), "000123456789", strict=True),
)
_WORD = r"[공영빵일이삼사오육륙칠팔구]"
_NUMBER_WORD = "|".join(_ENGLISH)
_JOINT = r"(?: ?[-.,] ?| {1,2}|(?: ?(?:다시|에|의|하이픈|대시|그리고) ?)|,? (?:dash|hyphen|and then) ?)"
_KOREAN_RUN = re.compile(rf"(?:{_WORD}|\d)(?:{_JOINT}?(?:{_WORD}|\d))+")
_ENGLISH_RUN = re.compile(
    rf"(?<![A-Za-z])(?:(?:double|triple) )?(?:{_NUMBER_WORD}|\d+)(?:(?:{_JOINT})(?:(?:double|triple) )?(?:{_NUMBER_WORD}|\d+))+(?![A-Za-z])",
    re.IGNORECASE,
)
_SINGLE_DIGITS = re.compile(r"(?<![\d.,-])(?<!\d )\d(?: ?[-.,]? ?\d(?!\d)){8,18}(?![.,]?\d)")
_ENGLISH_WORD = re.compile(rf"(?:(?P<times>double|triple) )?(?P<word>{_NUMBER_WORD}|\d+)", re.IGNORECASE)
_ENDING = re.compile(r"이(?=에요|고|야|며|라|다|요|었|랑|네|죠|지|거든)|에$")
_LEAST_DIGITS = 8  # of a run, below which digits in words are read as words
_LEAST_WORDS = 3


@dataclass(frozen=True, slots=True)
class Spelled:
    """A text in which digits in words are digits. `runs` are where they stood: start and end in `text`, start and end in the first text."""

    text: str
    runs: tuple[tuple[int, int, int, int], ...]

    def place(self, start: int, end: int) -> tuple[int, int] | None:
        """Where `text[start:end]` stood in the first text, if it touches digits in words; None otherwise. Whole runs are taken."""
        touched = [run for run in self.runs if run[0] < end and run[1] > start]
        if not touched:
            return None
        first, last = touched[0], touched[-1]
        begin = first[2] if start >= first[0] else self._outside(start)
        finish = last[3] if end <= last[1] else self._outside(end)
        return begin, finish

    def _outside(self, place: int) -> int:
        """A place of `text` that is in no run, in the first text."""
        index = bisect_right([run[1] for run in self.runs], place) - 1
        return place if index < 0 else place - self.runs[index][1] + self.runs[index][3]


def spell(text: str) -> Spelled | None:
    """The folded text with its digits in words, and digits apart by spaces, read as digits; None where there are none."""
    found: list[tuple[int, int, str]] = []
    for match in _KOREAN_RUN.finditer(text):
        run, end = match[0], match.end()
        if ending := _ENDING.search(text[match.start() : end + 2], max(0, len(run) - 1)):
            end = match.start() + min(ending.start(), len(run))
        run = text[match.start() : end]
        digits = "".join(_KOREAN.get(letter, letter) for letter in run if letter in _KOREAN or letter.isdigit())
        if len(digits) >= _LEAST_DIGITS and sum(letter in _KOREAN for letter in run) >= _LEAST_WORDS:
            found.append((match.start(), end, digits))
    for match in _ENGLISH_RUN.finditer(text):
        words = list(_ENGLISH_WORD.finditer(match[0]))
        digits = "".join(
            _ENGLISH.get(word["word"].lower(), word["word"]) * {"double": 2, "triple": 3}.get((word["times"] or "").lower(), 1) for word in words
        )
        if len(digits) >= _LEAST_DIGITS and sum(word["word"].isalpha() for word in words) >= _LEAST_WORDS:
            found.append((match.start(), match.end(), digits))
    for match in _SINGLE_DIGITS.finditer(text):
        found.append((match.start(), match.end(), re.sub(r"\D", "", match[0])))
    return _replace(text, sorted(found)) if found else None


def _replace(text: str, found: list[tuple[int, int, str]]) -> Spelled:
    made: list[str] = []
    runs: list[tuple[int, int, int, int]] = []
    place = length = 0
    for start, end, digits in found:
        if start < place:
            continue
        made += [text[place:start], digits]
        length += start - place
        runs.append((length, length + len(digits), start, end))
        length += len(digits)
        place = end
    return Spelled("".join([*made, text[place:]]), tuple(runs))
