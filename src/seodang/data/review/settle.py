"""What people settle on for one item: two who agree, or a third one where they do not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seodang.core.errors import InputError
from seodang.data.review.label_studio import Annotation


@dataclass(frozen=True, slots=True)
class Settled:
    """What stands for an item, how it came about, and what was said: the first round by person, then the third person."""

    outcome: str  # "pass", "fail" or "undecided"
    how: str  # "agreed", "adjudicated", or "open" where two disagree and nobody has adjudicated yet
    said: tuple[Annotation, ...]

    def evidence(self) -> dict[str, Any]:
        """Who said what in which round, with notes, and the reason in a few words."""
        said = [{"person": one.person, "outcome": one.outcome, "round": one.round, "note": one.note} for one in self.said]
        words = ", ".join(f"{one.person} {one.outcome}" for one in self.said)
        return {"reason": f"{self.how}: {words}", "settled": self.how, "said": said}


def latest(said: Sequence[Annotation]) -> list[Annotation]:
    """Of several annotations by one person of one item in one round, the latest one by Label Studio's time, or else by order."""
    found: dict[tuple[str, str, bool], Annotation] = {}
    for one in said:
        key = (one.item, one.person, one.adjudication)
        if key not in found or not one.at or one.at >= found[key].at:
            found[key] = one
    return list(found.values())


def settle(said: Sequence[Annotation]) -> Settled | None:
    """What stands for the item that all of these annotations are of; None where fewer than two people have seen it.

    InputError where somebody adjudicates a disagreement of their own.
    """
    first = {one.person: one for one in said if not one.adjudication}
    third = max((one for one in said if one.adjudication), key=lambda one: one.at, default=None)
    told = tuple(first[person] for person in sorted(first))
    if len(told) < 2:
        return None
    if len({one.outcome for one in told}) == 1:
        return Settled(told[0].outcome, "agreed", told)
    if third is None:
        return Settled("undecided", "open", told)
    if third.person in first:
        raise InputError("somebody settled a disagreement of their own", where=third.item, hint="let a third person adjudicate")
    return Settled(third.outcome, "adjudicated", (*told, third))
