"""Which records people look at, and how many: a stratified sample for an interval of a given width, and acceptance sampling.

Sources: Cochran 1977, Sampling Techniques, chapters 4 and 5; ISO 2859 and Montgomery, Statistical Quality Control, for (n, c) plans.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, comb, fsum
from typing import Any

_MAX_PLAN = 100_000


@dataclass(frozen=True, slots=True)
class Stratum:
    """Records of one outcome, deciding check and kind: how many there are and how many of them are drawn."""

    outcome: str
    check: str
    kind: str
    size: int
    drawn: int

    @property
    def name(self) -> str:
        return f"{self.outcome}/{self.check or 'all checks'}/{self.kind}"


@dataclass(frozen=True, slots=True)
class AcceptancePlan:
    """Look at `n` records and accept the lot where at most `c` of them are wrong, with the risks that this has."""

    n: int
    c: int
    producer_risk: float  # of refusing a lot that is as good as agreed
    consumer_risk: float  # of accepting one that is as bad as must be refused


def sample_size(population: int, half_width: float, share: float = 0.5, z: float = 1.96) -> int:
    """Records to draw of `population` so that the 95 % interval of a share is at most `half_width` to each side, with the correction
    for a finite population."""
    if not 0 < half_width < 1 or not 0 < share < 1:
        raise ValueError(f"a half width and a share lie between 0 and 1: {half_width}, {share}")
    if population < 1:
        return 0
    endless = z * z * share * (1 - share) / half_width**2
    return min(population, ceil(endless / (1 + (endless - 1) / population)))


def acceptance_plan(acceptable: float, rejectable: float, producer_risk: float = 0.05, consumer_risk: float = 0.10) -> AcceptancePlan:
    """The smallest single plan that accepts lots with an `acceptable` share of wrong records and refuses those with a `rejectable` one,
    within both risks (binomial)."""
    if not 0 < acceptable < rejectable < 1:
        raise ValueError(f"0 < acceptable < rejectable < 1 is needed: {acceptable}, {rejectable}")
    n = 1
    for c in range(_MAX_PLAN):
        n = max(n, c + 1)
        low, high = n, n
        while at_most(c, high, rejectable) > consumer_risk:
            low, high = high, 2 * high
            if high > _MAX_PLAN:
                raise ValueError("no plan of a size that people could look at: the two shares are too near")
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if at_most(c, middle, rejectable) <= consumer_risk else (middle + 1, high)
        n = low
        refused = 1 - at_most(c, n, acceptable)
        if refused <= producer_risk:
            return AcceptancePlan(n, c, refused, at_most(c, n, rejectable))
    raise ValueError("no plan was found")


def at_most(c: int, n: int, share: float) -> float:
    """The chance of at most `c` wrong ones among `n`, each wrong with the chance `share`."""
    return fsum(comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(min(c, n) + 1))


def stratify(rows: Sequence[Mapping[str, Any]], half_width: float) -> list[Stratum]:
    """The strata of decision rows (`outcome`, `check`, `kind`), in the order of their names, with the number to draw of each."""
    sizes: dict[tuple[str, str, str], int] = {}
    for row in rows:
        sizes[_key(row)] = sizes.get(_key(row), 0) + 1
    return [Stratum(*key, size, sample_size(size, half_width)) for key, size in sorted(sizes.items())]


def draw(rows: Sequence[Mapping[str, Any]], strata: Sequence[Stratum], seed: int) -> list[tuple[Mapping[str, Any], Stratum]]:
    """The records drawn of each stratum, without replacement, in an order that mixes the strata. Equal seeds draw the same."""
    generator = random.Random(seed)
    drawn: list[tuple[Mapping[str, Any], Stratum]] = []
    for stratum in strata:
        members = [row for row in rows if _key(row) == (stratum.outcome, stratum.check, stratum.kind)]
        drawn += [(row, stratum) for row in generator.sample(members, stratum.drawn)]
    generator.shuffle(drawn)
    return drawn


def assign(num_items: int, people: Sequence[str], seed: int, each: int = 2) -> list[tuple[str, ...]]:
    """`each` different people for every item, so that no two people's loads differ by more than one. ValueError for too few people."""
    if len(set(people)) != len(people) or len(people) < each:
        raise ValueError(f"{each} different people are needed for each record, and {len(set(people))} are named")
    generator = random.Random(seed)
    loads = dict.fromkeys(people, 0)
    chosen: list[tuple[str, ...]] = []
    for _ in range(num_items):
        ranked = sorted(people, key=lambda person: (loads[person], generator.random()))[:each]
        for person in ranked:
            loads[person] += 1
        chosen.append(tuple(sorted(ranked)))
    return chosen


def _key(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(row.get("outcome", "")), str(row.get("check", "")), str(row.get("kind", ""))
