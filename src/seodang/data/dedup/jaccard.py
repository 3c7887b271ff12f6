"""Exact Jaccard similarity of texts, whose shingles are made again where they are needed and kept in a bounded space."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence

import numpy as np

from seodang.data.batches import in_batches
from seodang.data.dedup.shingles import Hashes, shingle_sets

_CACHE_BYTES = 256 << 20


def jaccard(first: Hashes, second: Hashes) -> float:
    """Shared ones / all of two sorted sets without repeats; 0 where both are empty."""
    both = np.concatenate([first, second])
    if not both.size:
        return 0.0
    both.sort()
    shared = int(np.count_nonzero(both[1:] == both[:-1]))
    return shared / (both.size - shared)


class ShingleCache:
    """The shingle sets of some of `texts`, the least recently used ones forgotten when there are more than 256 MiB of them."""

    def __init__(self, texts: Sequence[str], size: int, most_bytes: int = _CACHE_BYTES) -> None:
        self._texts, self._size, self._most_bytes = texts, size, most_bytes
        self._kept: OrderedDict[int, Hashes] = OrderedDict()
        self._bytes = 0

    def load(self, indices: Iterable[int]) -> None:
        """Makes the sets of several texts at once, which takes a third of the time of one by one."""
        missing = [index for index in indices if index not in self._kept]
        done = 0
        for batch in in_batches((self._texts[index] for index in missing), len):
            sets = shingle_sets(batch, self._size)
            for place in range(len(batch)):
                self._keep(missing[done + place], sets[place].copy())
            done += len(batch)

    def __getitem__(self, index: int) -> Hashes:
        if index not in self._kept:
            self.load([index])
        self._kept.move_to_end(index)
        return self._kept[index]

    def _keep(self, index: int, hashes: Hashes) -> None:
        self._kept[index] = hashes
        self._bytes += hashes.nbytes
        while self._bytes > self._most_bytes and len(self._kept) > 1:
            self._bytes -= self._kept.popitem(last=False)[1].nbytes
