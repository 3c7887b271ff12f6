"""Items that were translated or written anew: they share their numbers, the order of their options and their answer, in any language.

A question without several numbers has no such key, and its translation is not found.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from seodang.data.contamination.numbers import canonical_numbers, chosen_option, split_options
from seodang.data.dedup.folding import Folded

LEAST_NUMBERS = 4  # of question and answer together, from which a key says something
LEAST_LONG = 2  # of them, different ones of two or more digits
CERTAIN_NUMBERS = 8  # from which equal keys are no coincidence
_MYRIADS = np.asarray([ord(unit) for unit in "백천만억조"], np.uint32)


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """The numbers of a question but for 1 (`a minute` is `1분` elsewhere), ascending, those of each option in order, and the answer's last
    number or the number of its option."""

    numbers: tuple[Decimal, ...]
    options: tuple[tuple[Decimal, ...], ...]
    answer: Decimal | None

    @property
    def anchor(self) -> int:
        """The integer part of the largest number: a text without it cannot have the same key."""
        return int(max(self.numbers))


@dataclass(frozen=True, slots=True)
class AnswerKeys:
    """The keys of the items that have one, by their anchors."""

    by_anchor: dict[int, tuple[tuple[int, AnswerKey], ...]]
    anchors: NDArray[np.int64]
    most_numbers: int


@dataclass(frozen=True, slots=True)
class KeyMatch:
    """An item whose key a row shares: how many numbers are equal, and whether the answer and the order of the options are."""

    item: int
    num_numbers: int
    same_answer: bool
    same_order: bool

    @property
    def certain(self) -> bool:
        return self.same_answer and self.same_order and self.num_numbers >= CERTAIN_NUMBERS


def answer_key(question: str, answer: str) -> AnswerKey:
    """The key of a question and its answer; it may be too common to say anything (`is_telling`)."""
    stem, options = split_options(question)
    by_option = tuple(tuple(canonical_numbers(option)) for option in options)
    numbers = [number for part in (tuple(canonical_numbers(stem)), *by_option) for number in part if number != 1]
    choice = chosen_option(answer)
    said = by_option[choice] if choice is not None and choice < len(by_option) else tuple(canonical_numbers(answer))
    last = said[-1] if said else Decimal(choice) if choice is not None else None
    return AnswerKey(tuple(sorted(numbers)), by_option, last)


def is_telling(key: AnswerKey) -> bool:
    """Whether a key has enough numbers, and long ones among them, to be looked for."""
    found = [*key.numbers, *([] if key.answer is None else [key.answer])]
    return len(found) >= LEAST_NUMBERS and len({number for number in key.numbers if number >= 10}) >= LEAST_LONG


def answer_keys(items: Sequence[tuple[str, str]]) -> AnswerKeys:
    """The telling keys of questions and answers."""
    found: dict[int, list[tuple[int, AnswerKey]]] = {}
    most = 0
    for number, (question, answer) in enumerate(items):
        key = answer_key(question, answer)
        if is_telling(key):
            found.setdefault(key.anchor, []).append((number, key))
            most = max(most, len(key.numbers))
    anchors = np.asarray(sorted(anchor for anchor in found if anchor < 2**62), np.int64)
    return AnswerKeys({anchor: tuple(keys) for anchor, keys in found.items()}, anchors, most)


def same_keys(question: str, answer: str, keys: AnswerKeys) -> list[KeyMatch]:
    """The items whose numbers are those of the row's question, and whose answer is not another than the row's. For a row that is one text
    (no question), the item's numbers stand in it and are at least half of its numbers."""
    mine = answer_key(question, answer) if question else answer_key(answer, "")
    counts = Counter(mine.numbers)
    found: list[KeyMatch] = []
    for anchor in {int(number) for number in mine.numbers}:
        for item, key in keys.by_anchor.get(anchor, ()):
            wanted = Counter(key.numbers)
            same = counts == wanted if question else counts >= wanted and 2 * len(key.numbers) >= len(mine.numbers)
            last = mine.answer if question else (key.answer if key.answer in counts else None)
            if not same or (last is not None and key.answer is not None and last != key.answer):
                continue
            answered = last is not None and last == key.answer
            found.append(KeyMatch(item, len(key.numbers) + answered, answered, key.options == mine.options or not question))
    return [match for match in found if match.num_numbers >= LEAST_NUMBERS]


def with_anchors(folded: Folded, keys: AnswerKeys) -> NDArray[np.bool_]:
    """For each text, whether a run of its digits is some key's anchor, or a Korean unit follows a digit: the others need no closer look."""
    codes, offsets = folded.codes, folded.offsets
    result = np.zeros(len(offsets) - 1, np.bool_)
    places = np.flatnonzero(codes - np.uint32(ord("0")) < 10)  # modulo 2**32, so that what is less than "0" is large
    if not keys.by_anchor or not places.size:
        return result
    owners = np.searchsorted(offsets, places, side="right") - 1
    following = codes[np.minimum(places + 1, codes.size - 1)]
    result[owners[np.isin(following, _MYRIADS)]] = True
    gap = np.diff(places, prepend=-9)
    opens = ~((gap == 1) | ((gap == 2) & (codes[places - 1] == ord(","))))
    opens[1:] |= owners[1:] != owners[:-1]
    first = np.flatnonzero(opens)
    sizes = np.diff(first, append=places.size)
    power = np.repeat(first + sizes, sizes) - 1 - np.arange(places.size)
    values = (codes[places] - np.uint32(ord("0"))).astype(np.int64) * 10 ** np.minimum(power, 17)
    runs = np.add.reduceat(values, first)
    result[owners[first[np.isin(runs, keys.anchors) | (sizes > 17)]]] = True
    return result
