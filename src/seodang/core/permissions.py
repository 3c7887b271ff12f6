"""What a licence lets one do, as six answers that can be joined over everything a record was made from.

A licence is judged by the table in `license_permissions.csv`, which names its source row by row. What the table does not have is unknown.
Most restrictive wins: `deny` over `unknown` over `allow`, and `required` over `unknown` over `not_required`. `unknown` blocks a release
and never a training. These are readings of licences for a machine, and no legal advice.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any, Literal

from seodang.core.licenses import is_known, parse_license


class Permission(StrEnum):
    """May it be done?"""

    ALLOW = "allow"
    UNKNOWN = "unknown"
    DENY = "deny"


class Duty(StrEnum):
    """Must it be done by whoever passes the thing on?"""

    NOT_REQUIRED = "not_required"
    UNKNOWN = "unknown"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Permissions:
    """What may be done with a text, or with what was made from it, and what must be."""

    train: Permission  # a model may be taught from it
    redistribute: Permission  # it, and records that hold parts of it, may be given to others
    commercial: Permission  # all that is allowed may be done for profit
    derive: Permission  # what is made from it (an adapted text, a record, a taught model) may be given to others
    attribution: Duty  # its source must be named
    ai_label: Duty  # what a machine made must be marked as such

    def row(self) -> dict[str, str]:
        return {name: str(value) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Judgement:
    """The permissions of a licence expression, with the licence that was chosen where `OR` leaves a choice, and where they stand."""

    permissions: Permissions
    chosen: tuple[str, ...]  # expressions, one for each OR
    sources: tuple[str, ...]  # address of each licence that the table has, and when it was judged
    unlisted: tuple[str, ...]  # licences that the table does not have


def _all(permission: Permission, duty: Duty) -> Permissions:
    return Permissions(permission, permission, permission, permission, duty, duty)


ALL_ALLOWED = _all(Permission.ALLOW, Duty.NOT_REQUIRED)
ALL_UNKNOWN = _all(Permission.UNKNOWN, Duty.UNKNOWN)
GENERATED = replace(ALL_ALLOWED, ai_label=Duty.REQUIRED)  # a machine's words (Korea's AI Basic Act, article 31, in force 2026-01-22)


def combine(permissions: Iterable[Permissions]) -> Permissions:
    """What holds for something that was made from all of these: answer by answer the most restrictive; of nothing, all is unknown."""
    given = list(permissions)
    if not given:
        return ALL_UNKNOWN
    answers = {field.name: max((getattr(each, field.name) for each in given), key=_rank) for field in fields(Permissions)}
    return replace(ALL_UNKNOWN, **answers)


def judge(expression: str) -> Judgement:
    """The permissions of a checked SPDX expression. `AND` joins; of `OR` the alternative that restricts least is chosen as a whole
    (compared answer by answer in their order; of equals the first); `WITH` keeps what its licence gives: an exception only adds to it."""
    if not is_known(expression):
        return Judgement(ALL_UNKNOWN, (), (), ())
    return _judge(parse_license(expression))


def release_blocks(permissions: Permissions, what: Literal["data", "model"], *, commercial: bool = True) -> list[str]:
    """The answers that keep records (`data`) or a taught model from being given to others, such as "redistribute: unknown"; empty: none.

    A duty never blocks: it can be done, and an unknown one is done.
    """
    needed = ["derive", *(["redistribute"] if what == "data" else ["train"]), *(["commercial"] if commercial else [])]
    found = [(field.name, getattr(permissions, field.name)) for field in fields(Permissions) if field.name in needed]
    return [f"{name}: {value}" for name, value in found if value is not Permission.ALLOW]


def duties(permissions: Permissions) -> list[str]:
    """What whoever passes it on has to do; a duty that is not known counts."""
    told = {"attribution": "name the sources", "ai_label": "mark it as made by a machine"}
    return [words for name, words in told.items() if getattr(permissions, name) is not Duty.NOT_REQUIRED]


def table() -> dict[str, tuple[Permissions, str]]:
    """The permissions of each licence that was judged, by its id, with the address of its text and the day of the judgement."""
    return dict(_table())


@cache
def _table() -> dict[str, tuple[Permissions, str]]:
    text = resources.files("seodang.core").joinpath("license_permissions.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {row["license"]: (read_permissions(row), f"{row['source']} (judged {row['judged']})") for row in rows}


def read_permissions(row: Mapping[str, Any]) -> Permissions:
    """The permissions that a row holds under their names, beside whatever else is in it. ValueError for an answer that is none."""
    return replace(ALL_UNKNOWN, **{f.name: type(getattr(ALL_UNKNOWN, f.name))(row[f.name]) for f in fields(Permissions)})


def _judge(parsed: Any) -> Judgement:
    operator = str(getattr(parsed, "operator", "")).strip()
    if operator == "AND":
        return _together([_judge(part) for part in parsed.args])
    if operator == "OR":
        alternatives = [(_judge(part), part.render()) for part in parsed.args]
        best, name = min(alternatives, key=lambda pair: _order(pair[0].permissions))
        return replace(best, chosen=(*best.chosen, name))
    name = getattr(parsed, "license_symbol", parsed).key  # WITH has a licence and an exception
    if name not in _table():
        return Judgement(ALL_UNKNOWN, (), (), (name,))
    permissions, source = _table()[name]
    return Judgement(permissions, (), (source,), ())


def _together(parts: Sequence[Judgement]) -> Judgement:
    def all_of(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(value for part in parts for value in getattr(part, name)))

    return Judgement(combine(part.permissions for part in parts), all_of("chosen"), all_of("sources"), all_of("unlisted"))


def _order(permissions: Permissions) -> tuple[int, ...]:
    return tuple(_rank(getattr(permissions, field.name)) for field in fields(Permissions))


def _rank(value: Permission | Duty) -> int:
    return (list(Permission) if isinstance(value, Permission) else list(Duty)).index(value)  # pyright: ignore[reportArgumentType]
