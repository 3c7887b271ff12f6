"""Scores on items that are like training data and on those that are not. It describes and proves nothing: the two kinds of items may differ
in more than that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seodang.core.errors import InputError
from seodang.core.files import read_numbered_json_lines
from seodang.evaluation.pairs import Pairing, item_scores
from seodang.evaluation.result import Evaluation
from seodang.evaluation.score import mean_score
from seodang.evaluation.task import Item
from seodang.statistics.unpaired import group_difference

THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class Similarities:
    """How like its most similar training record each item is, 0..1, and from where on an item counts as dirty."""

    of_item: Mapping[str, float]
    threshold: float = THRESHOLD

    def dirty(self, items: Sequence[Item]) -> NDArray[np.bool_]:
        """Shape (num_items,)."""
        return np.array([self.of_item[item.id] >= self.threshold for item in items], dtype=np.bool_)


def read_similarity(path: Path, items: Sequence[Item], threshold: float = THRESHOLD) -> Similarities:
    """Reads lines with `item` and `similarity`. InputError for a line that is none, an item twice, or an item of the task without one."""
    found: dict[str, float] = {}
    for number, row in read_numbered_json_lines(path):
        where, hint = f"{path}:{number}", "`seodang eval similarity RUN --task T --out FILE` writes it"
        name, value = (row.get("item"), row.get("similarity")) if isinstance(row, dict) else (None, None)
        if not isinstance(name, str) or isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise InputError("no line with `item` and `similarity` in 0..1", where=where, hint=hint)
        if name in found:
            raise InputError(f"the item `{name}` stands twice", where=where, hint=hint)
        found[name] = float(value)
    if missing := [item.id for item in items if item.id not in found]:
        raise InputError(
            f"{len(missing)} of {len(items)} items have no similarity, the first is `{missing[0]}`",
            where=str(path),
            hint="write the file anew, for this task with these options",
        )
    return Similarities(found, threshold)


def by_similarity(evaluation: Evaluation, similarities: Similarities) -> dict[str, Any]:
    """Scores of the clean and of the dirty items of one evaluation with their intervals, and clean minus dirty."""
    values = item_scores(evaluation, evaluation.items).mean(axis=0)
    dirty = similarities.dirty(evaluation.items)
    clusters = [item.cluster for item in evaluation.items]
    sides = {name: _score(values, clusters, chosen) for name, chosen in (("clean", ~dirty), ("dirty", dirty))}
    return {**_head(similarities), **sides, "clean_minus_dirty": _between(values, ~dirty, clusters, lowest=0)}


def difference_by_similarity(pairing: Pairing, similarities: Similarities) -> dict[str, Any]:
    """The same of a paired difference: a minus b on the clean items, on the dirty ones, and how far these two lie apart."""
    changes = item_scores(pairing.a, pairing.items).mean(axis=0) - item_scores(pairing.b, pairing.items).mean(axis=0)
    dirty = similarities.dirty(pairing.items)
    sides = {
        name: {"difference": float(changes[chosen].mean()), "n": int(chosen.sum())} if chosen.any() else None
        for name, chosen in (("clean", ~dirty), ("dirty", dirty))
    }
    return {**_head(similarities), **sides, "clean_minus_dirty": _between(changes, ~dirty, pairing.clusters, lowest=-1)}


def _head(similarities: Similarities) -> dict[str, Any]:
    return {"threshold": similarities.threshold, "evidence": "observational"}


def _score(values: NDArray[np.float64], clusters: Sequence[str], chosen: NDArray[np.bool_]) -> Any:
    kept = [cluster for cluster, take in zip(clusters, chosen, strict=True) if take]
    return mean_score(values[chosen], kept) if kept else None


def _between(
    values: NDArray[np.float64], clean: NDArray[np.bool_], clusters: Sequence[str], *, lowest: Literal[0, -1]
) -> dict[str, Any] | None:
    """None where all items are of one kind."""
    if clean.all() or not clean.any():
        return None
    found = group_difference(values, clean, clusters, lowest=lowest)
    return {"difference": found.difference, "interval": list(found.interval), "method": found.method}
