"""How far people, or judges, agree beyond chance: Krippendorff's alpha with its interval, Cohen's kappa.

Sources: Krippendorff 2004, Content Analysis, 2nd ed., chapter 11; Cohen 1960, Educ. Psychol. Meas. 20:37.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seodang.statistics.intervals import expanded_tail

Level = Literal["nominal", "ordinal", "interval", "ratio"]

_CODE = np.float64


@dataclass(frozen=True, slots=True)
class Agreement:
    """Alpha of all units and its bootstrap interval; NaN where nothing varies, so that chance cannot be told from agreement."""

    alpha: float
    interval: tuple[float, float]  # 95 %
    num_units: int  # units with at least two ratings
    num_ratings: int  # ratings in these units


def krippendorff_alpha(ratings: Sequence[Sequence[Hashable | None]], level: Level = "nominal") -> float:
    """Alpha of `ratings[rater][unit]`; None is a rating that was not given. Units with fewer than two ratings say nothing.

    1 is agreement, 0 what chance gives, below 0 worse than chance. NaN where no unit has two ratings or all ratings are equal.
    Levels but "nominal" need numbers. ValueError for rows of unequal length or values that are none.
    """
    counts, values = _counts(ratings, level)
    return _alpha(counts, _distances(counts, values, level))


def alpha_with_interval(
    ratings: Sequence[Sequence[Hashable | None]], level: Level = "nominal", *, seed: int, draws: int = 2_000, confidence: float = 0.95
) -> Agreement:
    """Alpha and its percentile bootstrap interval over units, which are drawn with replacement with all their ratings.

    Draws in which nothing varies are left out of the interval; it is (NaN, NaN) where alpha itself is not defined.
    """
    if draws < 1:
        raise ValueError(f"at least one draw is needed, not {draws}")
    counts, values = _counts(ratings, level)
    distances = _distances(counts, values, level)
    alpha = _alpha(counts, distances)
    num_units, num_ratings = len(counts), int(counts.sum())
    if np.isnan(alpha):
        return Agreement(alpha, (float("nan"), float("nan")), num_units, num_ratings)
    generator = np.random.default_rng(seed)
    samples = generator.multinomial(num_units, np.full(num_units, 1 / num_units), draws)  # how often each unit is drawn
    found = _ordinal_alphas(counts, samples) if level == "ordinal" else _alphas(counts, distances, samples)
    found = found[~np.isnan(found)]
    tail = expanded_tail(num_units, confidence)
    low, high = np.quantile(found, [tail, 1 - tail]) if found.size else (float("nan"), float("nan"))
    return Agreement(alpha, (float(low), float(high)), num_units, num_ratings)


def cohen_kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float:
    """Agreement of two raters on the same units beyond what their shares give by chance; NaN where both gave one and the same label."""
    if len(first) != len(second) or not first:
        raise ValueError(f"two raters need the same units, at least one: {len(first)} and {len(second)}")
    n = len(first)
    seen = sum(a == b for a, b in zip(first, second, strict=True)) / n
    by_chance = sum((list(first).count(label) / n) * (list(second).count(label) / n) for label in {*first, *second})
    return float("nan") if by_chance == 1 else (seen - by_chance) / (1 - by_chance)


def _counts(ratings: Sequence[Sequence[Hashable | None]], level: Level) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How often each unit was given each value, shape (num_units, num_values), units with two ratings or more; and the values in order,
    as numbers (their places for "nominal")."""
    if len({len(row) for row in ratings}) > 1:
        raise ValueError("every rater needs a rating or None for every unit")
    given = {value for row in ratings for value in row if value is not None}
    if level == "nominal":
        values: list[Hashable] = sorted(given, key=repr)
        numbers = np.arange(len(values), dtype=_CODE)
    else:
        if not all(isinstance(value, int | float) and not isinstance(value, bool) and np.isfinite(value) for value in given):
            raise ValueError(f"ratings on the level {level} must be finite numbers")
        values = sorted(given, key=_as_number)
        numbers = np.array([_as_number(value) for value in values], dtype=_CODE)
    place = {value: index for index, value in enumerate(values)}
    counts = np.zeros((len(ratings[0]) if ratings else 0, len(values)), dtype=_CODE)
    for row in ratings:
        for unit, value in enumerate(row):
            if value is not None:
                counts[unit, place[value]] += 1
    return counts[counts.sum(axis=1) >= 2], numbers


def _as_number(value: Hashable) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def _distances(counts: NDArray[np.float64], values: NDArray[np.float64], level: Level) -> NDArray[np.float64]:
    """Squared differences between values, shape (num_values, num_values). The ordinal one depends on how often each value was given."""
    column, row = values[:, None], values[None, :]
    metrics: dict[str, Callable[[], NDArray[np.float64]]] = {
        "nominal": lambda: (column != row).astype(_CODE),
        "interval": lambda: (column - row) ** 2,
        "ratio": lambda: np.divide(column - row, column + row, out=np.zeros((values.size, values.size)), where=column + row != 0) ** 2,
        "ordinal": lambda: _ordinal(counts.sum(axis=0)),
    }
    return metrics[level]()


def _ordinal(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    """(number of ratings from the one value to the other, both ends by half) squared."""
    up_to = np.cumsum(totals) - totals / 2
    return (up_to[:, None] - up_to[None, :]) ** 2


def _alpha(counts: NDArray[np.float64], distances: NDArray[np.float64]) -> float:
    if not counts.size:
        return float("nan")
    return float(_alphas(counts, distances, np.ones((1, len(counts)), dtype=np.int64))[0])


def _alphas(counts: NDArray[np.float64], distances: NDArray[np.float64], samples: NDArray[np.int64]) -> NDArray[np.float64]:
    """Alpha of each sample, which is how often each unit was drawn, shape (draws, num_units)."""
    # Within a unit, each pair of its ratings; a value with itself has distance 0, so it needs no correction.
    seen = samples @ (np.einsum("uv,uv->u", counts @ distances, counts) / (counts.sum(axis=1) - 1))
    totals = samples @ counts
    by_chance = np.einsum("dv,dv->d", totals @ distances, totals) / (totals.sum(axis=1) - 1)
    return 1 - np.divide(seen, by_chance, out=np.full(len(samples), np.nan), where=by_chance != 0)


def _ordinal_alphas(counts: NDArray[np.float64], samples: NDArray[np.int64]) -> NDArray[np.float64]:
    """As `_alphas`, with distances that depend on how often each value was given in the sample."""
    return np.concatenate([_alphas(counts, _ordinal(sample @ counts), sample[None]) for sample in samples])
