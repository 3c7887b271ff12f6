"""What generators wrote and dropped before it became a record; the page and the Markdown show the same table."""

from typing import Any

from seodang.pipeline.report.arm_tables import Table
from seodang.pipeline.report.wording import count


def dropped_table(data: dict[str, Any]) -> Table | None:
    """A row for each generator and reason, the most frequent first; None where nothing was dropped. These texts are not among `input`."""
    rows = [[name, reason, count(number)] for name, reasons in data["dropped"].items() for reason, number in reasons.items()]
    caption = "Texts that generators dropped before they became records, not counted in the input"
    return Table(caption, ("generator", "reason", "texts"), rows, words=(0, 1)) if rows else None
