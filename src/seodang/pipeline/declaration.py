"""What a gate declared and when, kept before its first item is asked, so that nobody can move a bound after seeing the answers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from seodang.core.artifact import Artifact
from seodang.core.files import read_json, write_json
from seodang.core.progress import Progress
from seodang.evaluation.gate_file import Gate
from seodang.pipeline.evaluate import can_be_read, folders_of_key

DECLARED, VERDICT = "declared.json", "verdict.json"


@dataclass(frozen=True, slots=True)
class Redeclared:
    """A declaration that was replaced when answers were already there, why, and what changed."""

    at: str
    reason: str
    digest: str  # of the gate before
    changes: tuple[str, ...]
    seen: tuple[str, ...]  # folders of the student's answers that were there, or the verdict


@dataclass(frozen=True, slots=True)
class Declaration:
    """A gate as it was declared. `seen` are the student's answers that were there before, or else a verdict; with any, it was not declared
    beforehand."""

    digest: str
    declared_at: str  # UTC
    gate: dict[str, Any]
    folders: tuple[str, ...]  # where the student's answers are kept
    seen: tuple[str, ...]
    asked: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])  # by task: digest of each part of it
    students: Mapping[str, str] = field(default_factory=dict[str, str])  # by think mode: digest of the student's identity
    others: Mapping[str, str] = field(default_factory=dict[str, str])  # by name and think mode: digest of their identities
    redeclared: tuple[Redeclared, ...] = ()
    unreadable: tuple[str, ...] = ()  # other evaluations that were there and could not be read: they may hold answers of the student

    @property
    def before(self) -> bool:
        return not self.seen and not self.redeclared

    @property
    def excused(self) -> bool:
        """Whether a reason was given for what was seen."""
        return bool(self.redeclared) and self.redeclared[-1].seen == self.seen

    @classmethod
    def read(cls, path: Path) -> Self:
        row = read_json(path)
        redeclared = tuple(
            Redeclared(one["at"], one["reason"], one["digest"], tuple(one["changes"]), tuple(one["seen"])) for one in row["redeclared"]
        )
        told = {name: row.get(name, {}) for name in ("asked", "students", "others")}
        kept = tuple(row["folders"]), tuple(row["seen"])
        lost = tuple(row.get("unreadable", ()))
        return cls(row["digest"], row["declared_at"], row["gate"], *kept, redeclared=redeclared, unreadable=lost, **told)


@dataclass(frozen=True, slots=True)
class Declared:
    """What a verdict tells of it: the declaration in force, and what is otherwise now."""

    declaration: Declaration
    changes: tuple[str, ...]  # of the file, the items and the student since, where they were not declared anew

    @property
    def holds(self) -> bool:
        """Whether a gate may pass on it: declared beforehand, or declared anew with a reason that the verdict tells."""
        return not self.changes and (self.declaration.before or self.declaration.excused)

    def row(self) -> dict[str, Any]:
        declaration = self.declaration
        return {
            "declared_before": declaration.before and not self.changes,
            "declared_at": declaration.declared_at,
            "declared_digest": declaration.digest,
            "changes": list(self.changes),
            "answers_seen": list(declaration.seen),
            "could_not_be_read": list(declaration.unreadable),
            "redeclared": [asdict(one) for one in declaration.redeclared],
        }


def is_declared(folder: Path, gate: Gate) -> bool:
    """Whether this very file of a gate was declared in `folder`."""
    path = folder / DECLARED
    return path.is_file() and Declaration.read(path).digest == gate.digest


def declare(
    folder: Path,
    gate: Gate,
    folders: Sequence[Path],
    *,
    alike: Sequence[Path] = (),
    asked: Mapping[str, Mapping[str, str]],
    students: Mapping[str, str],
    redeclare: str | None,
) -> Declared:
    """Keeps the declaration in `folder` if there is none, or none that was looked at; `folders` are those of the student's answers.

    `alike` are folders in which the student answered the same items, asked in another way; those among them that cannot be read are told on
    stderr and kept as `unreadable`, and count as seen once they can be read and still are alike. A verdict in `folder` was looked at, even
    where the answers that it is of are gone.
    `asked` has the digests of what makes up each task, by its title, and `students` that of the student's identity, by think mode. With a
    reason `redeclare` all is declared anew as it is now, which stays on record.
    """
    path, now = folder / DECLARED, datetime.now(UTC).isoformat(timespec="seconds")
    begun = _begun(folders)
    lost = tuple(dict.fromkeys(str(place) for place in alike if str(place) not in begun and not can_be_read(place)))
    same = [str(place) for place in alike if str(place) not in lost]
    there = tuple(dict.fromkeys([*begun, *same])) or _verdict(folder)
    kept = gate.digest, now, gate.model_dump(mode="json"), tuple(map(str, folders))
    fresh = Declaration(*kept, there, asked, students, unreadable=lost)
    stored = Declaration.read(path) if path.is_file() else None
    known = stored and _read_again(stored, same)
    looked_at = bool(there) or (known is not None and bool(known.seen or _begun(map(Path, known.folders))))
    current = known if known is not None and looked_at else fresh
    changes = _differences(current, fresh)
    needs_reason = bool(changes) or not (current.before or current.excused)
    if redeclare is not None and needs_reason:
        seen = tuple(dict.fromkeys([*current.seen, *there, *_begun(map(Path, current.folders))]))
        told = Redeclared(now, redeclare, current.digest, changes, seen)
        lost = tuple(dict.fromkeys([*current.unreadable, *lost]))
        current = replace(fresh, seen=seen, redeclared=(*current.redeclared, told), others=current.others, unreadable=lost)
        changes = ()
    if current != stored:
        write_json(path, asdict(current))
    for place in current.unreadable:
        Progress(f"gate {gate.name}").tell(f"{place} could not be read; whether the student answered the gate's items in it is not known")
    return Declared(current, changes)


def declare_others(folder: Path, declared: Declared, others: Mapping[str, str], *, redeclare: str | None) -> Declared:
    """The same with the models that the student is held against: new ones are kept, as digests of their identities, and one that is another
    than it was is a change like any other."""
    current = declared.declaration
    swapped = [name for name, value in others.items() if current.others.get(name, value) != value]
    changes = tuple(f"{name}: other weights, or another template or engine" for name in swapped)
    if changes and redeclare is not None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        told = Redeclared(now, redeclare, current.digest, changes, current.seen)
        current, changes = replace(current, others={**current.others, **others}, redeclared=(*current.redeclared, told)), ()
    kept = replace(current, others={**others, **current.others})
    if kept != declared.declaration:
        write_json(folder / DECLARED, asdict(kept))
    return Declared(kept, tuple(dict.fromkeys([*declared.changes, *changes])))


def changed(before: Any, after: Any, key: str = "") -> list[str]:
    """What differs between two gates, as `key: old -> new`."""
    if before == after:
        return []
    if isinstance(before, dict) and isinstance(after, dict):
        keys = dict.fromkeys([*before, *after])
        return [line for name in keys for line in changed(before.get(name), after.get(name), f"{key}.{name}" if key else str(name))]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [line for place, (old, new) in enumerate(zip(before, after, strict=True)) for line in changed(old, new, f"{key}.{place}")]
    return [f"{key}: {before} -> {after}"]


def _differences(before: Declaration, now: Declaration) -> tuple[str, ...]:
    """What differs between two declarations: in the file, in what is asked, and in the student behind an equal name."""
    lines = changed(before.gate, now.gate)
    for title, parts in now.asked.items():
        if title not in before.asked:
            lines.append(f"{title}: its items were not declared")
        else:
            lines += [f"{part} of {title}: changed" for part, value in parts.items() if before.asked[title].get(part) != value]
    if before.gate["student"] == now.gate["student"]:
        others = [think for think, value in now.students.items() if before.students.get(think, value) != value]
        lines += ["student: other weights, or another template or engine"] if others else []
    return tuple(lines)


def _read_again(known: Declaration, alike: Sequence[str]) -> Declaration:
    """The declaration with those of its folders that can be read again: answers to the same items were seen, the others are none."""
    readable = [place for place in known.unreadable if can_be_read(Path(place))]
    lost = tuple(place for place in known.unreadable if place not in readable)
    seen = tuple(dict.fromkeys([*known.seen, *(place for place in readable if place in alike)]))
    return replace(known, seen=seen, unreadable=lost)


def _verdict(folder: Path) -> tuple[str, ...]:
    path = folder / VERDICT
    return (str(path),) if path.is_file() else ()


def _begun(folders: Iterable[Path]) -> tuple[str, ...]:
    """Those of the folders where answers stand, all or some, and those beside them that hold the same answers under another name."""
    places = [place for folder in folders for place in [folder, *folders_of_key(folder.parent, folder.name.rpartition("__")[2])]]
    return tuple(dict.fromkeys(str(place) for place in places if Artifact(place).done or any((place / "partial").glob("*"))))
