"""Predictions against measurements: errors, bars and the coverage of intervals. A refusal counts as a miss."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from seodang.statistics.intervals import wilson
from seodang.testbed.predict.rows import Row


@dataclass(frozen=True, slots=True)
class Scored:
    """A row with what was predicted of it; both None and `refused` set where the predictor would not answer."""

    row: Row
    predicted: float | None
    interval: tuple[float, float] | None
    tier: str | None
    refused: str | None = None

    @property
    def error(self) -> float:
        """Absolute error over the measured value; infinite for a refusal."""
        if self.predicted is None or self.row.value is None:
            return math.inf
        return abs(self.predicted - self.row.value) / self.row.value

    @property
    def covered(self) -> bool:
        """Whether the measured value lies within the interval."""
        return self.interval is not None and self.row.value is not None and self.interval[0] <= self.row.value <= self.interval[1]


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: a statistic of the errors of a group of rows, and what it may be at most."""

    name: str
    statistic: str
    most: float
    of: Callable[[Row, frozenset[tuple[object, ...]]], bool]


def _same_deployment(row: Row, known: frozenset[tuple[object, ...]]) -> bool:
    return row.metric == "tpot" and row.deployment in known


def _latency(row: Row, known: frozenset[tuple[object, ...]]) -> bool:
    return row.metric.startswith("latency_")


def _wide(row: Row, known: frozenset[tuple[object, ...]]) -> bool:
    return row.metric.startswith("throughput_") or (row.metric == "tpot" and (row.ep or 1) >= 16)


BARS = (
    Bar("other load points of the calibrated deployment", "median", 0.06, _same_deployment),
    Bar("other load points of the calibrated deployment", "p90", 0.12, _same_deployment),
    Bar("low-latency collectives", "max", 0.10, _latency),
    Bar("wide expert parallelism and throughput", "median", 0.20, _wide),
)


def statistic(errors: Sequence[float], name: str) -> float:
    """Median, 90th percentile (linear interpolation) or maximum; infinite where a refusal decides it."""
    share = {"median": 0.5, "p90": 0.9, "max": 1.0}[name]
    ordered = sorted(errors)
    place = share * (len(ordered) - 1)
    below, above = ordered[math.floor(place)], ordered[math.ceil(place)]
    return below if above == below or place == math.floor(place) else below + (place - math.floor(place)) * (above - below)


def judge(scored: Sequence[Scored], calibrated: Sequence[Row]) -> list[dict[str, Any]]:
    """One entry a bar: its name, statistic, limit, the value found (None: infinite), n, refusals and whether it passed."""
    known = frozenset(row.deployment for row in calibrated)
    out: list[dict[str, Any]] = []
    for bar in BARS:
        chosen = [one for one in scored if bar.of(one.row, known)]
        value = statistic([one.error for one in chosen], bar.statistic) if chosen else math.inf
        out.append(
            {
                "bar": bar.name,
                "statistic": bar.statistic,
                "most": bar.most,
                "value": value if math.isfinite(value) else None,
                "rows": len(chosen),
                "refused": sum(one.predicted is None for one in chosen),
                "passed": value <= bar.most,
            }
        )
    return out


def coverage(scored: Sequence[Scored]) -> dict[str, Any]:
    """Of the `tpot` and `latency_*` rows: how many lie within their 80 % intervals, with the 95 % band of that share (Wilson)."""
    chosen = [one for one in scored if one.row.metric == "tpot" or one.row.metric.startswith("latency_")]
    inside = sum(one.covered for one in chosen)
    if not chosen:
        return {"nominal": 0.8, "rows": 0, "inside": 0, "share": None, "band": None, "nominal_within_band": None}
    low, high = wilson(inside, len(chosen))
    return {
        "nominal": 0.8,
        "rows": len(chosen),
        "inside": inside,
        "share": inside / len(chosen),
        "band": [low, high],
        "nominal_within_band": low <= 0.8 <= high,
    }


def misses_first(scored: Sequence[Scored]) -> list[Scored]:
    """Largest error first; refusals before all."""
    return sorted(scored, key=lambda one: -one.error)
