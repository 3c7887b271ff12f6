"""Items that were translated or written anew: they share their numbers, the order of their options and their answer, in any language.

A question without several numbers has no such key, and its translation is not found.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from seodang.data.contamination.numbers import canonical_numbers, chosen_option, least_numbers, split_options
from seodang.data.dedup.folding import Folded, owners_of

LEAST_NUMBERS = 4  # of question and answer together, from which a key says something
LEAST_LONG = 2  # of them, different ones of two or more digits
CERTAIN_NUMBERS = 8  # from which equal keys are no coincidence
_TOO_LONG = 10**17
_UNITS = tuple(map(ord, "백천만억조"))


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """The numbers of a question but for 1 (`a minute` is `1분` elsewhere), ascending, those of each option in order, and the answer's last
    number or the number of its option."""

    numbers: tuple[Decimal, ...]
    options: tuple[tuple[Decimal, ...], ...]
    answer: Decimal | None

    @property
    def whole_numbers(self) -> Counter[int]:
        """The integer parts from 2 to seventeen digits and how often they occur: a text without all of them cannot have the same key."""
        return Counter(int(number) for number in self.numbers if 2 <= number < _TOO_LONG)


@dataclass(frozen=True, slots=True)
class AnswerKeys:
    """The telling keys with their items. `whole_numbers`, ascending, are those of all keys: number i is one of the keys
    `holders[offsets[i]:offsets[i + 1]]`, and as often as `needed` says at the same places; `num_whole` is how many different ones each
    key has."""

    keys: tuple[tuple[int, AnswerKey], ...]
    whole_numbers: NDArray[np.int64]
    offsets: NDArray[np.int64]
    holders: NDArray[np.int64]
    needed: NDArray[np.int64]
    num_whole: NDArray[np.int64]


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
    return len(found) >= LEAST_NUMBERS and sum(number >= 10 for number in key.whole_numbers) >= LEAST_LONG


def answer_keys(items: Sequence[tuple[str, str]]) -> AnswerKeys:
    """The telling keys of questions and answers."""
    found = [(item, answer_key(question, answer)) for item, (question, answer) in enumerate(items)]
    keys = tuple((item, key) for item, key in found if is_telling(key))
    held = sorted((number, place, times) for place, (_, key) in enumerate(keys) for number, times in key.whole_numbers.items())
    numbers, counts = np.unique(np.asarray([number for number, _, _ in held], np.int64), return_counts=True)
    return AnswerKeys(
        keys,
        numbers,
        np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]),
        np.asarray([place for _, place, _ in held], np.int64),
        np.asarray([times for _, _, times in held], np.int64),
        np.asarray([len(key.whole_numbers) for _, key in keys], np.int64),
    )


def same_keys(question: str, answer: str, keys: Sequence[tuple[int, AnswerKey]]) -> list[KeyMatch]:
    """The items whose numbers are those of the row's question, and whose answer is not another than the row's. For a row that is one text
    (no question), the item's numbers stand in it and are at least half of its numbers."""
    most = max(len(key.numbers) for _, key in keys) if keys else 0
    if not question and least_numbers(answer) > 2 * most:
        return []
    mine = answer_key(question, answer) if question else answer_key(answer, "")
    counts = Counter(mine.numbers)
    found: list[KeyMatch] = []
    for item, key in keys:
        wanted = Counter(key.numbers)
        same = counts == wanted if question else counts >= wanted and 2 * len(key.numbers) >= len(mine.numbers)
        last = mine.answer if question else (key.answer if key.answer in counts else None)
        if not same or (last is not None and key.answer is not None and last != key.answer):
            continue
        answered = last is not None and last == key.answer
        found.append(KeyMatch(item, len(key.numbers) + answered, answered, key.options == mine.options or not question))
    return [match for match in found if match.num_numbers >= LEAST_NUMBERS]


def possible_keys(folded: Folded, keys: AnswerKeys) -> dict[int, list[tuple[int, AnswerKey]]]:
    """For each text that may have some key, the keys of which it has all whole numbers as often: a quick look that misses none. All of
    them for a text in which a number is written with a Korean unit or as LaTeX does."""
    if not keys.keys or not folded.codes.size:
        return {}
    codes = np.concatenate([folded.codes, np.zeros(4, np.uint32)])
    digit = codes - np.uint32(ord("0")) < 10  # modulo 2**32, so that what is less than "0" is large
    places = np.flatnonzero(digit)
    owners = owners_of(places, folded.offsets)
    following, second = codes[places + 1], codes[places + 2]
    latex = ((following == ord("{")) | (following == ord("\\"))) & (second == ord(","))
    closer = set(owners[latex | np.logical_or.reduce([following == unit for unit in _UNITS])].tolist())
    result = {text: list(keys.keys) for text in closer}
    runs, first = _integers(codes, digit, places, owners)
    numbers = np.searchsorted(keys.whole_numbers, runs)
    numbers[numbers == keys.whole_numbers.size] = 0
    hits = np.flatnonzero(keys.whole_numbers[numbers] == runs)
    counts = np.diff(keys.offsets)[numbers[hits]]
    spread = np.repeat(hits, counts)
    within = np.arange(spread.size) - np.repeat(np.cumsum(counts) - counts, counts)
    places_of_holders = keys.offsets[numbers[spread]] + within
    met, found = np.unique_counts(owners[first[spread]] * len(keys.holders) + places_of_holders)
    met = met[found >= keys.needed[met % len(keys.holders)]]
    pairs, times = np.unique_counts(met // len(keys.holders) * len(keys.keys) + keys.holders[met % len(keys.holders)])
    for pair in pairs[times == keys.num_whole[pairs % len(keys.keys)]].tolist():
        text, key = divmod(pair, len(keys.keys))
        if text not in closer:
            result.setdefault(text, []).append(keys.keys[key])
    return result


def _integers(
    codes: NDArray[np.uint32], digit: NDArray[np.bool_], places: NDArray[np.int64], owners: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The value of each run of digits (commas before three digits are inside of one), and which of `places` it begins at."""
    gap = np.diff(places, prepend=-9)
    thousands = (gap == 2) & (codes[places - 1] == ord(",")) & digit[places + 1] & digit[places + 2] & ~digit[places + 3]
    opens = ~((gap == 1) | thousands)
    opens[1:] |= owners[1:] != owners[:-1]
    first = np.flatnonzero(opens)
    sizes = np.diff(first, append=places.size)
    power = np.repeat(first + sizes, sizes) - 1 - np.arange(places.size)
    values = (codes[places] - np.uint32(ord("0"))).astype(np.int64) * 10 ** np.minimum(power, 17)
    runs = np.add.reduceat(values, first) if places.size else values
    runs[sizes > 17] = -1
    return runs, first
