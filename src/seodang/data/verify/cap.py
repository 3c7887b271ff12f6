"""No question is taught more often than a cap allows: of its right answers, the shortest ones that reason differently are kept."""

from collections.abc import Sequence

from seodang.core.records import Record, Verdict
from seodang.data.build.worked_solutions import cap as cap_solutions
from seodang.data.verify.context import CheckContext

VERSION = 1


def cap(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """Passes, for each question, the `max_per_question` shortest answers with different steps, and fails the others. It is the last check:
    what it is given counts as right."""
    return cap_solutions(records, frozenset(record.id for record in records), context.section.max_per_question)
