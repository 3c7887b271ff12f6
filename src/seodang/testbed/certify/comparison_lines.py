"""A comparison of bundles for people."""

from collections.abc import Iterable
from typing import Any

_SHORT = {"PASS": "pass", "FAIL": "FAIL", "UNSUPPORTED": "unsup.", "NOT-RUN": "not run", "not asked": "-"}


def comparison_lines(told: dict[str, Any]) -> list[str]:
    """The bundles, then the checks in which they differ, then numbers with their kind; `*` is the best measured one."""
    columns = told["columns"]
    lines = [f"[{place + 1}] {_column(column)}" for place, column in enumerate(columns)]
    lines += [f"    [{place + 1}] does not hold: {problem}" for place, column in enumerate(columns) for problem in column["problems"]]
    lines += ["", f"{'check':<44}" + "".join(f"{f'[{place + 1}]':>12}" for place in range(len(columns)))]
    equal = [row for row in told["checks"] if len(set(row["cells"])) == 1]
    for row in told["checks"]:
        if len(set(row["cells"])) > 1:
            lines.append(f"{_name(row):<44}" + "".join(f"{_SHORT[cell]:>12}" for cell in row["cells"]))
    lines.append(f"{len(equal)} of {len(told['checks'])} checks are equal in all: {_counted(equal)}")
    lines += ["", "numbers (* the best of those measured; claimed, derived and virtual ones take no part)"]
    for row in told["numbers"]:
        cells = [_cell(cell, place == row["best"]) for place, cell in enumerate(row["cells"])]
        lines.append(f"{row['name'][:52]:<54}" + "  ".join(f"{cell:>30}" for cell in cells))
    return lines


def _column(column: dict[str, Any]) -> str:
    signed = f"signed by {column['signed_by']}" if column["signed_by"] else "not signed"
    counts = ", ".join(f"{number} {_SHORT[status]}" for status, number in (column["counts"] or {}).items() if number)
    return (
        f"{column['backend']} on {column['device']}, {column['dtype']}, {str(column['made'])[:10]}, {signed}: {counts} ({column['bundle']})"
    )


def _name(row: dict[str, Any]) -> str:
    return f"L{row['level']} {row['check'][:26]} ({row['model'][:12]})"


def _counted(rows: Iterable[dict[str, Any]]) -> str:
    found: dict[str, int] = {}
    for row in rows:
        found[row["cells"][0]] = found.get(row["cells"][0], 0) + 1
    return ", ".join(f"{number} {_SHORT[status]}" for status, number in found.items()) or "none"


def _cell(cell: dict[str, Any] | None, best: bool) -> str:
    return "-" if cell is None else f"{'* ' if best else ''}{cell['value']:.4g} {cell['unit']} {cell['kind']}"
