"""Two evaluations on the same items: whether they can be compared, and their scores side by side."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seodang.core.errors import InputError
from seodang.evaluation.result import Evaluation, Result, item_row
from seodang.evaluation.task import Item

_SHOWN = 3  # ids in an error


@dataclass(frozen=True, slots=True)
class Pairing:
    """Items that two evaluations share, in the order of the first, and how many each has beside them."""

    a: Evaluation
    b: Evaluation
    items: tuple[Item, ...]
    only_a: int
    only_b: int

    @property
    def clusters(self) -> list[str]:
        return [item.cluster for item in self.items]

    def of_part(self, part: str) -> "Pairing":
        """The pairing of one part's items."""
        return self.of(item.id for item in self.items if item.part == part)

    def of(self, ids: Iterable[str]) -> "Pairing":
        """The pairing of some of the items."""
        kept = set(ids)
        return Pairing(self.a, self.b, tuple(item for item in self.items if item.id in kept), self.only_a, self.only_b)


def pair(a: Evaluation, b: Evaluation, *, common: bool = False) -> Pairing:
    """The items of both. InputError, with what differs, for another task, another version or other items; with `common`, items that only
    one of them has are left out instead."""
    for name, told in (("task", "tasks"), ("task_version", "versions of the task")):
        ours, theirs = a.manifest["summary"][name], b.manifest["summary"][name]
        if ours != theirs:
            raise InputError(
                f"two {told}: {ours} and {theirs}", where=f"{a.folder} and {b.folder}", hint="evaluate both models on one task anew"
            )
    theirs = {item.id: item_row(item) for item in b.items}
    items = tuple(item for item in a.items if theirs.get(item.id) == item_row(item))
    pairing = Pairing(a, b, items, len(a.items) - len(items), len(b.items) - len(items))
    if not items or ((pairing.only_a or pairing.only_b) and not common):
        raise InputError(
            _difference(pairing, theirs),
            where=f"{a.folder} and {b.folder}",
            hint="`--common` compares the items that both have" if items else "evaluate both models with the same options",
        )
    return pairing


def item_scores(evaluation: Evaluation, items: Iterable[Item], *, error: float = 0.0) -> NDArray[np.float64]:
    """Scores of shape (num_samples, num_items); an error scores `error`."""
    rows = [[_score(result, error) for result in evaluation.results[item.id]] for item in items]
    return np.array(rows, dtype=np.float64).T


def num_errors(evaluation: Evaluation, items: Iterable[Item]) -> int:
    """Samples of these items that ended in an error."""
    return sum(result.outcome == "error" for item in items for result in evaluation.results[item.id])


def _score(result: Result, error: float) -> float:
    return error if result.outcome == "error" else result.score


def _difference(pairing: Pairing, theirs: dict[str, dict[str, Any]]) -> str:
    shared = {item.id for item in pairing.items}
    changed = [item.id for item in pairing.a.items if item.id in theirs and item.id not in shared]
    only_a = [item.id for item in pairing.a.items if item.id not in theirs]
    only_b = sorted(set(theirs) - {item.id for item in pairing.a.items})
    told = [
        f"{len(ids)} {what} ({', '.join(ids[:_SHOWN])})"
        for ids, what in ((only_a, "only in the first"), (only_b, "only in the second"), (changed, "with other content"))
        if ids
    ]
    options = _options(pairing.a, pairing.b)
    return f"the items differ: {'; '.join(told)}" + (f"; options {options}" if options else "")


def _options(a: Evaluation, b: Evaluation) -> str:
    ours, theirs = a.manifest["summary"]["options"], b.manifest["summary"]["options"]
    keys = [key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)]
    return ", ".join(f"{key}: {ours.get(key)} and {theirs.get(key)}" for key in keys)
