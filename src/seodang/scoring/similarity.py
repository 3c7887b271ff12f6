"""How alike two short texts are in their wording."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seodang.scoring.text_match import normalise


def trigrams(text: str) -> frozenset[str]:
    """The runs of three characters in the normalised text, with a space before its first and after its last word."""
    padded = f" {normalise(text)} "
    return frozenset(padded[start : start + 3] for start in range(len(padded) - 2))


def nearest(texts: Sequence[str], others: Sequence[str]) -> list[tuple[int, float]]:
    """For each text, the index of the most similar of `others` and that similarity in 0..1; the first one where several are.

    Similarity is the Jaccard index of the sets of character trigrams: shared ones / all of both. ValueError for no others.
    """
    if not others:
        raise ValueError("there is nothing to compare with")
    numbers: dict[str, list[int]] = {}
    sizes = np.empty(len(others))
    for number, other in enumerate(others):
        found = trigrams(other)
        sizes[number] = len(found)
        for trigram in found:
            numbers.setdefault(trigram, []).append(number)
    holders = {trigram: np.asarray(rows) for trigram, rows in numbers.items()}
    return [_nearest_one(trigrams(text), holders, sizes) for text in texts]


def _nearest_one(found: frozenset[str], holders: dict[str, NDArray[np.int_]], sizes: NDArray[np.float64]) -> tuple[int, float]:
    """`holders` has, for each trigram, the texts that hold it; `sizes` how many trigrams each text has, shape (num_others,)."""
    rows = [holders[trigram] for trigram in found if trigram in holders]
    shared = np.bincount(np.concatenate(rows), minlength=sizes.size) if rows else np.zeros(sizes.size)
    similarity = shared / np.maximum(sizes + len(found) - shared, 1)
    best = int(similarity.argmax())
    return best, float(similarity[best])
