"""What a report calls tasks and models that nobody named: as little as tells two of them apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seodang.evaluation.compare import TOLD_APART
from seodang.evaluation.pairs import option_words
from seodang.evaluation.result import Evaluation
from seodang.pipeline.plain_name import plain_name

# How one model may be asked on one task, and the words for it where it was asked in two ways.
_ASKED = {**TOLD_APART, "top_p": "top p {}", "max_reasoning_tokens": "reasoning tokens {}", "engine": "{}"}


@dataclass(frozen=True, slots=True)
class _Run:
    """An evaluation with its task's title."""

    title: str
    found: Evaluation

    @property
    def name(self) -> tuple[str, str]:
        """Its model's name and its think mode."""
        return self.found.model, self.found.manifest["summary"]["thinking"]

    @property
    def identity(self) -> Mapping[str, Any]:
        """What tells its model from others of that name; an engine is how it was asked."""
        return {name: value for name, value in self.found.manifest["summary"]["identity"].items() if name != "engine"}

    @property
    def asked(self) -> dict[str, Any]:
        told = self.found.manifest["summary"]
        known = {**told, "engine": told["identity"].get("engine")}
        return {name: known.get(name) for name in _ASKED}

    @property
    def limit(self) -> int | None:
        """Items that were asked at most; none: all."""
        return self.found.manifest["summary"]["options"].get("limit")

    def is_of(self, other: "_Run") -> bool:
        """Whether one model answered both, asked in one way."""
        return (self.name, self.identity, self.asked) == (other.name, other.identity, other.asked)


def name_evaluations(evaluations: Sequence[Evaluation]) -> dict[tuple[str, str], Evaluation]:
    """The evaluations by their task's title and their model's label, in order; a folder that is given twice counts once.

    A title has the version and the options in which it differs from others of its task; the limit only where one model, asked in one way,
    answered the task at two limits. A label is the model's name with its think mode. Two models of one name are told apart by a folder, two
    runs of one model on one task by how they were asked, or by their folder where that is the same.
    """
    once = list({found.folder.resolve(): found for found in evaluations}.values())
    runs = [_Run(title, found) for title, found in zip(_titles(once), once, strict=True)]
    return {(run.title, _label(run, runs)): run.found for run in runs}


def _titles(evaluations: Sequence[Evaluation]) -> list[str]:
    told = [found.manifest["summary"] for found in evaluations]
    chosen = [{"version": one["task_version"], **one["options"], "limit": None} for one in told]
    words: list[list[str]] = []
    for found, mine in zip(evaluations, chosen, strict=True):
        others = [other for one, other in zip(evaluations, chosen, strict=True) if one.task == found.task]
        differing = [name for name in mine if any(other.get(name) != mine[name] for other in others)]
        words.append([f"{name} {option_words(mine[name])}" for name in differing])
    runs = [_Run(_with(found.task, own), found) for found, own in zip(evaluations, words, strict=True)]
    twice = {a.title for a in runs for b in runs if a.title == b.title and a.limit != b.limit and a.is_of(b)}
    limits = ["all items" if run.limit is None else f"limit {run.limit}" for run in runs]
    return [
        _with(run.found.task, [*own, limit]) if run.title in twice else run.title
        for run, own, limit in zip(runs, words, limits, strict=True)
    ]


def _label(run: _Run, runs: Sequence[_Run]) -> str:
    model, thinking = run.name
    namesakes = [other for other in runs if other.name == run.name]
    same_model = [other for other in namesakes if other.identity == run.identity]
    alike = [other for other in same_model if (other.title, other.asked) == (run.title, run.asked)]
    told = [] if thinking == "none" else [f"think {thinking}"]
    if alike[0] is not run:
        told.append(_place(run, namesakes))
    elif len(same_model) < len(namesakes):
        told.append(_place(same_model[0], namesakes))
    told += [words.format(option_words(run.asked[name])) for name, words in _ASKED.items() if _differs(name, same_model)]
    return _with(model, told)


def _differs(name: str, runs: Sequence[_Run]) -> bool:
    """Whether some task was asked with two values of it."""
    return any(a.title == b.title and a.asked[name] != b.asked[name] for a in runs for b in runs)


def _place(run: _Run, namesakes: Sequence[_Run]) -> str:
    """The folder's name without the model's, with as many folders above it as it takes."""
    parts = run.found.folder.resolve().parts
    ends = (parts[-length:] for length in range(1, len(parts)))
    shortest = next(
        (end for end in ends if [other.found.folder.resolve().parts[-len(end) :] for other in namesakes].count(end) == 1), parts
    )
    return "/".join([*shortest[:-1], shortest[-1].removeprefix(f"{plain_name(run.found.model)}__")])


def _with(name: str, words: Sequence[str]) -> str:
    return f"{name} ({', '.join(words)})" if words else name
