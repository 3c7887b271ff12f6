"""Label Studio's files: tasks to import there, its labelling interface, and annotations as it exports them (JSON, not JSON-MIN)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError
from seodang.core.files import read_json
from seodang.core.hashing import digest

CHOICES = {"right": "pass", "wrong": "fail", "cannot tell": "undecided"}
_FIELD = "verdict"
_SHOWN = ("question", "answer", "material", "conversation")


@dataclass(frozen=True, slots=True)
class Annotation:
    """What one person said of one item, under a pseudonym; `adjudication` where it settles what two others disagreed on."""

    item: str
    person: str
    outcome: str  # "pass", "fail" or "undecided"
    note: str
    adjudication: bool
    at: str = ""  # when it was last changed, as Label Studio tells it (ISO 8601); empty where it does not

    @property
    def round(self) -> str:
        return "adjudication" if self.adjudication else "first"


def interface() -> str:
    """The labelling interface: what is shown, one choice, and room for a note."""
    shown = "\n".join(f'  <Header value="{escape(name.capitalize())}"/>\n  <Text name="{name}" value="${name}"/>' for name in _SHOWN)
    choices = "\n".join(f'    <Choice value="{choice}"/>' for choice in CHOICES)
    return (
        f'<View>\n{shown}\n  <Choices name="{_FIELD}" toName="answer" choice="single" required="true">\n{choices}\n  </Choices>\n'
        '  <TextArea name="note" toName="answer" maxSubmissions="1" placeholder="why"/>\n</View>\n'
    )


def make_task(item: str, row: Mapping[str, Any], material: str, people: Sequence[str], *, adjudication: bool = False) -> dict[str, Any]:
    """A task that shows a record and nothing of what was decided about it."""
    conversation = "\n".join(
        f"{turn.get('role', '')}: {turn.get('content') or turn.get('tool_calls', '')}" for turn in row.get("turns", ())
    )
    data = {"item": item, "question": row.get("question", ""), "answer": row.get("answer", "")}
    data |= {"material": material or "-", "conversation": conversation or "-", "assigned": ", ".join(people)}
    data |= {"round": "adjudication" if adjudication else "first"}
    return {"data": data, **({"meta": {"person": people[0]}} if len(people) == 1 else {})}


def read_annotations(path: Path, salt: str) -> list[Annotation]:
    """The annotations of an exported file. People become pseudonyms: the one that a task was made for or, of a common file, a digest of
    who completed it. Withdrawn annotations are left out; of several by one person the last one counts.

    InputError names the task that is not of this queue's form.
    """
    tasks = read_json(path)
    if not isinstance(tasks, list):
        raise InputError("not a list of tasks", where=str(path), hint="export from Label Studio as JSON (not JSON-MIN)")
    found: dict[tuple[str, str], Annotation] = {}
    for place, task in enumerate(tasks, start=1):
        where = f"{path}: task {place}"
        data = task.get("data") if isinstance(task, Mapping) else None
        if not isinstance(data, Mapping) or "item" not in data or not isinstance(task.get("annotations", []), list):
            raise InputError("not a task of a review queue", where=where, hint="export from Label Studio as JSON (not JSON-MIN)")
        rows = sorted(task.get("annotations", []), key=_changed)
        for row in rows:
            if not row.get("was_cancelled"):
                one = _read(row, task, salt, where)
                found[one.item, one.person] = one
    return list(found.values())


def _read(row: Mapping[str, Any], task: Mapping[str, Any], salt: str, where: str) -> Annotation:
    results = row.get("result") or []
    chosen = [choice for one in results if one.get("from_name") == _FIELD for choice in one.get("value", {}).get("choices", [])]
    if len(chosen) != 1 or chosen[0] not in CHOICES:
        raise InputError(f"one choice of {', '.join(CHOICES)} is needed, not {chosen}", where=where, hint="use the interface of the queue")
    notes = [text for one in results if one.get("from_name") == "note" for text in one.get("value", {}).get("text", [])]
    adjudication = task["data"].get("round") == "adjudication"
    return Annotation(str(task["data"]["item"]), _person(row, task, salt), CHOICES[chosen[0]], " ".join(notes), adjudication, _changed(row))


def _changed(row: Mapping[str, Any]) -> str:
    return str(row.get("updated_at") or row.get("created_at") or "")


def _person(row: Mapping[str, Any], task: Mapping[str, Any], salt: str) -> str:
    meta = task.get("meta") or {}
    if meta.get("person"):
        return str(meta["person"])
    who = row.get("completed_by")
    identity = who.get("email") or who.get("id") if isinstance(who, Mapping) else who
    return digest([salt, str(identity)])[:8]
