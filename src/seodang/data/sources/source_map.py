"""From a span of text to its place in the original, character by character.

A text is a row of runs. A verbatim run was taken over as it is, so that any part of it can be found again; any other run (a line end, an
entity, white space that became one blank, what a reader added) stands for its whole range. A map keeps numbers only: three of eight bytes
and two of four a run, and long runs are cut so that no look-up measures more than 1,024 characters.
"""

import re
import unicodedata
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby, pairwise
from typing import NamedTuple

from seodang.data.sources.places import ByteRange, Place

_CHECKPOINT = 1_024  # characters


class Run(NamedTuple):
    """Characters of the text, and the range of the original that they come from."""

    text: str
    first: int
    last: int
    verbatim: bool = True
    part: int = 0


@dataclass(frozen=True, slots=True)
class SourceMap:
    """Runs in the order of the text. `starts` are in the text, `firsts` and `lasts` in the original's part that `part_of` names."""

    parts: tuple[Place, ...]
    starts: "array[int]"
    firsts: "array[int]"
    lasts: "array[int]"
    part_of: "array[int]"
    verbatim: bytes

    def locate(self, text: str, start: int, end: int) -> tuple[Place, ...]:
        """The places of `text[start:end]`, in order; neighbours in one part are one place. An empty span has one empty place."""
        return tuple(replace(self.parts[part], start=first, end=last) for part, first, last in self.ranges(text, start, end))

    def ranges(self, text: str, start: int, end: int) -> list[tuple[int, int, int]]:
        """As `locate`: the part's number, start and end of each place."""
        found: list[tuple[int, int, int]] = []
        index = max(0, bisect_right(self.starts, start) - 1)
        while index < len(self.starts) and (self.starts[index] < end or not found):
            part, first, last = self.part_of[index], *self._range(text, index, start, end)
            if found and found[-1][0] == part:
                found[-1] = part, min(found[-1][1], first), max(found[-1][2], last)
            else:
                found.append((part, first, last))
            index += 1
        return [place for place in found if place[2] > place[1]] or found[:1]  # what a reader added has no place of its own

    def _range(self, text: str, index: int, start: int, end: int) -> tuple[int, int]:
        begins = self.starts[index]
        if not self.verbatim[index]:
            return self.firsts[index], self.lasts[index] if end > start else self.firsts[index]
        until = self.starts[index + 1] if index + 1 < len(self.starts) else len(text)
        low, high = min(max(start, begins), until), min(end, until)
        first = self.firsts[index] + _measure(self.parts[0], text[begins:low])
        return first, first + _measure(self.parts[0], text[low:high])


def build_map(runs: Iterable[Run], parts: Sequence[Place]) -> tuple[str, SourceMap]:
    """The text of the runs and its map. All parts are of one kind."""
    texts: list[str] = []
    starts, firsts, lasts, part_of = array("Q"), array("Q"), array("Q"), array("L")
    verbatim = bytearray()
    place = 0
    for run in runs:
        if not run.text:
            continue
        texts.append(run.text)
        first = run.first
        for piece in _pieces(run, parts):
            last = first + _measure(parts[0], piece) if run.verbatim else run.last
            starts.append(place)
            firsts.append(first)
            lasts.append(last)
            part_of.append(run.part)
            verbatim.append(run.verbatim)
            place += len(piece)
            first = last
    return "".join(texts), SourceMap(tuple(parts), starts, firsts, lasts, part_of, bytes(verbatim))


def moved(runs: Iterable[Run], text: str, source: SourceMap) -> Iterator[Run]:
    """Runs whose ranges are characters of `text`, with the ranges of what `text` itself was taken from. Verbatim ones must be verbatim in
    it."""
    for run in runs:
        ((_, first, last),) = source.ranges(text, run.first, run.last)
        yield Run(run.text, first, last, run.verbatim, run.part)


def composed(runs: Iterable[Run], parts: Sequence[Place]) -> Iterator[Run]:
    """The runs with each part's text in NFC: a syllable that was written as jamo becomes one run that is not verbatim."""
    for _, group in groupby(runs, key=lambda run: run.part):
        members = list(group)
        text = "".join(run.text for run in members)
        yield from members if unicodedata.is_normalized("NFC", text) else _composed(members, text, parts)


def _composed(runs: Sequence[Run], text: str, parts: Sequence[Place]) -> Iterator[Run]:
    changes = [
        (match.start(), match.end(), after)
        for match in _clusters().finditer(text)
        if (after := unicodedata.normalize("NFC", match[0])) != match[0]
    ]
    borders = [border for start, end, _ in changes for border in (start, end)]
    waiting = iter([*changes, (len(text) + 1, len(text) + 1, "")])
    start, end, after = next(waiting)
    place = 0
    held: list[Run] = []
    for run in _cut(runs, borders, parts):
        place += len(run.text)
        if place <= start:
            yield run
            continue
        held.append(run)
        if place == end:
            yield Run(after, held[0].first, held[-1].last, False, run.part)
            held = []
            start, end, after = next(waiting)


def _cut(runs: Iterable[Run], borders: Sequence[int], parts: Sequence[Place]) -> Iterator[Run]:
    """The same runs, none of which goes over a border (places in their text, in order)."""
    place = 0
    for run in runs:
        until = place + len(run.text)
        inside = borders[bisect_right(borders, place) : bisect_left(borders, until)]
        yield from cut(run, [border - place for border in inside], parts)
        place = until


def cut(run: Run, at: Sequence[int], parts: Sequence[Place]) -> Iterator[Run]:
    """A run in pieces that end at the given places of its text, which are in order; empty pieces are left out."""
    first = run.first
    for start, end in pairwise([0, *at, len(run.text)]):
        if end > start:
            last = first + _measure(parts[0], run.text[start:end]) if run.verbatim else run.last
            yield run._replace(text=run.text[start:end], first=first, last=last)
            first = last if run.verbatim else first


@cache
def _clusters() -> re.Pattern[str]:
    """Characters that NFC may change: one with all that may be joined to it, or one that stands for another."""
    joined: set[str] = {*map(chr, range(0x1161, 0x1176)), *map(chr, range(0x11A8, 0x11C3))}  # vowels and final consonants of Hangul
    alone: set[str] = set()
    for character in map(chr, range(0x300, 0x30000)):
        if unicodedata.combining(character):
            joined.add(character)
        parts = unicodedata.decomposition(character)
        if parts and not parts.startswith("<"):
            joined.update(chr(int(part, 16)) for part in parts.split()[1:])
            if unicodedata.normalize("NFC", character) != character:
                alone.add(character)
    return re.compile(f"[^{_ranges(joined)}]?[{_ranges(joined)}]+|[{_ranges(alone)}]")


def _ranges(characters: Iterable[str]) -> str:
    return "".join(map(re.escape, sorted(characters)))


def _pieces(run: Run, parts: Sequence[Place]) -> Iterable[str]:
    if not run.verbatim or not isinstance(parts[0], ByteRange):
        return (run.text,)
    return (run.text[place : place + _CHECKPOINT] for place in range(0, len(run.text), _CHECKPOINT))


def _measure(kind: Place, text: str) -> int:
    """Length in the original: bytes where places are bytes, or else characters."""
    return len(text.encode(kind.encoding)) if isinstance(kind, ByteRange) else len(text)
