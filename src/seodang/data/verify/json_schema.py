"""An answer is JSON that keeps to its schema, without keys that the schema does not name."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seodang.core.errors import InputError
from seodang.core.records import Record, Verdict
from seodang.data.verify.context import CheckContext, broken, failed, passed, undecided
from seodang.scoring.structured import FORMATS, faults
from seodang.scoring.tool_call_json import read_json, unfenced

VERSION = 1
CERTIFIES = True
PER_RECORD = True
READS: tuple[str, ...] = ()


def json_schema(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """Reads `truth.schema` (Draft 2020-12). The answer is one JSON value and nothing else, or one code fence that holds it.

    Keys beside those that the schema names fail where it is silent about them, unless `truth.extra_keys` is true. A value of an `enum` in
    another spelling is told as drift. A schema that is none, or that points outside itself, is an error of the check.
    """
    return [_check(record) for record in records]


def _check(record: Record) -> Verdict:
    if "schema" not in record.truth:
        return undecided(record, "json_schema", reason="the record brings no schema")
    schema = record.truth["schema"]
    try:
        value = read_json(unfenced(record.answer))
    except ValueError as error:
        return failed(record, "json_schema", reason="not JSON", detail=str(error)[:200])
    try:
        found = faults(value, schema, extra_keys=record.truth.get("extra_keys") is True)
    except InputError as error:
        return broken(record, "json_schema", reason=error.what)
    unread = sorted({name for name in _formats(schema) if name not in FORMATS})
    more = {"formats_not_asserted": unread} if unread else {}
    if found:
        drift = sorted(set(_drift(value, schema)))
        return failed(record, "json_schema", reason="not valid", faults=found, **({"enum_drift": drift} if drift else {}), **more)
    return passed(record, "json_schema", **more)


def _formats(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if isinstance(schema.get("format"), str):
            yield schema["format"]
        for child in schema.values():
            yield from _formats(child)
    elif isinstance(schema, list):
        for child in schema:
            yield from _formats(child)


def _drift(value: Any, schema: Any) -> Iterator[str]:
    """Texts of the value that nearly are a value of an `enum` at their place, such as "Red" for "red"."""
    if not isinstance(schema, Mapping):
        return
    allowed = [one for one in schema.get("enum", ()) if isinstance(one, str)]
    if isinstance(value, str) and allowed and value not in allowed:
        near = difflib.get_close_matches(value.strip().casefold(), [one.casefold() for one in allowed], n=1, cutoff=0.75)
        yield from (f"{value} for {one}" for one in allowed if near and one.casefold() == near[0])
    if isinstance(value, Mapping):
        properties = schema.get("properties")
        for name, child in properties.items() if isinstance(properties, Mapping) else ():
            if name in value:
                yield from _drift(value[name], child)
    if isinstance(value, list):
        for item in value:
            yield from _drift(item, schema.get("items"))
