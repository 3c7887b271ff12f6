"""Where a run's ledger is, and how its documents and records come into it. Runs with one step `build` share one ledger."""

import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seodang.core.artifact import Artifact
from seodang.core.errors import InputError, RecipeError, VerificationError
from seodang.core.files import read_json, read_json_lines, write_json
from seodang.core.hashing import digest
from seodang.core.records import Record
from seodang.data.build.prompt_text import prompts_digest
from seodang.data.ledger.checked import PutCheck
from seodang.data.ledger.enter import action_entity, by_name, document_entity, enter_made, sample_entity, span_entity
from seodang.data.ledger.facts import Activity, Entity
from seodang.data.ledger.index import INDEX
from seodang.data.ledger.ledger import Ledger
from seodang.data.ledger.policy import Policy, load_policy
from seodang.data.ledger.view import Ruled, read_verification, rule_all, verification_activity, write_view
from seodang.data.verify.decide import Decision
from seodang.pipeline.context import RunContext
from seodang.pipeline.own_answers import AUTHOR
from seodang.pipeline.spent import spent
from seodang.pipeline.workspace import LEDGERS, RUN_FILE, Workspace, open_run

PLACES = "places.jsonl"  # in the step `ingest`: where each passage stands in its original
POINTER = "ledger.json"  # in the step `verify`: its ledger, its verification and its policy
_VERSION = "1"  # of how documents and records become entities


@dataclass(frozen=True, slots=True)
class Place:
    """A ledger's folder, and the verification that is meant (None: all of them)."""

    folder: Path
    verification: str | None
    verified: Path | None = None  # the folder of the step `verify`, where a run was named
    built: Artifact | None = None  # that of the step `build`, where it is still there


@contextmanager
def open_run_ledger(context: RunContext) -> Generator[Ledger]:
    """The ledger of a run, to be written; no other process may write it meanwhile."""
    folder = context.workspace.store / LEDGERS / context.artifacts["build"].folder.name
    with Artifact(folder).locked(), Ledger(folder, create=True) as ledger:
        yield ledger


def recipe_policy(context: RunContext) -> Policy:
    """The policy that the recipe names, or the default one. RecipeError for one that names people, who speak after the run."""
    named = context.recipe.verify.policy
    policy = load_policy(context.resolve((named,))[0]) if named else load_policy()
    if policy.people:
        raise RecipeError(
            f"`policy`: {policy.people[0]} has said nothing yet when a recipe runs",
            where=named,
            hint="decide by it afterwards: `seodang data replay RUN --policy FILE`",
        )
    return policy


def enter_sources(context: RunContext, ledger: Ledger) -> dict[str, Entity]:
    """Enters documents, passages and actions of the step `ingest`, and returns passages and actions by their short names."""
    started, artifact = time.time(), context.artifacts["ingest"]
    texts = {row["name"]: row["text"] for row in read_json_lines(artifact.folder / "documents.jsonl")}
    documents = by_name(document_entity(row, texts[row["name"]]) for row in artifact.manifest["summary"]["documents"])
    places = {row["passage"]: row["places"] for row in read_json_lines(artifact.folder / PLACES)}
    spans = by_name(span_entity(passage, documents, places[passage.id]) for passage in context.passages)
    actions = by_name(action_entity(action, spans) for action in context.actions)
    activity = Activity("ingest", _VERSION, artifact.manifest["key"], used=tuple(entity.id for entity in documents.values()))
    enter_made(ledger, activity, [*documents.values(), *spans.values(), *actions.values()], None, started)
    return {**spans, **actions}


