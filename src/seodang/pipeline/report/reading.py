"""What a paired row says, and where it is found."""

from collections.abc import Sequence
from typing import Any

Row = dict[str, Any]

OVERALL = "all"
SIGNIFICANCE = 0.05


def reading(row: Row) -> str:
    """What a paired row says of a against b: "better", "worse", "not distinguishable" or "not tested".

    Better and worse need both the 95 % interval on one side of 0 and p below 0.05, corrected where it was (the interval alone where there
    is no p).
    """
    interval, p = row.get("interval"), row.get("p_holm", row.get("p"))
    if interval is None:
        return "not tested"
    if p is not None and p >= SIGNIFICANCE:
        return "not distinguishable"
    return "better" if interval[0] > 0 else "worse" if interval[1] < 0 else "not distinguishable"


def find_row(rows: Sequence[Row], a: str, b: str, part: str = OVERALL) -> Row | None:
    """The first row of a against b on that part."""
    return next((row for row in rows if (row["a"], row["b"], row["part"]) == (a, b, part)), None)


def find_arm(arms: Sequence[Row], name: str) -> Row | None:
    """The arm of that name."""
    return next((arm for arm in arms if arm["name"] == name), None)
