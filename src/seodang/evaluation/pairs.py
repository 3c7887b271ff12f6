"""Two evaluations on the same items: whether they can be compared, and their scores side by side."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seodang.core.errors import InputError
from seodang.evaluation.result import Evaluation, Result, item_row
from seodang.evaluation.task import Item

_SHOWN = 3  # ids in an error
_OTHER_QUANTITY = ("mode", "template", "ranked")  # options that make a score another quantity
_WHICH_ITEMS = ("limit", "seed")  # options that choose items, which are compared themselves
_SETTINGS = ("thinking", "temperature", "num_samples", "top_p", "max_reasoning_tokens")


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
    """The items of both. InputError, with what differs, for another task, another version, an option that makes the score another quantity,
    or other items; with `common`, items that only one of them has are left out instead."""
    for name, told in (("task", "tasks"), ("task_version", "versions of the task")):
        ours, theirs = a.manifest["summary"][name], b.manifest["summary"][name]
        if ours != theirs:
            raise InputError(
                f"two {told}: {ours} and {theirs}", where=f"{a.folder} and {b.folder}", hint="evaluate both models on one task anew"
            )
    if other := {name: told for name, told in _options(a, b).items() if name in _OTHER_QUANTITY}:
        raise InputError(
            f"the scores are different quantities: {told_otherwise(other)}",
            where=f"{a.folder} and {b.folder}",
            hint="evaluate both models with the same options",
        )
    pairing = shared(a, b)
    if not pairing.items or ((pairing.only_a or pairing.only_b) and not common):
        raise InputError(
            _difference(pairing),
            where=f"{a.folder} and {b.folder}",
            hint="`--common` compares the items that both have" if pairing.items else "evaluate both models with the same options",
        )
    return pairing


def shared(a: Evaluation, b: Evaluation) -> Pairing:
    """The items that both have, with equal content, even if there are none."""
    theirs = {item.id: item_row(item) for item in b.items}
    items = tuple(item for item in a.items if theirs.get(item.id) == item_row(item))
    return Pairing(a, b, items, len(a.items) - len(items), len(b.items) - len(items))


def asked_otherwise(a: Evaluation, b: Evaluation) -> dict[str, dict[str, Any]]:
    """Each option and setting that may change an answer and that differs, with both values; None is one that is not told."""
    ours, theirs = a.manifest["summary"], b.manifest["summary"]
    options = {name: told for name, told in _options(a, b).items() if name not in _WHICH_ITEMS}
    return options | _unlike({name: ours.get(name) for name in _SETTINGS}, {name: theirs.get(name) for name in _SETTINGS})


def told_otherwise(unlike: Mapping[str, Mapping[str, Any]]) -> str:
    """What differs in words: each name with the value of the first and of the second."""
    return ", ".join(f"{name}: {option_words(told['a'])} and {option_words(told['b'])}" for name, told in unlike.items())


def option_words(value: Any) -> str:
    """An option's or a setting's value in words."""
    return "+".join(map(str, value)) if isinstance(value, list | tuple) else "none" if value is None else str(value)


def item_scores(evaluation: Evaluation, items: Iterable[Item], *, error: float = 0.0) -> NDArray[np.float64]:
    """Scores of shape (num_samples, num_items); an error scores `error`."""
    rows = [[_score(result, error) for result in evaluation.results[item.id]] for item in items]
    return np.array(rows, dtype=np.float64).T


def num_errors(evaluation: Evaluation, items: Iterable[Item]) -> int:
    """Samples of these items that ended in an error."""
    return sum(result.outcome == "error" for item in items for result in evaluation.results[item.id])


def _score(result: Result, error: float) -> float:
    return error if result.outcome == "error" else result.score


def _difference(pairing: Pairing) -> str:
    ours, theirs = ([item.id for item in arm.items] for arm in (pairing.a, pairing.b))
    in_both, alike = set(ours) & set(theirs), {item.id for item in pairing.items}
    changed = [name for name in ours if name in in_both - alike]
    only_a = [name for name in ours if name not in in_both]
    only_b = sorted(set(theirs) - in_both)
    told = [
        f"{len(ids)} {what} ({', '.join(ids[:_SHOWN])})"
        for ids, what in ((only_a, "only in the first"), (only_b, "only in the second"), (changed, "with other content"))
        if ids
    ]
    options = told_otherwise(_options(pairing.a, pairing.b))
    return f"the items differ: {'; '.join(told)}" + (f"; options {options}" if options else "")


def _options(a: Evaluation, b: Evaluation) -> dict[str, dict[str, Any]]:
    """The options that differ."""
    return _unlike(a.manifest["summary"]["options"], b.manifest["summary"]["options"])


def _unlike(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    keys = [key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)]
    return {key: {"a": ours.get(key), "b": theirs.get(key)} for key in keys}
