"""The ids of a ragged target in few bytes.

Entries stand in groups within which their order means nothing, so that a group's ids can be sorted and only the gaps between them kept:
that saves the logarithm of the number of orders. Ids that come up often are numbered first, where the list of numbers pays for itself.
"""

import numpy as np

from seodang.distill.targets import columns


def pack_ids(ids: np.ndarray, sizes: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Columns of the ids (N,), whose groups have `sizes` (G,); and the order (N,) into which they were put, within their groups.

    The ids of a group differ.
    """
    groups = np.repeat(np.arange(len(sizes)), sizes)
    distinct, places, counts = np.unique(ids, return_inverse=True, return_counts=True)
    often_first = np.argsort(-counts, kind="stable")
    numbers = np.empty(len(distinct), np.int64)
    numbers[often_first] = np.arange(len(distinct))
    plain, plain_order = _gaps(ids.astype(np.int64), groups)
    numbered, numbered_order = _gaps(numbers[places], groups)
    by_id = {"gaps": columns.pack(plain), "numbers": np.zeros(0, np.uint8)}
    by_number = {"gaps": columns.pack(numbered), "numbers": columns.pack(_fold(np.diff(distinct[often_first], prepend=0)))}
    if _size(by_number) < _size(by_id):
        return by_number, numbered_order
    return by_id, plain_order


def unpack_ids(packed: dict[str, np.ndarray], sizes: np.ndarray) -> np.ndarray:
    """The ids (N,) in the order of `pack_ids`, of groups of `sizes` (G,)."""
    steps = columns.unpack(packed["gaps"])
    sizes = sizes[sizes > 0]
    starts = np.cumsum(sizes) - sizes
    steps += 1
    steps[starts] -= 1
    sums = np.cumsum(steps)
    sums -= np.repeat(sums[starts] - steps[starts], sizes)
    if len(packed["numbers"]):
        return np.take(np.cumsum(_unfold(columns.unpack(packed["numbers"]))), sums)
    return sums


def running_sum(steps: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The sum of the steps (N,) so far, begun anew at each `first` (N,) bool, of which the first is true."""
    sums = np.cumsum(steps)
    starts = np.flatnonzero(first)
    return sums - np.repeat(sums[starts] - steps[starts], np.diff(starts, append=len(steps)))


def row_starts(kept: np.ndarray) -> np.ndarray:
    """True at the first entry of each position that keeps any, (N,) bool, from the numbers of entries (T,)."""
    first = np.zeros(int(kept.sum()), bool)
    first[(np.cumsum(kept) - kept)[kept > 0]] = True
    return first


def _gaps(values: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What lies between a group's neighbours, sorted, and the order of sorting. A group's first value is kept as it is."""
    order = np.lexsort((values, groups))
    values, groups = values[order], groups[order]
    first = np.diff(groups, prepend=-1) != 0
    return np.where(first, values, np.diff(values, prepend=0) - 1), order


def _fold(values: np.ndarray) -> np.ndarray:
    """Signed integers as ones that are not: 0, -1, 1, -2 and so on become 0, 1, 2, 3."""
    return np.where(values < 0, -2 * values - 1, 2 * values)


def _unfold(values: np.ndarray) -> np.ndarray:
    return np.where(values & 1, -(values + 1) // 2, values // 2)


def _size(packed: dict[str, np.ndarray]) -> int:
    return sum(len(column) for column in packed.values())
