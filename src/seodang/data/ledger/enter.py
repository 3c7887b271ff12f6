"""Documents, spans, actions and samples as entities of the ledger, each derived from those that it was made of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from seodang.core.licenses import join_licenses
from seodang.core.records import Action, Passage, Record
from seodang.data.ledger.facts import Activity, Entity
from seodang.data.ledger.ledger import Ledger

_ROWS_A_SHARD = 8192
_APART = ("id", "language", "domain", "capability")  # columns of their own, or the short name


def document_entity(row: Mapping[str, Any], text: str) -> Entity:
    """A document, with the SHA-256 of its bytes as they were found and the text that spans refer to. `row` is that of step `ingest`."""
    content = {"name": row["name"], "sha256": row["sha256"], "origin": row["origin"], "text": text}
    return Entity("document", row["name"], content, row["language"], permissions={"license": row["license"]})


def span_entity(passage: Passage, documents: Mapping[str, Entity]) -> Entity:
    """A passage: where it stands in its document, and what it says."""
    told = asdict(passage)
    content = {name: told[name] for name in ("document", "start", "end", "text", "heading", "lead", "statement")}
    sources = (documents[passage.document].id,)
    return Entity("span", passage.id, content, passage.language, derived_from=sources, permissions={"license": passage.license})


def action_entity(action: Action, spans: Mapping[str, Entity]) -> Entity:
    """An action, derived from the passages that describe it or make it the next step."""
    sources = [spans[name] for name in dict.fromkeys([*action.passages, *(rule.passage for rule in action.rules)])]
    licenses = join_licenses(source.permissions["license"] for source in sources)
    return Entity(
        "action", action.name, asdict(action), derived_from=tuple(source.id for source in sources), permissions={"license": licenses}
    )


def sample_entity(record: Record, sources: Mapping[str, Entity], written_by: str = "") -> Entity:
    """A record, derived from its passages and its action as far as they are known. `written_by` is the licence of the teacher that wrote
    it; it stands beside the sources' licences and is not joined with them."""
    content = {name: value for name, value in record.row().items() if name not in _APART}
    named = dict.fromkeys((*record.passages, record.action))
    known = [sources[name] for name in named if name in sources]
    permissions: dict[str, Any] = {"license": join_licenses(source.permissions["license"] for source in known)} if known else {}
    if written_by and record.author == "teacher":
        permissions["teacher_license"] = written_by
    return Entity(
        "sample",
        record.id,
        content,
        record.language,
        record.domain,
        record.capability,
        tuple(source.id for source in known),
        permissions,
    )


def sample_record(row: Mapping[str, Any], content: Mapping[str, Any]) -> Record:
    """The record that a row of kind `sample` holds."""
    return Record.from_row({**content, **{name: row[name] for name in ("language", "domain", "capability")}})


def enter_made(ledger: Ledger, activity: Activity, entities: Sequence[Entity], costs: Mapping[str, Any] | None, started: float) -> Activity:
    """Adds entities, in order and with repeats, and the activity that made them. What is there already stays as it is."""
    made = replace(activity, generated=tuple(entity.id for entity in entities))
    for first in range(0, len(entities), _ROWS_A_SHARD):
        part = [replace(entity, activity=made.id) for entity in entities[first : first + _ROWS_A_SHARD]]
        ledger.commit((), entities=part, activities=[made], costs=costs if first == 0 else None, started=started)
    if not entities:
        ledger.commit((), activities=[made], costs=costs, started=started)
    return made


def by_name(entities: Iterable[Entity]) -> dict[str, Entity]:
    """Entities by their short names."""
    return {entity.name: entity for entity in entities}
