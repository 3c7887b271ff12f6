"""Train, validation and test by what records have in common: near duplicates and records of one source never part."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from seodang.core.errors import InputError, VerificationError
from seodang.data.dedup.pairs import similar_pairs

DEFAULT_SIMILARITY = 0.6  # lower than what is removed as a duplicate: texts of two splits are less alike than texts that are kept


@dataclass(frozen=True, slots=True)
class SplitItem:
    """A record's text and the ids of the documents (or passages, or records) that it was made from."""

    text: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Leak:
    """Two items of different splits that share a source, or are as similar as the threshold (`similarity`, exact Jaccard)."""

    first: int
    second: int
    reason: Literal["source", "near"]
    source: str = ""
    similarity: float = 0.0


def assign_splits(
    items: Sequence[SplitItem], ratios: Mapping[str, float], similarity: float = DEFAULT_SIMILARITY, salt: str = ""
) -> list[str]:
    """The split of each item. Items that are near duplicates or share a source are one component, also by way of others, and a component
    goes to one split, drawn by the hash of its least text: the same in any order of the items. `ratios` are shares of components, so that a
    large component makes a split larger than its ratio. InputError for ratios that are no shares.
    """
    return draw_splits(items, components(items, similarity), ratios, salt)


def draw_splits(items: Sequence[SplitItem], component: Sequence[int], ratios: Mapping[str, float], salt: str = "") -> list[str]:
    """The same for items whose components are known."""
    if not ratios or min(ratios.values()) < 0 or not sum(ratios.values()):
        raise InputError("the ratios of splits must be positive numbers", hint='for instance {"train": 0.9, "test": 0.1}')
    ids = [hashlib.sha256(f"{salt}\0{item.text}".encode("utf-8", "surrogatepass")).hexdigest() for item in items]
    least: dict[int, str] = {}
    for place, root in enumerate(component):
        least[root] = min(ids[place], least.get(root, ids[place]))
    drawn = {root: _draw(text_id, ratios) for root, text_id in least.items()}
    return [drawn[root] for root in component]


def components(items: Sequence[SplitItem], similarity: float = DEFAULT_SIMILARITY) -> list[int]:
    """For each item the first item of its component: all that near duplicates and shared sources connect."""
    parent = list(range(len(items)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    def join(first: int, second: int) -> None:
        low, high = sorted((root(first), root(second)))
        parent[high] = low

    owner: dict[str, int] = {}
    for place, item in enumerate(items):
        for source in item.sources:
            join(owner.setdefault(source, place), place)
    for pair in similar_pairs([item.text for item in items], similarity, lambda first, second: root(first) != root(second)):
        join(pair.first, pair.second)
    return [root(place) for place in range(len(items))]


def leaks(items: Sequence[SplitItem], splits: Sequence[str], similarity: float = DEFAULT_SIMILARITY) -> list[Leak]:
    """What two different splits share: all pairs of near duplicates, and for each source one pair of every two splits. It does not use how
    the splits were made."""
    found: list[Leak] = []
    holders: dict[str, dict[str, int]] = {}
    for place, (item, split) in enumerate(zip(items, splits, strict=True)):
        for source in dict.fromkeys(item.sources):
            here = holders.setdefault(source, {})
            if split not in here:
                found += [Leak(other, place, "source", source) for other in here.values()]
                here[split] = place
    pairs = similar_pairs([item.text for item in items], similarity, lambda first, second: splits[first] != splits[second])
    found += [Leak(pair.first, pair.second, "near", similarity=pair.similarity) for pair in pairs]
    return found


def require_no_leak(items: Sequence[SplitItem], splits: Sequence[str], similarity: float = DEFAULT_SIMILARITY) -> None:
    """VerificationError, naming the first leak, where two splits share something."""
    found = leaks(items, splits, similarity)
    if found:
        first = found[0]
        what = f"the source {first.source}" if first.reason == "source" else f"{first.similarity:.3f} of their shingles"
        raise VerificationError(
            f"{len(found)} leaks between splits: items {first.first} and {first.second} share {what}",
            hint="make the splits with assign_splits, at the same similarity",
        )


def _draw(text_id: str, ratios: Mapping[str, float]) -> str:
    """The split in whose share of [0, 1) the hash of the id falls: the id itself is the least of several, so that it would fall low."""
    point = Fraction(int(hashlib.sha256(text_id.encode()).hexdigest()[:16], 16), 1 << 64) * sum(map(Fraction, ratios.values()))
    edge = Fraction(0)
    for name, ratio in ratios.items():
        edge += Fraction(ratio)
        if point < edge:
            return name
    return [name for name, ratio in ratios.items() if ratio > 0][-1]
