"""Checks put to records so that what a check raises ends no work: it becomes the verdict `error` of the records it concerns."""

from collections.abc import Callable, Sequence
from typing import Any, cast

from seodang.core.errors import SeodangError
from seodang.core.records import Record, Verdict
from seodang.data.verify.context import CheckContext, broken

Check = Callable[[Sequence[Record], CheckContext], list[Verdict]]


def guarded(name: str, check: Check, records: Sequence[Record], context: CheckContext, *, per_record: bool) -> list[Verdict]:
    """The verdicts of a check, one a record, in order. What it raises is tried once more, and then is the verdict of the record that it
    was raised for, or of all records where the check compares them. Errors of seodang's own are raised."""
    try:
        return _ask(check, records, context)
    except SeodangError:
        raise
    except Exception:  # noqa: BLE001 - found again, and kept, for the record that it belongs to
        groups = [[record] for record in records] if per_record else [records]
        return [verdict for group in groups for verdict in _ask_again(name, check, group, context)]


def _ask_again(name: str, check: Check, records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    try:
        return _ask(check, records, context)
    except SeodangError:
        raise
    except Exception as error:  # noqa: BLE001 - kept as the records' verdict, and counted as failed
        return [broken(record, name, error=f"{type(error).__name__}: {error}") for record in records]


def _ask(check: Check, records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    given: Any = check(records, context)
    if not isinstance(given, list) or [type(one) for one in cast(list[Any], given)] != [Verdict] * len(records):
        raise TypeError(f"the check gave no list of verdicts, one for each of {len(records)} records")
    return cast(list[Verdict], given)
