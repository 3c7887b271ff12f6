"""The n-grams of an exam, to be looked up many at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seodang.data.contamination.answer_keys import AnswerKeys, answer_keys
from seodang.data.contamination.streams import CHARACTERS, GRAM_SIZE, WORDS, cut, main_streams
from seodang.data.dedup.shingles import Hashes

_COMMON = 10  # items; an n-gram of more of them is how exams speak, not what they ask
_COMMON_SHARE = 0.01
_SPARSE = 32  # places of the bitmap for each n-gram


@dataclass(frozen=True, slots=True)
class ExamItem:
    """A question as it is put, with its options if it has some, and its answer if that is known."""

    question: str
    answer: str = ""


@dataclass(frozen=True, slots=True)
class GramTable:
    """The n-grams of the items of one stream: `hashes` ascending, gram i stands in `items[offsets[i]:offsets[i + 1]]`.

    `marks` says for the highest bits of a hash whether any n-gram has them. `num_grams` and `num_tokens` are per item of the exam.
    """

    stream: str
    hashes: Hashes
    offsets: NDArray[np.int64]
    items: NDArray[np.int64]
    marks: NDArray[np.bool_]
    shift: np.uint64
    num_grams: NDArray[np.int64]
    num_tokens: NDArray[np.int64]

    def find(self, hashes: Hashes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The places of `hashes` that are in the table, and the numbers of their n-grams."""
        if not self.hashes.size:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        places = np.flatnonzero(self.marks.take((hashes >> self.shift).view(np.int64), mode="clip"))
        numbers = np.searchsorted(self.hashes, hashes[places])
        numbers[numbers == self.hashes.size] = 0
        found = self.hashes[numbers] == hashes[places]
        return places[found], numbers[found]


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
        grams, ends_inside = tokens.grams()
        owners = np.repeat(np.arange(len(items)), np.diff(tokens.offsets))[: grams.size]
        mine = np.asarray([stream == name for stream in chosen], np.bool_)
        keep = ends_inside & mine[owners]
        lengths = np.diff(tokens.offsets)
        too_short += np.flatnonzero(mine & (lengths < GRAM_SIZE[name])).tolist()
        tables.append(_table(name, grams[keep], owners[keep], lengths))
    return ExamIndex(len(items), tuple(tables), answer_keys([(item.question, item.answer) for item in items]), tuple(sorted(too_short)))


def _table(stream: str, grams: Hashes, owners: NDArray[np.int64], lengths: NDArray[np.int64]) -> GramTable:
    order = np.lexsort((owners, grams))
    grams, owners = grams[order], owners[order]
    fresh = np.ones(grams.size, np.bool_)
    fresh[1:] = (grams[1:] != grams[:-1]) | (owners[1:] != owners[:-1])
    grams, owners = _without_common(grams[fresh], owners[fresh], len(lengths))
    hashes, counts = np.unique(grams, return_counts=True)
    bits = max(10, int(np.ceil(np.log2(max(1, hashes.size) * _SPARSE))))
    shift = np.uint64(64 - min(bits, 26))
    marks = np.zeros(1 << min(bits, 26), np.bool_)
    marks[hashes >> shift] = True
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    return GramTable(stream, hashes, offsets, owners, marks, shift, np.bincount(owners, minlength=len(lengths)), lengths)


def _without_common(grams: Hashes, owners: NDArray[np.int64], num_items: int) -> tuple[Hashes, NDArray[np.int64]]:
    """Leaves out the n-grams of very many items, but for an item of which they are more than half."""
    if not grams.size:
        return grams, owners
    _, back, counts = np.unique(grams, return_inverse=True, return_counts=True)
    common = counts[back] > max(_COMMON, _COMMON_SHARE * num_items)
    share = np.bincount(owners, common, minlength=num_items) / np.maximum(np.bincount(owners, minlength=num_items), 1)
    keep = ~common | (share[owners] > 0.5)
    return grams[keep], owners[keep]
