"""Texts that may be alike: those whose signatures agree in all rows of some band (locality-sensitive hashing)."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seodang.data.dedup.minhash import NUM_BINS, Signatures
from seodang.data.dedup.shingles import grams, mixed

_MOST_ROWS = 16
_SPREAD = 5.0  # standard deviations below the threshold at which an estimate rules a pair out: 3e-7 of the pairs at the threshold


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of two or more texts that share a band: text i is in `numbers[offsets[i]:offsets[i + 1]]`, none for most texts."""

    numbers: NDArray[np.int64]
    offsets: NDArray[np.int64]
    count: int

    def of(self, text: int) -> list[int]:
        return self.numbers[self.offsets[text] : self.offsets[text + 1]].tolist()

    def shared(self) -> NDArray[np.int64]:
        """The texts that are in some group, ascending."""
        return np.flatnonzero(np.diff(self.offsets))


def rows_of_a_band(threshold: float, miss: float) -> int:
    """The most rows with which a pair at the threshold is in no common group with a probability of at most `miss`."""
    for rows in range(_MOST_ROWS, 1, -1):
        if (1 - threshold**rows) ** (NUM_BINS // rows) <= miss:
            return rows
    return 1


def least_agreement(threshold: float) -> int:
    """Of the 128 numbers of two signatures, how many must agree for the pair to be looked at exactly."""
    return max(1, math.floor(NUM_BINS * threshold - _SPREAD * math.sqrt(NUM_BINS * threshold * (1 - threshold))))


def groups(found: Signatures, usable: NDArray[np.bool_], rows: int) -> Groups:
    """Groups by bands of `rows` rows, of the texts that are `usable` (not empty)."""
    places = np.flatnonzero(usable)
    texts: list[NDArray[np.int64]] = []
    numbers: list[NDArray[np.int64]] = []
    count = 0
    for band in range(NUM_BINS // rows):
        keys = grams(mixed(np.ascontiguousarray(found[places, band * rows : (band + 1) * rows].T)), rows)[0]
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        opens = np.ones(ordered.size + 1, np.bool_)
        np.not_equal(ordered[1:], ordered[:-1], out=opens[1:-1])
        alone = opens[:-1] & opens[1:]
        number = np.cumsum(opens[:-1] & ~alone)
        texts.append(places[order[~alone]])
        numbers.append(number[~alone] + (count - 1))
        count += int(number[-1]) if number.size else 0
    text = np.concatenate(texts)
    order = np.argsort(text, kind="stable")
    offsets = np.zeros(len(found) + 1, np.int64)
    np.cumsum(np.bincount(text, minlength=len(found)), out=offsets[1:])
    return Groups(np.concatenate(numbers)[order], offsets, count)
