"""Checks that do harm and compare records, so that they are put to all of them in the process of the run."""

from collections.abc import Sequence

from seodang.core.records import Record, Verdict
from seodang.data.verify.context import CheckContext, passed

READS: tuple[str, ...] = ()


def comparing(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """Raises where there are two records or more."""
    return [passed(record, "comparing", share=1 / (len(records) == 1)) for record in records]


def forgetting(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """Gives a verdict too few."""
    return [passed(record, "forgetting") for record in records[1:]]
