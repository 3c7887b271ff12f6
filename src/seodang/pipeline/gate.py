"""Runs a declared gate: keeps the declaration, asks what is missing, and decides."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError, RecipeError, SeodangError
from seodang.core.files import write_json
from seodang.core.hashing import digest
from seodang.core.sections import load_section, locate
from seodang.evaluation.claims import claims
from seodang.evaluation.clean_items import THRESHOLD, Similarities, by_similarity, read_similarity
from seodang.evaluation.gate import decide, needed_answers, refuse_stranger, waive
from seodang.evaluation.gate_file import STUDENT, Gate, GateTask, Waiver, load_gate
from seodang.evaluation.result import Evaluation, item_row
from seodang.evaluation.run import Settings, refuse_unable, task_items
from seodang.evaluation.task import Item, Options, Task, find_task
from seodang.models.chat_model import ChatModel, think_mode
from seodang.models.think import ThinkMode
from seodang.pipeline.asked_tasks import task_options
from seodang.pipeline.declaration import VERDICT, Declared, declare, declare_others, is_declared
from seodang.pipeline.evaluate import FOLDER, answer, evaluation_folder, same_items_answered
from seodang.pipeline.open_model import open_model
from seodang.pipeline.report_evaluations import write_report
from seodang.pipeline.workspace import Workspace

GATES = "gates"  # below RUNS/eval: one folder a gate


@dataclass(frozen=True, slots=True)
class _Asked:
    """A task of the gate, ready to be put to a model."""

    told: GateTask
    task: Task
    options: Options
    settings: Settings
    items: tuple[Item, ...]

    @property
    def digests(self) -> dict[str, str]:
        """Of each part of what is asked, so that a change of it is told."""
        parts = {
            "items": [item_row(item) for item in self.items],
            "version": [self.task.name, self.task.version],
            "options": self.options.model_dump(mode="json"),
            "settings": asdict(self.settings),
        }
        return {name: digest(part) for name, part in parts.items()}

    def folder(self, model: ChatModel, root: Path) -> Path:
        return evaluation_folder(model, self.task, self.options, self.settings, self.items, root)

    def answered_before(self, model: ChatModel, root: Path) -> list[Path]:
        return same_items_answered(root / FOLDER, model, self.task, self.items)

    def answer(self, model: ChatModel, root: Path) -> Evaluation:
        return answer(model, self.task, self.options, self.settings, self.items, self.folder(model, root))


@dataclass(frozen=True, slots=True)
class _Arm:
    """A model of the gate in one think mode, with the tasks that it answers in it."""

    name: str
    think: str | None  # None: its own
    tasks: tuple[_Asked, ...]


def run_gate(
    path: Path,
    root: Path,
    *,
    redeclare: str | None = None,
    waivers: Sequence[Waiver] = (),
    similarity: Mapping[str, Path] | None = None,
    threshold: float = THRESHOLD,
    api_key_env: str | None = None,
) -> dict[str, Any]:
    """The verdict of a gate's file, which is also kept in RUNS/eval/gates/NAME. Answers that are there are not asked for again.

    A gate that was not declared before the student's answers were there does not pass, unless it is declared anew with a reason. Before it
    is declared, a model that is absent or cannot do one of its tasks is a ModelError, and a waiver of an unknown rule an InputError.
    `similarity` has files by a task's title; items at least `threshold` alike are dirty.
    """
    gate = load_gate(path)
    asked = _asked(gate, path, root)
    splits = _read_similarities(similarity or {}, threshold, asked)
    families = {title: one.task.family for title, one in asked.items()}
    deciding = [claim.id for claim in claims(gate, families) if claim.role != "secondary"]
    for waiver in waivers:
        refuse_stranger(waiver, gate.digest, deciding)
    arms = _arms(gate, needed_answers(gate, families), asked)
    others = [arm for arm in arms if arm.name != STUDENT]
    opened = partial(_open, gate, path, root, api_key_env)
    folder = root / FOLDER / GATES / gate.name
    looked_at: dict[str, str] = {}
    if not is_declared(folder, gate):
        for arm in others:
            model = opened(arm)
            looked_at[_named(arm.name, str(think_mode(model)))] = digest(model.identity)
            _close(model)
    students = [(opened(arm), arm.tasks) for arm in arms if arm.name == STUDENT]
    declared = declare(
        folder,
        gate,
        [one.folder(model, root) for model, mine in students for one in mine],
        alike=[place for model, mine in students for one in mine for place in one.answered_before(model, root)],
        asked={title: one.digests for title, one in asked.items()},
        students={mine[0].told.think or "its own": digest(model.identity) for model, mine in students},
        redeclare=redeclare,
    )
    declared = declare_others(folder, declared, looked_at, redeclare=redeclare)
    answers = {(one.told.title, STUDENT): one.answer(model, root) for model, mine in students for one in mine}
    del students  # one model at a time is kept open
    for arm in others:
        answers |= _answers(opened(arm), arm, root)
    identities = {
        _named(name, found.manifest["summary"]["thinking"]): digest(found.manifest["summary"]["identity"])
        for (_, name), found in answers.items()
        if name != STUDENT
    }
    declared = declare_others(folder, declared, identities, redeclare=redeclare)
    verdict = decide(gate, answers)
    for waiver in waivers:
        verdict = waive(verdict, waiver, datetime.now(UTC).isoformat(timespec="seconds"))
    verdict |= declared.row()
    if not declared.holds and verdict["verdict"] == "passed":
        verdict |= {"verdict": "inconclusive", "held_back": _held_back(declared)}
    if splits:
        verdict["similarity"] = {
            title: {arm: by_similarity(found, split) for (other, arm), found in answers.items() if other == title}
            for title, split in splits.items()
        }
    write_json(folder / VERDICT, verdict)
    alike = {found.folder: splits[title] for (title, _), found in answers.items() if title in splits}
    write_report(answers, folder, first=STUDENT, verdict=verdict, similarities=alike)
    return {**verdict, "folder": str(folder)}


def read_waiver(path: Path) -> Waiver:
    """A waiver of a file of its own."""
    return load_section(Waiver, path)


def _arms(gate: Gate, needed: Sequence[tuple[GateTask, str]], asked: Mapping[str, _Asked]) -> list[_Arm]:
    arms: list[_Arm] = []
    for name in gate.models:
        mine = [asked[task.title] for task, model in needed if model == name]
        for think in dict.fromkeys(one.told.think for one in mine):
            arms.append(_Arm(name, think, tuple(one for one in mine if one.told.think == think)))
    return arms


def _open(gate: Gate, path: Path, root: Path, api_key_env: str | None, arm: _Arm) -> ChatModel:
    """A model that can do all of its tasks. An error without a place names the model's line."""
    try:
        thinking = ThinkMode(arm.think) if arm.think else None
        model = open_model(gate.models[arm.name], Workspace(root).store, thinking=thinking, api_key_env=api_key_env)
        for one in arm.tasks:
            refuse_unable(model, one.task, one.options)
    except SeodangError as error:
        error.where = error.where or locate(path, f"references.{arm.name}" if arm.name in gate.references else arm.name)
        raise
    return model


