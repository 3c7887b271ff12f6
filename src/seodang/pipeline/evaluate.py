"""A model of any kind put to a task, in a folder of its own below the runs."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from seodang.core.artifact import MANIFEST, Artifact
from seodang.core.errors import InputError, ModelError
from seodang.core.files import read_json_lines, write_atomically
from seodang.core.hashing import canonical_json, digest
from seodang.core.progress import Progress
from seodang.evaluation.clean_items import by_similarity, read_similarity
from seodang.evaluation.own_folder import refuse_foreign, told_in
from seodang.evaluation.result import ITEMS, STEP, Evaluation, item_row, read_evaluation
from seodang.evaluation.retry import forget_errors
from seodang.evaluation.run import Settings, evaluation_key, refuse_unable, run_task, task_items
from seodang.evaluation.score import summarise
from seodang.evaluation.task import Item, Options, Task
from seodang.models.chat_model import ChatModel
from seodang.models.think import ThinkMode
from seodang.pipeline.asked_tasks import Asked
from seodang.pipeline.open_model import open_model
from seodang.pipeline.plain_name import plain_name
from seodang.pipeline.plan import say
from seodang.pipeline.workspace import Workspace

FOLDER = "eval"  # below the runs: one folder an evaluation


def think_arms(think: str | None, out: Path | None) -> list[ThinkMode | None]:
    """The think modes in which a model is asked; None: its own."""
    if think == "both":
        if out is not None:
            raise InputError("two evaluations do not fit into one folder", hint="leave `--out` out with `--think both`")
        return [ThinkMode.ON, ThinkMode.OFF]
    return [ThinkMode(think) if think else None]


def evaluate(
    spec: str,
    asked: Sequence[Asked],
    settings: Settings,
    root: Path,
    *,
    out: Path | None = None,
    thinking: ThinkMode | None = None,
    api_key_env: str | None = None,
    retry_errors: bool = False,
    leave_out: bool = False,
) -> Iterator[dict[str, Any]]:
    """Runs what is left of each task's evaluation; of each its score with interval, its costs and its folder, as it ends.

    All items are read and every task is held against the model before the first is asked; a task that the model is not able to do is told
    and left out with `leave_out`, and a ModelError otherwise. `retry_errors`: errors are asked again.
    """
    store = Workspace(root).store
    items = {task.name: task_items(task, options, store) for task, options in asked}
    model = open_model(spec, store, thinking=thinking, api_key_env=api_key_env)
    for task, options in _able(model, asked, leave_out):
        own = items[task.name]
        folder = out or evaluation_folder(model, task, options, settings, own, root)
        again = retry_errors and forget_errors(folder, evaluation_key(model, task, options, settings, own))
        evaluation = answer(model, task, options, settings, own, folder, adopt=not again)
        yield {**summarise(evaluation), "folder": str(folder)}


def _able(model: ChatModel, asked: Sequence[Asked], leave_out: bool) -> list[Asked]:
    able: list[Asked] = []
    for task, options in asked:
        try:
            refuse_unable(model, task, options)
        except ModelError as error:
            if not leave_out:
                raise
            say(f"left out: {task.name}: {error.what}" + (f"; {error.hint}" if error.hint else ""))
            continue
        able.append((task, options))
    return able


def evaluation_folder(model: ChatModel, task: Task, options: Options, settings: Settings, items: Sequence[Item], root: Path) -> Path:
    """Where the answers of these items are kept below the runs."""
    key = evaluation_key(model, task, options, settings, items)
    return root / FOLDER / f"{plain_name(model.name)}__{plain_name(task.name)}__{key[:8]}"


def folders_of_key(parent: Path, key: str) -> list[Path]:
    """The evaluations in `parent` of one key (8 characters of it or more), whatever their models are called."""
    return sorted(parent.glob(f"*__{key[:8]}"))


def same_items_answered(parent: Path, model: ChatModel, task: Task, items: Sequence[Item]) -> list[Path]:
    """The finished evaluations in `parent` of a model and a task that share items with these, however those were asked. Those whose
    manifest or items cannot be read (`can_be_read`) come along, since they may be such.

    Where made items are numbered, two seeds give other items equal ids, and a few of them may be equal by chance; so an evaluation shares
    items if at least half of those whose ids it has are the same there.
    """
    mine, asked = [task.name, digest(model.identity)], {item.id: _content(item_row(item)) for item in items}

    def may_share(folder: Path) -> bool:
        told = _told_of(folder)
        if told is None or told != mine:
            return told is None
        rows = _items_in(folder)
        return rows is None or _shares(asked, rows)

    return [path.parent for path in sorted(parent.glob(f"*/{MANIFEST}")) if may_share(path.parent)]


def can_be_read(folder: Path) -> bool:
    """Whether a finished evaluation tells whose answers to which items it keeps."""
    return _told_of(folder) is not None and _items_in(folder) is not None


def _told_of(folder: Path) -> list[str] | None:
    """The task and the digest of the model's identity; empty for what is no evaluation, None where the manifest does not tell them."""
    try:
        manifest = Artifact(folder).manifest
        if manifest["step"] != STEP:
            return []
        return [str(manifest["summary"]["task"]), digest(manifest["summary"]["identity"])]
    except (InputError, OSError, LookupError, TypeError, ValueError, RecursionError):
        return None


