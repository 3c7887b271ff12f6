"""Digits in words, as people say numbers on the phone: read as digits, with their places, so that all recognisers find them."""

import re
from bisect import bisect_right
from dataclasses import dataclass

_KOREAN: dict[str, str] = dict(zip("공영빵일이삼사오육륙칠팔구", "0001234566789", strict=True))
_ENGLISH: dict[str, str] = dict(
    zip(["zero", "oh", "nought", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"], "000123456789", strict=True),
)
_WORD = r"[공영빵일이삼사오육륙칠팔구]"
_NUMBER_WORD = "|".join(_ENGLISH)
_JOINT = r"(?: ?[-.,] ?| {1,2}|(?: ?(?:다시|에|의|하이픈|대시|그리고) ?)|,? (?:dash|hyphen|and then) ?)"
_KOREAN_RUN = re.compile(rf"(?:{_WORD}|\d)(?:{_JOINT}?(?:{_WORD}|\d))+")
_ENGLISH_RUN = re.compile(
    rf"(?<![A-Za-z0-9])(?:(?:double|triple) )?(?:{_NUMBER_WORD}|\d+)(?:(?:{_JOINT})(?:(?:double|"
    rf"triple) )?(?:{_NUMBER_WORD}|\d+))+(?![A-Za-z])",
    re.IGNORECASE,
)
_SINGLE_DIGITS = re.compile(r"(?<![\d.,-])(?<!\d )\d(?: ?[-.,]? ?\d(?!\d)){8,18}(?![.,]?\d)")
_ENGLISH_TOKEN = re.compile(rf"(?:(?P<times>double|triple) )?(?P<word>{_NUMBER_WORD}|\d+)", re.IGNORECASE)
_KOREAN_TOKEN = re.compile(rf"(?P<word>{_WORD}|\d+)")
_HOLDS_WORD_GROUP = re.compile(rf"{_WORD}{{2}}|{_WORD}\d|\d{_WORD}")  # Korean digits of a group are written together
_ENDING = re.compile(r"이(?=에요|고|야|며|라|다|요|었|랑|네|죠|지|거든)|에$")
_LEAST_DIGITS = 8  # of a run, below which digits in words are read as words
_LEAST_WORDS = 3


@dataclass(frozen=True, slots=True)
class Spelled:
    """A text in which digits in words are digits. `runs` are where they stood: start and end in `text`, start and end in the first text."""

    text: str
    runs: tuple[tuple[int, int, int, int], ...]

    def place(self, start: int, end: int) -> tuple[int, int] | None:
        """Where `text[start:end]` stood in the first text, if it touches digits in words; None otherwise. Whole groups of digits are
        taken."""
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
        end = match.end()
        if ending := _ENDING.search(text[match.start() : end + 2], max(0, len(match[0]) - 1)):
            end = match.start() + min(ending.start(), len(match[0]))
        found += _groups(text, match.start(), end, _KOREAN_TOKEN)
    for match in _ENGLISH_RUN.finditer(text):
        found += _groups(text, match.start(), match.end(), _ENGLISH_TOKEN)
    for match in _SINGLE_DIGITS.finditer(text):
        found.append((match.start(), match.end(), re.sub(r"\D", "", match[0])))
    return _replace(text, sorted(found)) if found else None


def _groups(text: str, start: int, end: int, token: re.Pattern[str]) -> list[tuple[int, int, str]]:
    """The groups of digits in a run of words and digits, each with its place; none where the run is too short, or has too few words.

    Words apart by a space are one group where all are single digits; what joins groups becomes a hyphen.
    """
    tokens = [(match, _digits(match)) for match in token.finditer(text, start, end)]
    if sum(len(digits) for _, digits in tokens) < _LEAST_DIGITS or sum(not match[0][-1].isdigit() for match, _ in tokens) < _LEAST_WORDS:
        return []
    groups: list[tuple[int, int, str]] = []
    lone = all(len(digits) == 1 or not match[0].isdigit() for match, digits in tokens) and not _HOLDS_WORD_GROUP.search(text, start, end)
    for match, digits in tokens:
        gap = text[groups[-1][1] : match.start()] if groups else ""
        if groups and (not gap or (gap.isspace() and lone)):
            groups[-1] = (groups[-1][0], match.end(), groups[-1][2] + digits)
        else:
            if groups and not gap.isspace():
                groups.append((groups[-1][1], match.start(), "-"))
            groups.append((match.start(), match.end(), digits))
    return groups


def _digits(match: re.Match[str]) -> str:
    word = str(match["word"]).lower()
    times = {"double": 2, "triple": 3}.get((match.groupdict().get("times") or "").lower(), 1)
    return _KOREAN.get(word, _ENGLISH.get(word, word)) * times


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
