"""Which share of a teacher's score a student keeps, for each capability."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np

from seodang.evaluation.pairs import item_scores, pair
from seodang.evaluation.result import Evaluation
from seodang.statistics.ratio import Retention, retention


def retention_by_family(student: Mapping[str, Evaluation], teacher: Mapping[str, Evaluation]) -> dict[str, dict[str, Any]]:
    """Student / teacher with its 95 % interval, by family, on the items of all of its tasks that both answered. Each item counts alike, and
    clusters of two tasks are two clusters.
    """
    families: dict[str, list[str]] = {}
    for title, found in student.items():
        if title in teacher:
            families.setdefault(found.manifest["summary"]["family"], []).append(title)
    return {family: _of_tasks([(title, student[title], teacher[title]) for title in titles]) for family, titles in families.items()}


def _of_tasks(tasks: list[tuple[str, Evaluation, Evaluation]]) -> dict[str, Any]:
    pairs = [(title, pair(student, teacher)) for title, student, teacher in tasks]
    mine = np.concatenate([item_scores(both.a, both.items).mean(axis=0) for _, both in pairs])
    theirs = np.concatenate([item_scores(both.b, both.items).mean(axis=0) for _, both in pairs])
    clusters = [f"{title}/{cluster}" for title, both in pairs for cluster in both.clusters]
    found = retention(mine[None], theirs[None], clusters)
    return {"tasks": [title for title, _ in pairs], **retention_row(found)}


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
