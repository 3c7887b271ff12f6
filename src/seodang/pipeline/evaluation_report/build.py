"""All that the page shows, as JSON: scores, differences, what a gate decided, and the items where two models differ."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError
from seodang.evaluation.calibration import abstention_rows, confidence_row
from seodang.evaluation.clean_items import Similarities, by_similarity
from seodang.evaluation.compare import compare
from seodang.evaluation.pairs import item_scores, pair
from seodang.evaluation.result import Evaluation, Result
from seodang.evaluation.retention import retention_by_family
from seodang.evaluation.score import summarise

Row = dict[str, Any]

_OF_THE_TASK = ("model", "task", "family")

MAX_DIFFERING = 30  # items of a task that are shown for a pair of models, those that differ most first


def build_report(
    evaluations: Sequence[Evaluation],
    *,
    first: str | None = None,
    verdict: Mapping[str, Any] | None = None,
    similarities: Mapping[Path, Similarities] | None = None,
) -> Row:
    """The report's value. Equal evaluations give an equal value.

    `first` names the model that the others are held against (none: that of the first evaluation), `verdict` is what a gate decided, and
    `similarities` say by an evaluation's folder how like what was taught each item is. InputError where two evaluations are of one model
    and one task, or the first model is not among them.
    """
    groups: dict[str, dict[str, Evaluation]] = {}
    for found, title in zip(evaluations, _titles(evaluations), strict=True):
        models = groups.setdefault(title, {})
        if _label(found) in models:
            where = f"{models[_label(found)].folder} and {found.folder}"
            raise InputError(f"two evaluations of `{_label(found)}` on one task", where=where, hint="name one of them")
        models[_label(found)] = found
    labels = list(dict.fromkeys(_label(found) for found in evaluations))
    first = first or labels[0]
    if first not in labels:
        raise InputError(f"no evaluation of `{first}`", hint=f"there are: {', '.join(labels)}")
    return {
        "models": [_model(label, evaluations) for label in labels],
        "first": first,
        "tasks": [_task(title, models, first, similarities or {}) for title, models in groups.items()],
        "retention": _retention(groups, first, labels),
        "verdict": dict(verdict) if verdict is not None else None,
        "synthetic": any(found.synthetic for found in evaluations),
    }


def _label(found: Evaluation) -> str:
    thinking = found.manifest["summary"]["thinking"]
    return found.model if thinking == "none" else f"{found.model} (think {thinking})"


def _titles(evaluations: Sequence[Evaluation]) -> list[str]:
    """What each evaluation's task is called: its name, with the options in which it differs from others of that name."""
    options = [(found.task, {**found.manifest["summary"]["options"], "seed": None, "limit": None}) for found in evaluations]
    titles: list[str] = []
    for task, chosen in options:
        others = [other for name, other in options if name == task]
        keys = [key for key in chosen if any(other.get(key) != chosen[key] for other in others)]
        told = ", ".join(f"{key} {_plain(chosen[key])}" for key in keys)
        titles.append(f"{task} ({told})" if told else task)
    return titles


def _plain(value: Any) -> str:
    return "+".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _model(label: str, evaluations: Sequence[Evaluation]) -> Row:
    found = next(found for found in evaluations if _label(found) == label)
    identity = found.manifest["summary"]["identity"]
    return {"name": label, "identity": identity, "synthetic": found.synthetic}


def _task(title: str, models: Mapping[str, Evaluation], first: str, similarities: Mapping[Path, Similarities]) -> Row:
    any_of_them = next(iter(models.values()))
    told = any_of_them.manifest["summary"]
    facts = {name: told[name] for name in ("task", "title", "family", "license", "source", "chance", "task_version", "options")}
    facts |= {name: told[name] for name in ("num_samples", "temperature")}
    ours = models.get(first)
    pairings = [pair(ours, other, common=True) for label, other in models.items() if ours is not None and label != first]
    rows = compare(pairings) if pairings else []
    others = [label for label in models if label != first] if ours is not None else []
    split = next((similarities[found.folder] for found in models.values() if found.folder in similarities), None)
    return {
        "name": title,
        **facts,
        "scores": [{"model": label, "folder": str(found.folder), **_score(found)} for label, found in models.items()],
        "similarity": {label: by_similarity(found, split) for label, found in models.items()} if split is not None else None,
        "comparisons": [{"other": other, **row} for other, row in zip(others, rows, strict=True)],
        "differing": [_differing(other, pairing.a, pairing.b) for other, pairing in zip(others, pairings, strict=True)],
    }


def _score(found: Evaluation) -> Row:
    told = {name: value for name, value in summarise(found).items() if name not in _OF_THE_TASK}
    confidence = {name: value for name, value in confidence_row(found).items() if name not in _OF_THE_TASK}
    declined = [row for row in abstention_rows(found) if row["meaning"]]
    return told | {"confidence": confidence, "declined": declined}


def _retention(groups: Mapping[str, Mapping[str, Evaluation]], first: str, labels: Sequence[str]) -> Row:
    """Of every other model, which share of its score the first one keeps, by family."""
    ours = {title: models[first] for title, models in groups.items() if first in models}
    return {
        other: retention_by_family(ours, {title: models[other] for title, models in groups.items() if other in models})
        for other in labels
        if other != first
    }


def _differing(other: str, a: Evaluation, b: Evaluation) -> Row:
    """The items that one of two models answers better, with what both said."""
    both = pair(a, b, common=True)
    gaps = (item_scores(a, both.items).mean(axis=0) - item_scores(b, both.items).mean(axis=0)).tolist()
    unlike = sorted(
        ((item, gap) for item, gap in zip(both.items, gaps, strict=True) if abs(gap) > 1e-9), key=lambda row: (-abs(row[1]), row[0].id)
    )
    shown = [
        {
            "id": item.id,
            "part": item.part,
            "question": item.question,
            "gap": gap,
            "sides": [_side(a.results[item.id]), _side(b.results[item.id])],
        }
        for item, gap in _both_ways(unlike)
    ]
    return {"other": other, "count": len(unlike), "shown": shown}


def _both_ways(unlike: list[tuple[Any, float]]) -> list[tuple[Any, float]]:
    """At most `MAX_DIFFERING`, gains and losses in turn, so that neither hides the other."""
    gains, losses = [row for row in unlike if row[1] > 0], [row for row in unlike if row[1] < 0]
    half = MAX_DIFFERING // 2
    num_gains = max(half, MAX_DIFFERING - len(losses))
    return [*gains[:num_gains], *losses[: MAX_DIFFERING - min(num_gains, len(gains))]]


def _side(results: Sequence[Result]) -> Row:
    """The sample that says most: the first of those with the lowest score, so that a fault is seen."""
    result = min(results, key=lambda one: (one.score, one.sample))
    return {
        "score": sum(one.score for one in results) / len(results),
        "num_samples": len(results),
        "sample": result.sample,
        "outcome": result.outcome,
        "error": result.error,
        "answer": result.answer,
        "transcript": list(result.transcript),
        "evidence": dict(result.evidence),
        "num_new_tokens": result.num_new_tokens,
    }
