"""A policy's bounds stand on numbers that checks tell; a bound on a number that none tells would never decide, and is refused."""

import difflib
import importlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from seodang.core.errors import RecipeError
from seodang.core.records import Verdict
from seodang.data.verify.find import check_names, find_check

if TYPE_CHECKING:
    from seodang.data.ledger.policy import Threshold


def numbers_of(check: str) -> tuple[str, ...] | None:
    """The numbers in a check's evidence on which a bound may stand: `NUMBERS` of its module, none where a check of ours names none.

    None for a check from outside that does not say, and for what is no check, such as people's verdicts.
    """
    if ":" not in check:
        return tuple(getattr(importlib.import_module(find_check(check).__module__), "NUMBERS", ())) if check in check_names() else None
    return getattr(importlib.import_module(find_check(check).__module__), "NUMBERS", None)


def refuse_unknown_numbers(thresholds: Iterable["Threshold"]) -> None:
    """RecipeError, with a near match, for a bound on a number that its check says it does not tell."""
    for bound in thresholds:
        known = numbers_of(bound.check)
        if known is not None and bound.evidence not in known:
            raise _unknown(bound, f"{bound.check} tells no number `{bound.evidence}`", known)


def refuse_untold_numbers(thresholds: Iterable["Threshold"], verdicts: Mapping[str, Sequence[Verdict]]) -> None:
    """The same for checks that do not say which numbers they tell, by the verdicts at hand; one that gave none is let be."""
    for bound in thresholds:
        given = verdicts.get(bound.check, ())
        if not given or numbers_of(bound.check) is not None:
            continue
        told = sorted({name for verdict in given for name, value in verdict.evidence.items() if type(value) in (int, float)})
        if bound.evidence not in told:
            raise _unknown(bound, f"no verdict of {bound.check} tells a number `{bound.evidence}`", told)


def _unknown(bound: "Threshold", what: str, known: Sequence[str]) -> RecipeError:
    near = difflib.get_close_matches(bound.evidence, known, n=1)
    there_are = f"there are: {', '.join(known)}" if known else "it tells none that a bound may stand on"
    return RecipeError(f"`thresholds`: {what}", hint=f"did you mean `{near[0]}`?" if near else there_are)
