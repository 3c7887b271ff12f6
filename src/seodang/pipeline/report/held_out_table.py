"""What each training held out to watch its loss; the page and the Markdown show the same table."""

from typing import Any

from seodang.pipeline.report.arm_tables import Table
from seodang.pipeline.report.wording import ARM_NAMES, count, percent

_GROUPS = {"documents": "documents and near-duplicate questions", "questions": "near-duplicate questions", "records": "records"}


def held_out_table(report: dict[str, Any]) -> Table | None:
    """A row for each training: how much was held out, in which groups, which documents are therefore not taught, and why not otherwise."""
    rows = [
        [
            f"{ARM_NAMES.get(arm, arm)}, seed {run.get('seed', '-')}",
            count(told["num_records"]),
            percent(told["share"]),
            _GROUPS.get(told["by"], str(told["by"])),
            ", ".join(told["untaught_documents"]) or "-",
            told["warning"] or "-",
        ]
        for arm, runs in report["training"].items()
        for run in runs
        if (told := run.get("held_out"))
    ]
    columns = ("training", "records", "share", "held out together", "documents not taught", "warning")
    return Table("Held out of training to watch the loss", columns, rows, words=(0, 3, 4, 5)) if rows else None
