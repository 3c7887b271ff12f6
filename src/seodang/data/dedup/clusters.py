"""Duplicates of a kept text, without chaining: a text is removed only where it is like the very text that is kept in its place."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seodang.data.dedup.candidates import Groups, groups, least_agreement, rows_of_a_band
from seodang.data.dedup.jaccard import ShingleCache, jaccard
from seodang.data.dedup.minhash import NUM_BINS, Signatures
from seodang.data.dedup.shingles import SHINGLE_SIZE
from seodang.data.dedup.sketches import Sketches, sketch

_MISS = 1e-3  # largest probability that a pair at the threshold is no candidate
_AHEAD = 1024  # texts whose shingles are made at once


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Text `index` is removed for text `kept`; `similarity` is their exact Jaccard, and `exact` says that they are equal."""

    index: int
    kept: int
    similarity: float
    exact: bool


def find_duplicates(
    texts: Sequence[str],
    threshold: float = 0.8,
    shingle_size: int = SHINGLE_SIZE,
    workers: int = 1,
    comparable: Callable[[int, int], bool] = lambda first, second: True,
) -> list[Duplicate]:
    """What to remove, ascending by index; every other text is kept.

    Texts are taken by rank (more shingles first, then by digest; of equal texts the earliest). One is kept where no kept candidate is
    as similar as the threshold, and is otherwise removed for the most similar one. So no removed text is less similar to the one that
    displaced it, and no two kept texts that were candidates of each other are as similar. A pair at the threshold is no candidate with a
    probability of at most 0.001, one above it with less. Clusters are the same in any order of the input and with any number of workers.
    `texts` is read once in order, then again where texts may be alike; it may read them from a file. `comparable` says of two indices
    whether one may displace the other; equal texts are always one.
    """
    sketches = sketch(texts, shingle_size, workers)
    twins = _near(texts, sketches, threshold, shingle_size, comparable)
    firsts = {int(place): k for k, place in enumerate(sketches.places)}
    removed: list[Duplicate] = []
    for index, first in enumerate(sketches.first.tolist()):
        near = twins.get(firsts[first])
        if near is not None:
            removed.append(Duplicate(index, int(sketches.places[near[0]]), near[1], exact=False))
        elif first != index:
            removed.append(Duplicate(index, first, 1.0, exact=True))
    return removed


def _near(
    texts: Sequence[str], sketches: Sketches, threshold: float, shingle_size: int, comparable: Callable[[int, int], bool]
) -> dict[int, tuple[int, float]]:
    """For each different text that is removed, the different text that is kept for it, and their similarity."""
    near = groups(sketches.found, sketches.sizes > 0, rows_of_a_band(threshold, _MISS))
    shared = set(near.shared().tolist())
    order = [k for k in sketches.order() if k in shared]
    places = sketches.places.tolist()
    cache = ShingleCache(texts, shingle_size)
    kept: list[list[int]] = [[] for _ in range(near.count)]
    twins: dict[int, tuple[int, float]] = {}
    least = least_agreement(threshold)
    rank = {text: number for number, text in enumerate(order)}
    for number, text in enumerate(order):
        if number % _AHEAD == 0:
            cache.load(places[other] for other in order[number : number + _AHEAD])
        best, twin = threshold, -1
        for other in sorted(rivals(text, kept, near, sketches.found, least), key=rank.__getitem__):
            if sketches.sizes[text] < best * sketches.sizes[other] or not comparable(places[text], places[other]):
                continue  # so much smaller a set cannot be as similar
            similarity = jaccard(cache[places[text]], cache[places[other]])
            if similarity > best or (similarity == best and twin < 0):
                best, twin = similarity, other
        if twin >= 0:
            twins[text] = (twin, best)
        else:
            for group in near.of(text):
                kept[group].append(text)
    return twins


def rivals(text: int, members: list[list[int]], near: Groups, found: Signatures, least: int) -> list[int]:
    """The members of the text's groups whose signatures agree with its own in at least `least` numbers, as the members are ordered."""
    others = list(dict.fromkeys(other for group in near.of(text) for other in members[group]))
    if not others:
        return []
    agree: NDArray[np.int64] = (found[others] == found[text]).sum(1)
    assert found.shape[1] == NUM_BINS
    return [other for other, count in zip(others, agree.tolist(), strict=True) if count >= least]
