"""One model answers one task: in fixed batches, resumable at every batch of replies, with every error counted."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from seodang.core.artifact import Artifact
from seodang.core.errors import InputError
from seodang.core.files import Journal, write_json_lines
from seodang.core.hashing import digest
from seodang.core.progress import Progress
from seodang.evaluation.choose import spread
from seodang.evaluation.course import Course
from seodang.evaluation.own_folder import refuse_foreign
from seodang.evaluation.replies import Asker
from seodang.evaluation.result import ITEMS, RESULTS, STEP, Evaluation, Result, item_row, read_evaluation
from seodang.evaluation.task import Item, Options, Task
from seodang.models.chat_model import ChatModel, require, think_mode
from seodang.models.think import ThinkMode

VERSION = 3  # of how a task is put to a model


@dataclass(frozen=True, slots=True)
class Settings:
    """How a task is put to a model. A temperature of 0 is greedy, and then one sample says all."""

    num_samples: int = 1
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0  # of the first sample; each further one has the next
    batch_size: int = 32  # items under way at once
    max_reasoning_tokens: int = 2048  # further tokens for thinking, where the model may think

    def __post_init__(self) -> None:
        if self.num_samples > 1 and self.temperature == 0:
            raise InputError(
                f"{self.num_samples} samples at temperature 0 would be one answer {self.num_samples} times", hint="add `--temperature 0.7`"
            )


def evaluation_key(model: ChatModel, task: Task, options: Options, settings: Settings, items: Sequence[Item]) -> str:
    """Digest of everything that determines the results."""
    asked = [task.name, task.version, options.model_dump(mode="json"), [item_row(item) for item in items]]
    return digest([VERSION, model.identity, asked, asdict(settings)])


def task_items(task: Task, options: Options, store: Path) -> list[Item]:
    """The items that are asked. InputError where there are none, or two with one id."""
    items = spread(task.load(options, store), options.limit)
    if not items:
        raise InputError(f"the task `{task.name}` has no items with these options", hint=f"`seodang eval tasks {task.name}` lists them")
    if len({item.id for item in items}) != len(items):
        raise InputError(f"two items of the task `{task.name}` have one id", hint="every item needs an id of its own")
    return items


def refuse_unable(model: ChatModel, task: Task, options: Options) -> None:
    """ModelError where a model lacks what a task needs, or cannot be asked with these options."""
    for capability in task.needs:
        require(model, capability, f"the task `{task.name}`")
    if task.check is not None:
        task.check(model, options)


def journal_path(folder: Path, key: str) -> Path:
    """Where the replies of an evaluation are kept as they come."""
    return folder / "partial" / f"{key[:16]}.jsonl"


def run_task(
    model: ChatModel,
    task: Task,
    options: Options,
    settings: Settings,
    items: Sequence[Item],
    folder: Path,
    progress: Progress | None = None,
) -> Evaluation:
    """Answers every item `num_samples` times and keeps the results in `folder`, or what is left of it; equal inputs give equal files.

    InputError, before anything is written or asked, where the folder holds what is not this evaluation's.
    Each batch is one sample of fixed neighbours, so that a resumed run asks in the same batches as an unbroken one.
    """
    refuse_unable(model, task, options)
    key = evaluation_key(model, task, options, settings, items)
    refuse_foreign(folder, key)
    artifact = Artifact(folder)
    if artifact.done:
        return read_evaluation(folder)
    with artifact.locked(), closing(Journal(journal_path(folder, key))) as journal:
        room = settings.max_reasoning_tokens if _may_think(model) else 0
        asker = Asker(model, journal, settings.temperature, settings.top_p, room)
        results: list[Result] = []
        for sample, batch in _batches(items, settings):
            results += _solve_batch(task, options, batch, asker, sample, settings.seed + sample)
            if progress is not None:
                progress.advance(len(batch))
        order = {item.id: place for place, item in enumerate(items)}
        results.sort(key=lambda result: (order[result.item], result.sample))
        write_json_lines(folder / ITEMS, (item_row(item) for item in items))
        write_json_lines(folder / RESULTS, (result.row() for result in results))
        artifact.finish(
            step=STEP,
            key=key,
            summary=_summary(model, task, options, settings, items, results),
            measured={"seconds": round(progress.seconds, 3)} if progress is not None else {},
            synthetic=model.synthetic or task.synthetic,
        )
    return read_evaluation(folder)


def _may_think(model: ChatModel) -> bool:
    """Whether a model may reason before it answers: not where it is told not to, or where its own template shows that it never does.

    A server may reason by itself although nothing tells it to, and so may a template whose switch is left as it is.
    """
    if (mode := think_mode(model)) is not ThinkMode.NONE:
        return mode is ThinkMode.ON
    return getattr(model, "has_think_switch", True) or getattr(model, "begins_inside", False)


def _batches(items: Sequence[Item], settings: Settings) -> Iterator[tuple[int, Sequence[Item]]]:
    for sample in range(settings.num_samples):
        for start in range(0, len(items), settings.batch_size):
            yield sample, items[start : start + settings.batch_size]


def _solve_batch(task: Task, options: Options, batch: Sequence[Item], asker: Asker, sample: int, seed: int) -> list[Result]:
    courses = [Course(item, sample, task.solve(item, options)) for item in batch]
    for course in courses:
        course.begin()
    while waiting := [course for course in courses if course.waits_for is not None]:
        replies = asker.ask([course.waits_for for course in waiting if course.waits_for is not None], seed)
        for course, reply in zip(waiting, replies, strict=True):
            course.advance(reply)
    return [course.result for course in courses if course.result is not None]


def _summary(
    model: ChatModel, task: Task, options: Options, settings: Settings, items: Sequence[Item], results: Sequence[Result]
) -> dict[str, Any]:
    return {
        "model": model.name,
        "identity": model.identity,
        "thinking": str(think_mode(model)),
        "task": task.name,
        "title": task.title,
        "family": task.family,
        "task_version": task.version,
        "license": task.license,
        "source": task.source,
        "chance": task.chance if task.item_chance is None else sum(map(task.item_chance, items)) / len(items),
        "options": options.model_dump(mode="json"),
        **asdict(settings),
        "num_items": len(items),
        "num_errors": sum(result.outcome == "error" for result in results),
    }
