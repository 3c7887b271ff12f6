"""The n-grams of an exam, to be looked up many at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seodang.data.contamination.answer_keys import AnswerKeys, answer_keys
from seodang.data.contamination.lookup import Lookup
from seodang.data.contamination.streams import CHARACTERS, GRAM_SIZE, LEAST_RUN, WORDS, Tokens, cut, longer, main_streams
from seodang.data.dedup.shingles import Hashes, inside

_COMMON = 10  # items; an n-gram of more of them is how exams speak, not what they ask
_COMMON_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class ExamItem:
    """A question as it is put, with its options if it has some, and its answer if that is known."""

    question: str
    answer: str = ""


@dataclass(frozen=True, slots=True)
class GramTable:
    """The n-grams of the items of one stream: gram i of `grams` stands in `items[offsets[i]:offsets[i + 1]]`.

    `num_grams` and `num_tokens` are per item of the exam. `runs` are the runs of LEAST_RUN tokens of the items, and the n-grams of the
    items that are shorter than that: a text that has none of them, and is no shorter itself, shares no wording of that length.
    """

    stream: str
    grams: Lookup
    offsets: NDArray[np.int64]
    items: NDArray[np.int64]
    num_grams: NDArray[np.int64]
    num_tokens: NDArray[np.int64]
    runs: tuple[tuple[int, Lookup], ...]

    def find(self, tokens: Tokens) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where n-grams of the table begin, as ascending tokens, and their numbers, in the texts in which a match is possible."""
        size = GRAM_SIZE[self.stream]
        hashes = tokens.grams()
        lengths = np.diff(tokens.offsets)
        near = (lengths >= size) & (lengths < LEAST_RUN[self.stream])
        for length, lookup in self.runs:
            places, _ = lookup.find(longer(hashes, size, length))
            near[tokens.texts_at(places)] = True
        texts = np.flatnonzero(near)
        starts, counts = tokens.offsets[texts], np.maximum(lengths[texts] - size + 1, 0)
        if not texts.size:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        parts = [hashes[start : start + count] for start, count in zip(starts.tolist(), counts.tolist(), strict=True)]
        places, numbers = self.grams.find(np.concatenate(parts))
        ends = np.cumsum(counts)
        return places + (starts - ends + counts)[np.searchsorted(ends, places, side="right")], numbers


@dataclass(frozen=True, slots=True)
class ExamIndex:
    """All of an exam that a scan needs. `too_short` are the items with too few letters for an n-gram: only their
    answer keys are looked for."""

    num_items: int
    tables: tuple[GramTable, ...]
    keys: AnswerKeys
    too_short: tuple[int, ...]


def build_index(items: Sequence[ExamItem]) -> ExamIndex:
    """The index of all items. Memory and time grow with the exam's characters."""
    whole = cut([item.question for item in items])
    chosen = main_streams(whole)
    tables: list[GramTable] = []
    too_short: list[int] = []
    for name in (CHARACTERS, WORDS):
        tokens = whole.streams[name]
        mine = np.asarray([stream == name for stream in chosen], np.bool_)
        too_short += np.flatnonzero(mine & (np.diff(tokens.offsets) < GRAM_SIZE[name])).tolist()
        tables.append(_table(tokens, mine))
    return ExamIndex(len(items), tuple(tables), answer_keys([(item.question, item.answer) for item in items]), tuple(sorted(too_short)))


def _table(tokens: Tokens, mine: NDArray[np.bool_]) -> GramTable:
    """Of the items that are `mine`."""
    lengths = np.diff(tokens.offsets)
    size, least_run = GRAM_SIZE[tokens.name], LEAST_RUN[tokens.name]
    hashes, owners = _grams_of(tokens, size, mine)
    different, counts = np.unique(hashes, return_counts=True)
    runs = ((least_run, mine & (lengths >= least_run)), (size, mine & (lengths < least_run)))
    lookups = [(length, Lookup.of(np.unique(_grams_of(tokens, length, chosen)[0]))) for length, chosen in runs]
    return GramTable(
        stream=tokens.name,
        grams=Lookup.of(different),
        offsets=np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]),
        items=owners,
        num_grams=np.bincount(owners, minlength=len(lengths)),
        num_tokens=lengths,
        runs=tuple((length, lookup) for length, lookup in lookups if len(lookup)),
    )


def _grams_of(tokens: Tokens, size: int, chosen: NDArray[np.bool_]) -> tuple[Hashes, NDArray[np.int64]]:
    """The different runs of `size` tokens of each chosen text as ascending hashes, without common ones, and the text that each is of."""
    hashes = longer(tokens.grams(), GRAM_SIZE[tokens.name], size)
    owners = np.repeat(np.arange(chosen.size), np.diff(tokens.offsets))[: hashes.size]
    keep = inside(tokens.offsets, size)[: hashes.size] & chosen[owners]
    hashes, owners = hashes[keep], owners[keep]
    order = np.lexsort((owners, hashes))
    hashes, owners = hashes[order], owners[order]
    fresh = np.ones(hashes.size, np.bool_)
    fresh[1:] = (hashes[1:] != hashes[:-1]) | (owners[1:] != owners[:-1])
    return _without_common(hashes[fresh], owners[fresh], chosen.size)


def _without_common(hashes: Hashes, owners: NDArray[np.int64], num_items: int) -> tuple[Hashes, NDArray[np.int64]]:
    """Leaves out the n-grams of very many items, but for an item of which they are more than half."""
    if not hashes.size:
        return hashes, owners
    _, back, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    common = counts[back] > max(_COMMON, _COMMON_SHARE * num_items)
    share = np.bincount(owners, common, minlength=num_items) / np.maximum(np.bincount(owners, minlength=num_items), 1)
    keep = ~common | (share[owners] > 0.5)
    return hashes[keep], owners[keep]
