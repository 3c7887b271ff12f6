"""A set of hashes that is asked for very many others at a time, few of which are in it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seodang.data.dedup.shingles import Hashes

_SPARSE = 32  # places of a bitmap for each hash
_LEAST_BITS, _MOST_BITS = 10, 26


@dataclass(frozen=True, slots=True)
class Lookup:
    """`hashes` are different and ascending; `high` and `low` say for the highest and the lowest bits of a hash whether any has these."""

    hashes: Hashes
    high: NDArray[np.bool_]
    low: NDArray[np.bool_]
    shift: np.uint64
    mask: np.uint64

    @staticmethod
    def of(hashes: Hashes) -> "Lookup":
        """Of hashes that are different and ascending."""
        bits = min(_MOST_BITS, max(_LEAST_BITS, int(hashes.size * _SPARSE).bit_length()))
        shift, mask = np.uint64(64 - bits), np.uint64((1 << bits) - 1)
        high, low = np.zeros(1 << bits, np.bool_), np.zeros(1 << bits, np.bool_)
        high[hashes >> shift] = True
        low[hashes & mask] = True
        return Lookup(hashes, high, low, shift, mask)

    def __len__(self) -> int:
        return self.hashes.size

    def find(self, hashes: Hashes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The places of `hashes` that are in the set, ascending, and their numbers in it."""
        if not self.hashes.size:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        places = np.flatnonzero(self.high.take((hashes >> self.shift).view(np.int64), mode="clip"))
        places = places.take(np.flatnonzero(self.low.take((hashes.take(places) & self.mask).view(np.int64), mode="clip")))
        wanted = hashes.take(places)
        numbers = np.searchsorted(self.hashes, wanted)
        numbers[numbers == self.hashes.size] = 0
        found = np.flatnonzero(self.hashes.take(numbers) == wanted)
        return places.take(found), numbers.take(found)