def enter_records(context: RunContext, ledger: Ledger, records: Sequence[Record], sources: dict[str, Entity]) -> list[Entity]:
    """Enters the records of the step `build`, in order; each kind was made by an activity of its own."""
    started, recipe, artifact = time.time(), context.recipe, context.artifacts["build"]
    author = artifact.folder / AUTHOR
    teacher = digest({key: value for key, value in read_json(author).items() if key != "engine"}) if author.is_file() else ""
    entities = [sample_entity(record, sources, recipe.teacher.license) for record in records]
    asked = [(kind, "teacher") for kind in ("act", "know", "general") if spent(artifact.folder, kind)]  # also where nothing came of it
    kinds = dict.fromkeys([*asked, *((record.kind, record.author) for record in records)])
    for kind, written_by in kinds:
        made = [entity for entity, record in zip(entities, records, strict=True) if (record.kind, record.author) == (kind, written_by)]
        by_teacher = written_by == "teacher"
        activity = Activity(
            f"build.{kind}" if by_teacher else f"build.{kind}.{written_by}",
            _VERSION,
            artifact.manifest["key"],
            teacher=teacher if by_teacher else "",
            sampling={name: getattr(recipe.build, name) for name in ("temperature", "top_p")} | {"seed": recipe.seed} if by_teacher else {},
            prompts=prompts_digest(recipe.build.prompts),
            settings=recipe.build.model_dump(mode="json"),
            used=tuple(dict.fromkeys(source for entity in made for source in entity.derived_from)),
        )
        enter_made(ledger, activity, made, spent(artifact.folder, kind) if by_teacher else None, started)
    return entities


def keep_decisions(
    ledger: Ledger, folder: Path, inputs: Sequence[Entity], put: Sequence[PutCheck], policy: Policy, decisions: Sequence[Decision]
) -> list[Ruled]:
    """Enters the verification, keeps its view in the ledger and a pointer to it in the step's `folder`. Returns the view, one row an input.

    VerificationError where the ledger, read back, does not give these decisions.
    """
    checks = [(check.name, check.version, check.config) for check in put]
    activity = verification_activity([entity.id for entity in inputs], checks, policy, _VERSION)
    ledger.commit((), activities=[activity])
    verification = read_verification(activity.row())
    ruled = rule_all(ledger, verification)
    told = {row.name: (row.decision, row.check) for row in ruled if row.check != "repeated"}
    if told != {decision.record.id: (decision.outcome, decision.check) for decision in decisions}:
        raise VerificationError(
            "the ledger does not hold what was decided",
            where=str(ledger.folder),
            hint="this is a fault of seodang; please report it with this folder",
        )
    write_view(ledger.folder, verification, policy, ruled)
    write_json(folder / POINTER, {"ledger": ledger.folder.name, "verification": activity.id, "policy": policy.digest})
    return ruled


def find_place(path: Path) -> Place:
    """The ledger of a run's folder, or of a ledger's own. InputError where there is none yet."""
    if (path / INDEX).is_file():
        return Place(path, None)
    run = open_run(path)
    verified = run.artifact("verify")
    if not verified.done or not (verified.folder / POINTER).is_file():
        raise InputError("nothing was verified here yet", where=str(path), hint="run the recipe up to the step `verify`, with this version")
    pointer: dict[str, Any] = read_json(verified.folder / POINTER)
    folder, built = run.folder.parent / ".store" / LEDGERS / pointer["ledger"], run.artifact("build")
    return Place(folder, pointer["verification"], verified.folder, built if built.done else None)


def choose_run(run: Path | None, root: Path) -> Path:
    """What is meant by RUN: a path that is there, or else the name of a run below `root`; where none is given, the only run there."""
    if run is None:
        return only_run(root)
    is_name = len(run.parts) == 1 and not run.exists() and ((root / run).is_dir() or not run.suffix)
    return root / run if is_name else run


def only_run(root: Path) -> Path:
    """The folder of the only run below `root`. InputError, with their names, where there are several or none."""
    runs = sorted(path.parent for path in root.glob(f"*/{RUN_FILE}"))
    if len(runs) != 1:
        hint = f"name one of {', '.join(map(str, runs))}" if runs else "`seodang run recipes/telecom_demo.yaml` makes one"
        raise InputError(f"{len(runs)} runs, and one must be meant", where=str(root), hint=hint)
    return runs[0]


def ledgers(root: Path) -> list[Path]:
    """The folders of all ledgers below a folder of runs, the one that was written last first."""
    return sorted((path.parent for path in (Workspace(root).store / LEDGERS).glob(f"*/{INDEX}")), key=_written, reverse=True)


def _written(folder: Path) -> float:
    return (folder / INDEX).stat().st_mtime
