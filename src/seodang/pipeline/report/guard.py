"""The guard against forgetting: whether the student lost more than a margin on the general suite."""

from collections.abc import Sequence
from typing import Any

from seodang.pipeline.report.reading import find_row
from seodang.pipeline.report.winner import arm_in_words
from seodang.pipeline.report.wording import comparison, percent
from seodang.statistics.non_inferiority import non_inferior

Row = dict[str, Any]

GUARDED = "distilled"
_NUMBERS = ("difference", "interval", "p", "p_holm", "n")


def judge_guard(paired_general: Sequence[Row], trained: Sequence[str], margin: float, *, required: bool) -> Row | None:
    """Each trained arm against the untaught student over the whole general suite; None where none of them was compared with it.

    `outcome` is that of `arm`: the distilled student, or the first trained arm where there is none. `sentence` says it.
    """
    rows: list[Row] = []
    for name in trained:
        row = find_row(paired_general, name, "base")
        if row is not None and row.get("interval") is not None:
            outcome = non_inferior(row["interval"], margin)
            rows.append({"arm": name, **{key: row.get(key) for key in _NUMBERS}, "outcome": outcome})
    if not rows:
        return None
    first = next((row for row in rows if row["arm"] == GUARDED), rows[0])
    guard: Row = {"margin": margin, "required": required, "arm": first["arm"], "outcome": first["outcome"], "arms": rows}
    return {**guard, "sentence": _sentence(first, margin)}


def _sentence(row: Row, margin: float) -> str:
    name, numbers = arm_in_words(row["arm"]), comparison(row)
    loss = f"a loss of more than {percent(margin).removesuffix(' %')} points on the general suite"
    if row["outcome"] == "passed":
        shown = ", though a smaller loss was shown" if row["interval"][1] < 0 else ""
        return f"Regression guard passed: for {name}, {loss} is ruled out{shown} ({numbers})."
    if row["outcome"] == "failed":
        return f"Regression guard failed: for {name}, {loss} was shown ({numbers})."
    return f"Regression guard inconclusive: for {name}, {loss} is neither shown nor ruled out ({numbers})."
