"""All pairs of texts that are alike, by exact Jaccard, for what must not leave any out."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from seodang.data.dedup.candidates import groups, least_agreement, rows_of_a_band
from seodang.data.dedup.clusters import rivals
from seodang.data.dedup.jaccard import ShingleCache, jaccard
from seodang.data.dedup.shingles import SHINGLE_SIZE
from seodang.data.dedup.sketches import sketch

_MISS = 1e-4  # largest probability that a pair at the threshold is no candidate


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts by their places, the earlier one first, and their exact Jaccard similarity."""

    first: int
    second: int
    similarity: float


def similar_pairs(
    texts: Sequence[str],
    threshold: float,
    wanted: Callable[[int, int], bool] = lambda first, second: True,
    shingle_size: int = SHINGLE_SIZE,
) -> Iterator[Pair]:
    """Every pair at least as similar as the threshold for which `wanted` says true when its turn comes; equal texts have similarity 1.

    A pair at the threshold is missed with a probability of at most 0.0001. Time grows with the pairs that are wanted and candidates.
    """
    sketches = sketch(texts, shingle_size)
    copies: dict[int, list[int]] = {}
    for place, first in enumerate(sketches.first.tolist()):
        earlier = copies.setdefault(first, [])
        yield from (Pair(other, place, 1.0) for other in earlier if wanted(other, place))
        earlier.append(place)
    near = groups(sketches.found, sketches.sizes > 0, rows_of_a_band(threshold, _MISS))
    places = sketches.places.tolist()
    cache = ShingleCache(texts, shingle_size)
    members: list[list[int]] = [[] for _ in range(near.count)]
    least = least_agreement(threshold)
    for text in near.shared().tolist():
        for other in rivals(text, members, near, sketches.found, least):
            asked = [(a, b) for a in copies[places[other]] for b in copies[places[text]] if wanted(min(a, b), max(a, b))]
            if not asked:
                continue
            similarity = jaccard(cache[places[other]], cache[places[text]])
            if similarity >= threshold:
                yield from (Pair(min(a, b), max(a, b), similarity) for a, b in asked if wanted(min(a, b), max(a, b)))
        for group in near.of(text):
            members[group].append(text)
