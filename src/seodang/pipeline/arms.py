"""The arms of a run: the models that sit its exam, which of them are trained, and on what."""

import difflib
import re
from collections.abc import Collection, Sequence

from seodang.core.errors import RecipeError

ARMS = ("base", "sft", "distilled", "teacher_closed", "teacher_open")  # those of a recipe that names none
GOLD_ARM = "sft_gold"
_NAMED = (*ARMS, GOLD_ARM)
_NAME_OF_VARIANT = re.compile(r"[a-z][a-z0-9_]{0,39}")


def distilled_arms(arms: Collection[str], variants: Collection[str]) -> tuple[str, ...]:
    """Those of the arms that are taught from the teacher's targets: `distilled` first, then the variants in their order."""
    return tuple(arm for arm in ("distilled", *variants) if arm in arms)


def trained_arms(arms: Collection[str], variants: Collection[str]) -> tuple[str, ...]:
    """Those of the arms that are trained, in the order in which that is done."""
    return tuple(arm for arm in ("sft", GOLD_ARM) if arm in arms) + distilled_arms(arms, variants)


def refuse_arms(arms: Sequence[str], variants: Collection[str], has_gold: bool) -> None:
    """RecipeError for an arm that does not exist or stands twice, for one without what it is taught from, and for a variant whose name
    could not be one of an arm's."""
    for name in variants:
        if not _NAME_OF_VARIANT.fullmatch(name):
            raise RecipeError(
                f"`distill.variants`: `{name}` cannot be an arm's name",
                hint="use up to 40 small letters, digits and underscores, a letter first",
            )
        if name in (*_NAMED, "all") or name.startswith("teacher"):
            raise RecipeError(f"`distill.variants`: the name `{name}` has a meaning of its own", hint="give the variant another name")
    for place, arm in enumerate(arms):
        if arm in arms[:place]:
            raise RecipeError(f"`evaluate.arms`: `{arm}` stands twice", hint="name each arm once")
        if arm not in (*_NAMED, *variants):
            near = difflib.get_close_matches(arm, [*_NAMED, *variants], n=1)
            known = ", ".join([*_NAMED, *variants])
            raise RecipeError(
                f"`evaluate.arms`: no arm `{arm}`",
                hint=f"did you mean `{near[0]}`?" if near else f"there are {known}; others are declared in `distill.variants`",
            )
    if GOLD_ARM in arms and not has_gold:
        raise RecipeError(
            f"`evaluate.arms`: the arm `{GOLD_ARM}` needs answers that people wrote",
            hint="name their files: `gold: {files: [gold.jsonl], license: ..., origin: ...}`",
        )
