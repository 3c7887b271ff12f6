"""Several tests at once: p values corrected so that one false finding among all of them stays unlikely."""

from collections.abc import Sequence


def holm(ps: Sequence[float]) -> list[float]:
    """Corrected p values, in the order of `ps`: at most a share `a` of families has a true hypothesis with a corrected p below `a`,
    whatever hangs together among the tests.

    Source: Holm 1979, Scand. J. Stat. 6:65. The smallest p is multiplied by how many there are, the next by one fewer, and so on;
    none becomes smaller than the one before it, or larger than 1. ValueError for a p outside of 0..1.
    """
    if not all(0 <= p <= 1 for p in ps):
        raise ValueError(f"p values lie between 0 and 1: {list(ps)}")
    corrected = [0.0] * len(ps)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(ps)), key=lambda place: ps[place])):
        largest = max(largest, min(1.0, (len(ps) - rank) * ps[place]))
        corrected[place] = largest
    return corrected
