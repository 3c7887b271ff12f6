"""One pass over texts: which are equal, and a signature of each different one."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from seodang.data.batches import in_batches, map_batches
from seodang.data.dedup.minhash import NUM_BINS, Signatures, signatures
from seodang.data.dedup.shingles import shingle_sets


@dataclass(frozen=True, slots=True)
class Sketches:
    """What is kept of texts: for text i, `first[i]` is the earliest equal one (itself, mostly). For the k-th different text, `places[k]`
    is where it stands, `digests[k]` 16 bytes of its SHA-256, `sizes[k]` its number of distinct shingles and `found[k]` its signature."""

    first: NDArray[np.int64]
    places: NDArray[np.int64]
    digests: list[bytes]
    sizes: NDArray[np.int64]
    found: Signatures

    def order(self) -> list[int]:
        """The different texts by rank: more shingles first, then by digest. It does not depend on the order of the input."""
        return sorted(range(len(self.places)), key=lambda k: (-int(self.sizes[k]), self.digests[k]))


def sketch(texts: Iterable[str], shingle_size: int, workers: int = 1) -> Sketches:
    """Reads the texts once; holds about 600 bytes of each different one."""
    known: dict[bytes, int] = {}
    first: list[int] = []

    def different() -> Iterator[str]:
        for place, text in enumerate(texts):
            digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]
            first.append(known.setdefault(digest, place))
            if first[-1] == place:
                yield text

    parts = list(map_batches(partial(_sketch_batch, shingle_size=shingle_size), in_batches(different(), len), workers))
    sizes = np.concatenate([np.zeros(0, np.int64), *(part[0] for part in parts)])
    found = np.concatenate([np.zeros((0, NUM_BINS), np.uint32), *(part[1] for part in parts)])
    return Sketches(np.asarray(first, np.int64), np.fromiter(known.values(), np.int64, len(known)), list(known), sizes, found)


def _sketch_batch(texts: list[str], shingle_size: int) -> tuple[NDArray[np.int64], Signatures]:
    sets = shingle_sets(texts, shingle_size)
    return sets.sizes, signatures(sets)
