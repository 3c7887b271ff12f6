"""What the ledger holds: entities, activities and verdicts. An id is the SHA-256 of the content, so equal content is one fact.

The words entity, activity, used and generated are those of W3C PROV-O.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seodang.core.hashing import canonical_json, digest

_HASHED = ("kind", "content", "language", "domain", "capability", "derived_from")


@dataclass(frozen=True, slots=True)
class Entity:
    """A row of the table `record`: a document, a span of one, an action, or a sample that is to be taught.

    `name` is the short name by which a run's other files call it, `permissions` what its licences let be done; neither they nor the
    activity are part of the id.
    """

    kind: str
    name: str
    content: Mapping[str, Any]
    language: str = ""
    domain: str = ""
    capability: str = ""
    derived_from: tuple[str, ...] = ()
    permissions: Mapping[str, Any] = field(default_factory=dict[str, Any])
    activity: str = ""
    id: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", _entity_id({name: getattr(self, name) for name in _HASHED}))

    def row(self) -> dict[str, Any]:
        """The row of the table."""
        told = {name: getattr(self, name) for name in ("id", *_HASHED, "name", "activity")}
        return {**told, "content": canonical_json(self.content), "permissions": canonical_json(self.permissions)}


def entity_id(row: Mapping[str, Any]) -> str:
    """The id that a row of the table `record` must have: 64 hexadecimal digits."""
    return _entity_id({**{name: row[name] for name in _HASHED}, "content": json.loads(row["content"])})


def _entity_id(hashed: Mapping[str, Any]) -> str:
    return digest({**hashed, "derived_from": list(hashed["derived_from"])})


@dataclass(frozen=True, slots=True)
class Activity:
    """A row of the table `activity`: what was done with which settings. Times, tokens and costs are measured and stand elsewhere.

    `config` is the digest of what else decides about the result, `teacher` that of the teacher's identity (empty: none was asked),
    `prompts` that of the prompts' texts. `used` and `generated` are ids of entities in order, with repeats.
    """

    stage: str
    version: str
    config: str
    teacher: str = ""
    sampling: Mapping[str, Any] = field(default_factory=dict[str, Any])
    prompts: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    used: tuple[str, ...] = ()
    generated: tuple[str, ...] = ()
    id: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", activity_id(self._told()))

    def row(self) -> dict[str, Any]:
        """The row of the table."""
        return {"id": self.id, **self._told()}

    def _told(self) -> dict[str, Any]:
        told = {name: getattr(self, name) for name in ("stage", "version", "config", "teacher", "prompts", "used", "generated")}
        return {**told, "sampling": canonical_json(self.sampling), "settings": canonical_json(self.settings)}


def activity_id(row: Mapping[str, Any]) -> str:
    """The id that a row of the table `activity` must have: 64 hexadecimal digits."""
    return digest({name: list(value) if isinstance(value, list | tuple) else value for name, value in row.items() if name != "id"})


@dataclass(frozen=True, slots=True)
class Finding:
    """A row of the table `verdict`: what one check of one version and configuration found about one record."""

    record: str
    check: str
    version: int
    config: str
    outcome: str
    evidence: Mapping[str, Any]
    activity: str

    def row(self) -> dict[str, Any]:
        """The row; the evidence keeps the order in which the check told it."""
        told = {name: getattr(self, name) for name in ("record", "check", "version", "config", "outcome", "activity")}
        return {**told, "evidence": json.dumps(self.evidence, ensure_ascii=False, allow_nan=False)}


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of work: a record at a stage under a configuration. It is done once with effect, however often it is tried."""

    stage: str
    config: str
    record: str


def check_stage(check: str) -> str:
    """The stage at which a check is put to records."""
    return f"verify.{check}"
