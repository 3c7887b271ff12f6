"""What came of each item and sample, and the folder in which one model's answers to one task are kept."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from seodang.core.artifact import Artifact
from seodang.core.errors import InputError
from seodang.core.files import read_numbered_json_lines
from seodang.core.hashing import digest_file
from seodang.evaluation.task import Item

Outcome = Literal["judged", "error"]

Row = TypeVar("Row")

ITEMS, RESULTS = "items.jsonl", "results.jsonl"
STEP = "eval"


@dataclass(frozen=True, slots=True)
class Result:
    """One sample of one item. An error is an outcome of its own: it scores 0, is counted apart, and stays among the items."""

    item: str
    sample: int
    outcome: Outcome
    score: float  # 0..1
    answer: str = ""  # what was judged
    transcript: tuple[Mapping[str, Any], ...] = ()  # the conversation, or the continuations with their log-probabilities
    evidence: Mapping[str, Any] = field(default_factory=dict[str, Any])
    confidence: float | None = None
    abstained: bool = False
    error: str = ""
    num_prompt_tokens: int = 0  # read, over all turns; of ranked choices the tokens of each, without their context
    num_new_tokens: int = 0  # written, over all turns, reasoning included
    num_reasoning_tokens: int | None = 0  # of the new tokens; None where a server does not say
    cut: bool = False  # some turn ended because no more tokens were allowed

    def row(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        told: dict[str, Any] = {**row, "transcript": tuple(row["transcript"])}
        return cls(**told)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One model's finished answers to one task: its items in order, and the results of each, one for each sample.

    `manifest["summary"]` tells the model, the task with its options and version, and how it was asked.
    """

    folder: Path
    manifest: Mapping[str, Any]
    items: tuple[Item, ...]
    results: Mapping[str, tuple[Result, ...]]  # by item

    @property
    def model(self) -> str:
        return self.manifest["summary"]["model"]

    @property
    def task(self) -> str:
        return self.manifest["summary"]["task"]

    @property
    def synthetic(self) -> bool:
        return bool(self.manifest["synthetic"])

    def each(self) -> Iterator[tuple[Item, tuple[Result, ...]]]:
        """The items in order, each with its samples."""
        for item in self.items:
            yield item, self.results[item.id]


def item_row(item: Item) -> dict[str, Any]:
    """An item as JSON holds it."""
    return asdict(item)


def read_evaluation(folder: Path) -> Evaluation:
    """What `eval run` left in a folder. InputError where there is nothing, something unfinished or changed since, or
    results that do not fit the items."""
    artifact = Artifact(folder)
    if not artifact.done:
        unfinished = (folder / "partial").is_dir()
        raise InputError(
            "this evaluation is not finished" if unfinished else "no evaluation here",
            where=str(folder),
            hint="run the same `seodang eval run` again: it goes on where it was" if unfinished else "`seodang eval run` makes one",
        )
    manifest = _manifest(artifact)
    _refuse_changed(artifact.folder, manifest["files"])
    items = tuple(_read_rows(folder / ITEMS, _item))
    found: dict[str, list[Result]] = {item.id: [] for item in items}
    for result in _read_rows(folder / RESULTS, Result.from_row):
        if result.item not in found:
            raise InputError(f"a result of `{result.item}`, which is no item", where=str(folder / RESULTS), hint="run the evaluation anew")
        found[result.item].append(result)
    wanted = manifest["summary"]["num_samples"]
    if short := [name for name, results in found.items() if len(results) != wanted]:
        raise InputError(f"{len(short)} items lack results, the first is `{short[0]}`", where=str(folder), hint="run the evaluation anew")
    return Evaluation(folder, manifest, items, {name: tuple(results) for name, results in found.items()})


def _manifest(artifact: Artifact) -> dict[str, Any]:
    """The manifest of an evaluation. InputError for any other."""
    told: Any = artifact.manifest
    where = str(artifact.folder)
    if not isinstance(told, dict) or told.get("step") != STEP:
        raise InputError("not the folder of an evaluation", where=where, hint="name a folder that `seodang eval run` wrote")
    parts = (("key", str), ("synthetic", bool), ("summary", dict), ("files", dict))
    if lost := [name for name, kind in parts if not isinstance(told.get(name), kind)] or [
        name for name in ("model", "task", "num_samples") if name not in told["summary"]
    ]:
        raise InputError(f"the manifest of this evaluation lacks `{lost[0]}`", where=where, hint="restore it, or run the evaluation anew")
    return told


def _refuse_changed(folder: Path, files: Mapping[str, Any]) -> None:
    """InputError where items or results are not those that the manifest tells."""
    for name in (ITEMS, RESULTS):
        path, told = folder / name, files.get(name)
        expected = told.get("sha256") if isinstance(told, dict) else None
        if told is not None and path.is_file() and digest_file(path) != expected:
            raise InputError(
                "changed since it was written", where=str(path), hint="restore it, or remove the folder and run the evaluation anew"
            )


def _read_rows(path: Path, parse: Callable[[Mapping[str, Any]], Row]) -> Iterator[Row]:
    for number, row in read_numbered_json_lines(path):
        try:
            yield parse(row)
        except (TypeError, KeyError, AttributeError) as error:
            raise InputError(f"not a row of an evaluation ({error})", where=f"{path}:{number}", hint="run the evaluation anew") from error


def _item(row: Mapping[str, Any]) -> Item:
    kept = {one.name for one in fields(Item)}
    return Item(**{name: value for name, value in row.items() if name in kept})