def _items_in(folder: Path) -> list[dict[str, Any]] | None:
    try:
        rows = read_json_lines(folder / ITEMS)
        return rows if all({"id", "question", "content"} <= row.keys() for row in rows) else None
    except (InputError, OSError, AttributeError, RecursionError):
        return None


def _shares(asked: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> bool:
    same = [asked[row["id"]] == _content(row) for row in rows if row["id"] in asked]
    return bool(same) and 2 * sum(same) >= len(same)


def _content(row: Mapping[str, Any]) -> str:
    return canonical_json([row["question"], row["content"]])


def answer(
    model: ChatModel, task: Task, options: Options, settings: Settings, items: Sequence[Item], folder: Path, *, adopt: bool = True
) -> Evaluation:
    """Runs what is left of an evaluation, and tells its progress. Equal weights that were asked under another name are not asked again, if
    their answers may be adopted. InputError where the folder holds what is not this evaluation's."""
    key = evaluation_key(model, task, options, settings, items)
    refuse_foreign(folder, key)
    if adopt and (same := _answered_before(folder, key)) is not None:
        _adopt(same, folder, model.name)
    with Progress(f"{task.name}, {model.name}", settings.num_samples * len(items), "answers") as progress:
        return run_task(model, task, options, settings, items, folder, progress)


def _answered_before(folder: Path, key: str) -> Artifact | None:
    """A finished evaluation beside `folder` with the same key; None where `folder` is finished itself, or there is none."""
    beside = [] if Artifact(folder).done else [Artifact(path) for path in folders_of_key(folder.parent, key)]
    return next((found for found in beside if told_in(found.folder).get("key") == key), None)


def _adopt(same: Artifact, folder: Path, name: str) -> None:
    """The finished evaluation once more, as that of a model called `name`. InputError where its files were changed since."""
    read_evaluation(same.folder)
    mine, told = Artifact(folder), same.manifest
    with mine.locked():
        for file in told["files"]:
            write_atomically(folder / file, (same.folder / file).read_bytes())
        summary = {**told["summary"], "model": name}
        mine.finish(step=told["step"], key=told["key"], summary=summary, measured={"from": same.folder.name}, synthetic=told["synthetic"])


def split_scores(folder: Path, similarity: Path, threshold: float) -> dict[str, Any]:
    """The scores of a finished evaluation on items that are like training data and on the others, by a file of similarities."""
    evaluation = read_evaluation(folder)
    return by_similarity(evaluation, read_similarity(similarity, evaluation.items, threshold))
