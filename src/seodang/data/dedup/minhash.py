"""MinHash signatures by one permutation (Li, Owen and Zhang 2012), empty bins filled by optimal densification (Shrivastava 2017).

The sorted hashes of a set are cut into 128 bins by their highest bits; the least of a bin is the first one in it. Two sets agree in a bin
with a probability equal to their Jaccard similarity.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from seodang.data.dedup.shingles import ShingleSets

NUM_BINS = 128
_BIN_BITS = 7
_VALUE_SHIFT = np.uint64(64 - _BIN_BITS - 32)

Signatures = NDArray[np.uint32]


def signatures(sets: ShingleSets) -> Signatures:
    """One row of 128 numbers for each set, shape (num_sets, 128); all zero for an empty set."""
    bins = (sets.hashes >> np.uint64(64 - _BIN_BITS)).astype(np.uint8)
    first = np.ones(sets.hashes.size, np.bool_)
    np.not_equal(bins[1:], bins[:-1], out=first[1:])
    starts = sets.offsets[:-1]
    first[starts[sets.sizes > 0]] = True
    rows = np.repeat(np.arange(len(sets)), sets.sizes)[first]
    result = np.zeros((len(sets), NUM_BINS), np.uint32)
    filled = np.zeros((len(sets), NUM_BINS), np.bool_)
    result[rows, bins[first]] = (sets.hashes[first] >> _VALUE_SHIFT).astype(np.uint32)
    filled[rows, bins[first]] = True
    _densify(result, filled)
    return result


def _densify(result: Signatures, filled: NDArray[np.bool_]) -> None:
    """Gives each empty bin what the first filled one in its own order of the bins holds; the order is the same for all sets."""
    donors = _donors()
    rows, bins = np.nonzero(~filled & filled.any(1, keepdims=True))
    for attempt in range(NUM_BINS):
        if not rows.size:
            return
        donor = donors[attempt, bins]
        found = filled[rows, donor]
        result[rows[found], bins[found]] = result[rows[found], donor[found]]
        rows, bins = rows[~found], bins[~found]


@cache
def _donors() -> NDArray[np.intp]:
    """For each bin a fixed random order of all bins, shape (attempts, bins)."""
    draw = np.random.Generator(np.random.PCG64(20170806))
    return np.stack([draw.permutation(NUM_BINS) for _ in range(NUM_BINS)], axis=1)
