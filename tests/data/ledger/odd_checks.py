"""Checks that do harm, importable by name in another process."""

import os
from collections.abc import Sequence

from seodang.core.errors import InputError
from seodang.core.records import Record, Verdict
from seodang.data.verify.context import CheckContext, passed

PER_RECORD = True
READS = ("passages", "actions", "exam_questions", "build")


def raising(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """Raises at one record."""
    if any(record.question == "Does it raise?" for record in records):
        raise ValueError("it cannot be done")
    return [passed(record, "raising") for record in records]


def ending(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """Ends its process at one record."""
    if any(record.question == "Does it raise?" for record in records):
        os._exit(5)
    return [passed(record, "ending") for record in records]


def refusing(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """Tells the user what is missing."""
    raise InputError("there is nothing to ask", hint="name a teacher")
