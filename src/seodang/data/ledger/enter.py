"""Documents, spans, actions and samples as entities of the ledger, each derived from those that it was made of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from seodang.core.licenses import join_licenses
from seodang.core.permissions import Duty, combine, judge, read_permissions
from seodang.core.records import Action, Passage, Record
from seodang.data.ledger.facts import Activity, Entity
from seodang.data.ledger.ledger import Ledger

_ROWS_A_SHARD = 8192
_EVIDENCE = "evidence"
_APART = ("id", "language", "domain", "capability")  # columns of their own, or the short name


def document_entity(row: Mapping[str, Any], text: str) -> Entity:
    """A document, with the SHA-256 of its bytes as they were found and the text that spans refer to. `row` is that of step `ingest`.

    Beside its permissions stands the evidence for its licence: who says so, where, and when.
    """
    content = {"name": row["name"], "sha256": row["sha256"], "origin": row["origin"], "text": text}
    permissions = {"license": row["license"], **row.get("permissions", {}), **({_EVIDENCE: row[_EVIDENCE]} if row.get(_EVIDENCE) else {})}
    return Entity("document", row["name"], content, row["language"], permissions=permissions)


def span_entity(passage: Passage, documents: Mapping[str, Entity], places: Sequence[Mapping[str, Any]] = ()) -> Entity:
    """A passage: where it stands in its document's text, in `places` of the original, and what it says."""
    told = asdict(passage)
    content = {name: told[name] for name in ("document", "start", "end", "text", "heading", "lead", "statement")}
    if places:
        content["places"] = [dict(place) for place in places]
    source = documents[passage.document]
    permissions = {name: value for name, value in source.permissions.items() if name != _EVIDENCE}
    return Entity("span", passage.id, content, passage.language, derived_from=(source.id,), permissions=permissions)


def action_entity(action: Action, spans: Mapping[str, Entity]) -> Entity:
    """An action, derived from the passages that describe it or make it the next step."""
    sources = [spans[name] for name in dict.fromkeys([*action.passages, *(rule.passage for rule in action.rules)])]
    return Entity("action", action.name, asdict(action), derived_from=tuple(source.id for source in sources), permissions=_of_all(sources))


def sample_entity(record: Record, sources: Mapping[str, Entity], written_by: str = "") -> Entity:
    """A record, derived from its passages and its action as far as they are known. `written_by` is the licence of the teacher that wrote
    it: the name of its licence stands beside the sources' ones, and what it permits counts with what they permit."""
    content = {name: value for name, value in record.row().items() if name not in _APART}
    named = dict.fromkeys((*record.passages, record.action))
    known = [sources[name] for name in named if name in sources]
    permissions = _of_all(known, written_by if record.author == "teacher" else "")
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


def _of_all(sources: Sequence[Entity], written_by: str = "") -> dict[str, Any]:
    """The permissions of what was made from these sources, by a teacher under that licence: the most restrictive answers of all, and a
    label where a teacher wrote it."""
    told: dict[str, Any] = {"license": join_licenses(source.permissions["license"] for source in sources)} if sources else {}
    given = [read_permissions(source.permissions) for source in sources if "train" in source.permissions]
    if written_by:
        told["teacher_license"] = written_by
        given.append(replace(judge(written_by).permissions, ai_label=Duty.REQUIRED))
    return {**told, **combine(given).row()} if given else told


def sample_row(row: Mapping[str, Any], content: Mapping[str, Any]) -> dict[str, Any]:
    """The same as `Record.row` gives it, with the fields that there were when it was entered."""
    return {"id": row["name"], **content, **{name: row[name] for name in _APART if name != "id"}}


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
