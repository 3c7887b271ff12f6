"""Sets of character shingles as sorted arrays of 64-bit hashes, all texts of a batch at once.

Two different shingles have the same hash with a probability of about 2**-64, so that among 10**8 different ones 3e-4 equal pairs are to be
expected; one such pair moves a Jaccard similarity by one shingle. Everything else about a set is exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from seodang.data.dedup.folding import CJK, TABLE_SIZE, fold, kinds

Hashes = NDArray[np.uint64]
SHINGLE_SIZE = 5  # characters; a threshold means something only for the size and kind of shingles that it was chosen for

_BASE = 0x9E3779B97F4A7C15  # odd; powers of it weigh the places of a run
_MASK = (1 << 64) - 1
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_SECOND_MIX = np.uint64(0x94D049BB133111EB)


@dataclass(frozen=True, slots=True)
class ShingleSets:
    """Distinct shingles of several texts, ascending in each: text i has `hashes[offsets[i]:offsets[i + 1]]`."""

    hashes: Hashes
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> Hashes:
        return self.hashes[self.offsets[index] : self.offsets[index + 1]]

    @property
    def sizes(self) -> NDArray[np.int64]:
        return np.diff(self.offsets)


def shingle_sets(texts: Sequence[str], size: int = SHINGLE_SIZE) -> ShingleSets:
    """The runs of `size` characters of each folded text. A shorter text is one shingle, an empty one has none."""
    folded = fold(texts)
    lengths = np.diff(folded.offsets)
    values = character_values(folded.codes)
    runs = grams(values, size)
    counts = np.maximum(lengths - size + 1, np.minimum(lengths, 1))
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    hashes = np.empty(int(offsets[-1]), np.uint64)
    short = (lengths > 0) & (lengths < size)
    whole = np.repeat(~short, counts)
    hashes[whole] = runs[inside(folded.offsets, size)[: runs.size]]
    for index in np.flatnonzero(short):
        start, end = folded.offsets[index], folded.offsets[index + 1]
        hashes[offsets[index]] = grams(values[start:end], int(end - start))[0]
    bounds = offsets.tolist()
    for start, end in pairwise(bounds):
        hashes[start:end].sort()
    return _without_repeats(hashes, offsets)


def grams(values: Hashes, size: int) -> Hashes:
    """One number for each run of `size` values, shape (len(values) - size + 1,): a polynomial in a fixed base modulo 2**64.

    Runs of twice the length are made of two, so that the work grows with the logarithm of `size`.
    """
    block, length = values, 1
    whole: Hashes | None = None
    done = 0
    while size:
        if size & 1:
            whole = block if whole is None else joined(whole, done, block, length)
            done += length
        size >>= 1
        if size:
            block = joined(block, length, block, length)
            length *= 2
    if whole is None:
        raise ValueError("a run has at least one value")
    return whole


def runs(values: Hashes, starts: NDArray[np.int64]) -> Hashes:
    """One number for the run of values from each of the ascending `starts` up to the next or the end, whatever its length: equal runs
    have equal ones, wherever they stand."""
    powers, inverses = _powers(1 << max(1, int(values.size)).bit_length())
    sums = np.zeros(values.size + 1, np.uint64)
    np.cumsum(values * powers[: values.size], out=sums[1:])
    bounds = sums.take(np.append(starts, values.size))
    return (bounds[1:] - bounds[:-1]) * inverses.take(starts)


@cache
def _powers(count: int) -> tuple[Hashes, Hashes]:
    """The powers of the base and of its inverse modulo 2**64, from the zeroth on."""
    found = [np.full(count, base, np.uint64) for base in (_BASE, pow(_BASE, -1, _MASK + 1))]
    for powers in found:
        powers[0] = 1
        np.multiply.accumulate(powers, out=powers)
    return found[0], found[1]


def inside(offsets: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
    """For each place, whether a run of `size` that starts there ends in the same text; shape (offsets[-1],)."""
    marks = np.ones(int(offsets[-1]), np.bool_)
    starts, ends = offsets[:-1], offsets[1:]
    for back in range(1, size):
        places = ends - back
        marks[places[places >= starts]] = False
    return marks


def character_values(codes: NDArray[np.uint32], *wanted: int) -> Hashes:
    """A fixed 64-bit number for each code point, as if drawn at random; 0 for those that are of none of the `wanted` kinds (WORD, CJK),
    if any are named."""
    values = _character_table(wanted).take(codes.astype(np.int64), mode="clip")
    if codes.size and int(codes.max()) >= TABLE_SIZE:
        kept = not wanted or CJK in wanted
        return np.where(codes < TABLE_SIZE, values, mixed(codes) if kept else np.uint64(0))
    return values


@cache
def _character_table(wanted: tuple[int, ...]) -> Hashes:
    codes = np.arange(TABLE_SIZE, dtype=np.uint32)
    return np.where(np.isin(kinds(codes), wanted), mixed(codes), np.uint64(0)) if wanted else mixed(codes)


def mixed(values: NDArray[np.uint32] | Hashes) -> Hashes:
    """Numbers of 64 bits of which every bit depends on every bit of the value; different values stay different (splitmix64)."""
    result = values.astype(np.uint64)
    for shift, factor in ((30, _MIX), (27, _SECOND_MIX)):
        result ^= result >> np.uint64(shift)
        result *= factor
    result ^= result >> np.uint64(31)
    return result


def joined(first: Hashes, first_length: int, second: Hashes, second_length: int) -> Hashes:
    """Runs of `first_length` followed by runs of `second_length`."""
    count = max(0, len(second) - first_length)
    result = first[:count] * np.uint64(pow(_BASE, second_length, _MASK + 1))
    result += second[first_length : first_length + count]
    return result


def _without_repeats(hashes: Hashes, offsets: NDArray[np.int64]) -> ShingleSets:
    keep = np.ones(hashes.size + 1, np.bool_)
    np.not_equal(hashes[1:], hashes[:-1], out=keep[1:-1])
    keep[offsets] = True
    kept = np.zeros(hashes.size + 1, np.int64)
    np.cumsum(keep[:-1], out=kept[1:])
    return ShingleSets(hashes[keep[:-1]], kept[offsets])
