"""Which share of a teacher's score a student keeps, for each capability."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np

from seodang.evaluation.pairs import Pairing, item_scores, pair, shared
from seodang.evaluation.result import Evaluation
from seodang.statistics.ratio import Retention, retention


def retention_by_family(
    student: Mapping[str, Evaluation], teacher: Mapping[str, Evaluation], *, common: bool = False
) -> dict[str, dict[str, Any]]:
    """Student / teacher with its 95 % interval, by family, on the items of all of its tasks that both answered. Each item counts alike, and
    clusters of two tasks are two clusters.

    InputError where the two cannot be compared on a task; with `common`, items that only one of them has are left out instead, and so is a
    task without any that both have. `left_out` counts the items.
    """
    families: dict[str, list[tuple[str, Pairing]]] = {}
    for title, found in student.items():
        if title in teacher and not (common and not shared(found, teacher[title]).items):
            both = pair(found, teacher[title], common=common)
            families.setdefault(found.manifest["summary"]["family"], []).append((title, both))
    return {family: _of_tasks(pairs) for family, pairs in families.items()}


def _of_tasks(pairs: Sequence[tuple[str, Pairing]]) -> dict[str, Any]:
    mine = np.concatenate([item_scores(both.a, both.items).mean(axis=0) for _, both in pairs])
    theirs = np.concatenate([item_scores(both.b, both.items).mean(axis=0) for _, both in pairs])
    clusters = [f"{title}/{cluster}" for title, both in pairs for cluster in both.clusters]
    found = retention(mine[None], theirs[None], clusters)
    left_out = {"student": sum(both.only_a for _, both in pairs), "teacher": sum(both.only_b for _, both in pairs)}
    return {"tasks": [title for title, _ in pairs], "left_out": left_out, **retention_row(found)}


def retention_row(found: Retention) -> dict[str, Any]:
    """A ratio as JSON holds it."""
    return {
        "ratio": found.ratio,
        "interval": ends(found.interval),
        "status": found.status,
        "n": found.num_items,
        "num_clusters": found.num_clusters,
        "method": found.method,
    }


def ends(interval: tuple[float, float] | None) -> list[float | None] | None:
    """An interval as JSON holds it: an end without bound is None."""
    return None if interval is None else [end if isfinite(end) else None for end in interval]
