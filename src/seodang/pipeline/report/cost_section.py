"""What the run was expected to take, beside what it took."""

from typing import Any

from seodang.pipeline.report.blocks import note, section, table
from seodang.pipeline.report.markup import Safe, own, visible
from seodang.pipeline.report.wording import UNKNOWN, duration, significant, size

Row = dict[str, Any]

COST_COLUMNS = ["step", "time, estimated", "time, actual", "actual / estimated", "disk, estimated", "disk, actual", "memory so far"]


def cost_rows(cost: Row) -> list[list[str]]:
    """The table's rows as plain text: each step, and all of them."""
    rows = [_row(str(step["name"]), step, step["peak_memory_bytes"]) for step in cost["steps"]]
    return [*rows, _row("all", cost, cost["peak_memory_bytes"]["actual"])]


def cost_words(cost: Row) -> str:
    """How the estimate was made, and how it compares, in sentences."""
    if "reason" in cost:
        return f"No estimate was made: {visible(cost['reason'], 300)}."
    device = cost["device"]
    factor = f"within a factor of {significant(device['error_factor'])}"
    parts = [f"Estimated before the run with rates of {visible(device['name'], 80)}, {factor}."]
    for name, key in (("Cache of targets", "cache_bytes"), ("Peak memory", "peak_memory_bytes")):
        pair = cost[key]
        if pair["actual"] is not None:
            parts.append(f"{name}: {size(pair['estimate'])} estimated, {size(pair['actual'])} actual.")
    parts.append(
        "The time of a reused step is that of the run which computed it. Memory is the most that the process held up to a step's end."
    )
    return " ".join(parts)


def cost_section(report: Row) -> Safe:
    """Estimate against actual, by step."""
    cost = report["cost"]
    if not cost:
        return section(report, "cost", "Cost")
    if "reason" in cost:
        return section(report, "cost", "Cost", note(report, cost_words(cost)))
    rows = [[visible(row[0], 60), *(own(cell) for cell in row[1:])] for row in cost_rows(cost)]
    return section(report, "cost", "Cost", table("Estimate against actual", COST_COLUMNS, rows), note(report, cost_words(cost)))


def _row(name: str, pairs: Row, memory: float | None) -> list[str]:
    seconds, disk = pairs["seconds"], pairs["disk_bytes"]
    ratio = UNKNOWN if seconds["ratio"] is None else f"{seconds['ratio']:.2f}"
    times = [duration(seconds["estimate"]), duration(seconds["actual"]), ratio]
    return [name, *times, size(disk["estimate"]), size(disk["actual"]), size(memory)]
