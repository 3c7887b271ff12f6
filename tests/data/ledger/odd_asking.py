"""A check that does harm while it may ask a teacher, so that it is put to records in the process of the run."""

from collections.abc import Sequence

from seodang.core.records import Record, Verdict
from seodang.data.verify.context import CheckContext, passed

PER_RECORD = True
READS = ("teacher",)


def asking(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """Raises at one record."""
    if any(record.question == "Does it raise?" for record in records):
        raise KeyError("lines")
    return [passed(record, "asking") for record in records]