def _named(name: str, thinking: str) -> str:
    return f"{name} (think {thinking})"


def _answers(model: ChatModel, arm: _Arm, root: Path) -> dict[tuple[str, str], Evaluation]:
    answers = {(one.told.title, arm.name): one.answer(model, root) for one in arm.tasks}
    _close(model)
    return answers


def _close(model: ChatModel) -> None:
    close = getattr(model, "close", None)
    if close is not None:
        close()


def _held_back(declared: Declared) -> str:
    if told := "; ".join(declared.changes):
        return f"every rule holds, but not as it was declared before answers were seen: {told}; `--redeclare REASON` says why"
    return "every rule holds, but answers of the student, or a verdict, were there before this was declared; `--redeclare REASON` says why"


def _asked(gate: Gate, path: Path, root: Path) -> dict[str, _Asked]:
    """Each task of a gate by its title, with its items. An error names the line of what is wrong."""
    asked: dict[str, _Asked] = {}
    for index, told in enumerate(gate.tasks):
        try:
            task = find_task(told.task)
            options = task_options(task, {**told.options, **({} if told.limit is None else {"limit": told.limit})})
            items = task_items(task, options, Workspace(root).store)
        except SeodangError as error:
            error.where = error.where or locate(path, f"tasks.{index}.task")
            raise
        settings = Settings(
            told.samples,
            told.temperature,
            seed=told.seed,
            batch_size=told.batch_size,
            max_reasoning_tokens=told.max_reasoning_tokens,
        )
        asked[told.title] = _Asked(told, task, options, settings, tuple(items))
    families = {one.task.family for one in asked.values()}
    for index, regression in enumerate(gate.regression):
        if regression.family not in families:
            raise RecipeError(
                f"no task of the family `{regression.family}` is declared",
                where=locate(path, f"regression.{index}.family"),
                hint=f"the tasks' families: {', '.join(sorted(families))}",
            )
    return asked


def _read_similarities(files: Mapping[str, Path], threshold: float, asked: Mapping[str, _Asked]) -> dict[str, Similarities]:
    for title in files:
        if title not in asked:
            raise InputError(f"the gate has no task `{title}`", where=str(files[title]), hint=f"its tasks: {', '.join(asked)}")
    return {title: read_similarity(path, asked[title].items, threshold) for title, path in files.items()}
