"""Rows of JSON lines, Parquet and data sets: which of their fields is the text, and what else they say of themselves."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from pydantic_core import PydanticCustomError

from seodang.core.errors import InputError
from seodang.core.licenses import UNKNOWN, check_license
from seodang.data.sources.document import LicenseEvidence
from seodang.data.sources.evidence import date_of
from seodang.data.sources.extract import mapped, readable
from seodang.data.sources.found import Found
from seodang.data.sources.places import Place
from seodang.data.sources.source_map import Run, SourceMap

_TEXT_FIELDS = ("text", "messages")
_LICENSE_FIELDS = ("license", "licence")
_CONFIGURE = "name the field with the text as `text_field` of the source"


class RowText(NamedTuple):
    """What a row holds. `text` is empty where there is none."""

    text: str
    source: SourceMap | Place
    row_id: str
    license: str | None
    evidence: tuple[LicenseEvidence, ...]


def wanted_columns(columns: list[str], file: Found) -> list[str]:
    """Those of a table's columns that have to be read. InputError where the text is not among them."""
    top = _text_field(dict.fromkeys(columns), file, file.origin)
    source = file.source
    others = {source.id_field, *((source.license_field,) if source.license_field else _LICENSE_FIELDS)}
    return [name for name in columns if name in (top, top.split(".")[0]) or name in {other.split(".")[0] for other in others} | others]


def read_row(row: Mapping[str, Any], file: Found, where: str, place: Callable[[str], Place]) -> RowText:
    """The text of a row and what it says of itself; `place` makes the place of a field's value. InputError, naming `where`, for a field
    that is not there or is no text."""
    field = _text_field(row, file, where)
    value = _value(row, field)
    fields: list[str] = [field]
    if isinstance(value, list):
        runs, fields = _of_messages(value, field, where)
    elif isinstance(value, str) or value is None:
        runs = list(readable(value or ""))
    else:
        raise InputError(f"`{field}` is no text but {type(value).__name__}", where=where, hint=_CONFIGURE)
    parts = [place(name) for name in fields] or [place(field)]
    text, source = mapped(runs, parts, file.source.unicode_form)
    told = _value(row, file.source.id_field)
    return RowText(text, source, "" if told is None else str(told), *_license(row, file, where))


def _text_field(row: Mapping[str, Any], file: Found, where: str) -> str:
    named = file.source.text_field
    if named is not None:
        if named not in row and named.split(".")[0] not in row:
            raise InputError(f"no field `{named}`", where=where, hint=f"it has {_listed(row)}; {_CONFIGURE}")
        return named
    found = next((name for name in _TEXT_FIELDS if name in row), None)
    if found is None:
        raise InputError("neither `text` nor `messages` in it", where=where, hint=f"it has {_listed(row)}; {_CONFIGURE}")
    return found


def _listed(row: Mapping[str, Any]) -> str:
    return ", ".join(f"`{name}`" for name in list(row)[:8]) + ", ..." * (len(row) > 8) if row else "no field at all"


def _value(row: Mapping[str, Any], field: str) -> Any:
    """The value of a field, or of one inside of others where it is written with dots; None where there is none."""
    if field in row:
        return row[field]
    value: Any = row
    for name in field.split("."):
        if not isinstance(value, dict) or name not in value:
            return None
        value = value[name]
    return value


def _of_messages(messages: list[Any], field: str, where: str) -> tuple[list[Run], list[str]]:
    """Each message's text below a heading with its role."""
    runs: list[Run] = []
    fields: list[str] = []
    for index, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise InputError(f"`{field}[{index}]` is no message", where=where, hint="a message is an object with `role` and `content`")
        texts = list(_texts(message.get("content"), f"{field}[{index}].content", where))
        if any(text.strip() for _, text in texts):
            runs.append(Run(f"{chr(10) if runs else ''}# {message['role']}\n\n", 0, 0, False, len(fields)))
        for name, text in texts:
            if text.strip():
                runs += [*readable(text, len(fields)), Run("\n", len(text), len(text), False, len(fields))]
                fields.append(name)
    return runs, fields


def _texts(content: Any, field: str, where: str) -> Iterator[tuple[str, str]]:
    """The texts of a message's content: itself, or its parts of type text."""
    if content is None:
        return
    if isinstance(content, str):
        yield field, content
        return
    if not isinstance(content, list):
        raise InputError(f"`{field}` is no text", where=where, hint="content is a string, or a list of parts with `type` and `text`")
    for index, part in enumerate(content):
        if isinstance(part, dict) and isinstance(part.get("text"), str):
            yield f"{field}[{index}].text", part["text"]


def _license(row: Mapping[str, Any], file: Found, where: str) -> tuple[str | None, tuple[LicenseEvidence, ...]]:
    """The licence that a row states, where the recipe says in which field; elsewhere what it says is evidence and no more."""
    named = file.source.license_field
    field = named or next((name for name in _LICENSE_FIELDS if name in row), None)
    told = _value(row, field) if field else None
    if not isinstance(told, str) or not told.strip():
        return None, ()
    evidence = (LicenseEvidence("row", " ".join(told.split())[:100], f"{where}: {field}", date_of(file)),)
    if named is None:
        return None, evidence
    try:
        found = check_license(told)
    except PydanticCustomError as error:
        raise InputError(f"`{named}`: {error.message()}", where=where, hint=(error.context or {}).get("hint")) from error
    return (None if found == UNKNOWN else found), evidence
