"""All that the page shows, as JSON: scores, differences, what a gate decided, and the items where two models differ."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError
from seodang.evaluation.calibration import abstention_rows, confidence_row
from seodang.evaluation.clean_items import Similarities, by_similarity
from seodang.evaluation.compare import compare
from seodang.evaluation.pairs import Pairing, item_scores, pair, shared
from seodang.evaluation.result import Evaluation, Result
from seodang.evaluation.retention import retention_by_family
from seodang.evaluation.score import summarise
from seodang.statistics.families import holm

Row = dict[str, Any]

_OF_THE_TASK = ("model", "task", "family")

MAX_DIFFERING = 30  # items of a task that are shown for a pair of models, those that differ most first


def build_report(
    answers: Mapping[tuple[str, str], Evaluation],
    *,
    first: str | None = None,
    verdict: Mapping[str, Any] | None = None,
    similarities: Mapping[Path, Similarities] | None = None,
) -> Row:
    """The report's value of evaluations by their task's title and their model's label. Equal evaluations give an equal value.

    `first` is the label of the model that the others are held against (none: that of the first evaluation), `verdict` is what a gate
    decided, and `similarities` say by an evaluation's folder how like what was taught each item is. InputError where the first model is not
    among them.
    """
    groups: dict[str, dict[str, Evaluation]] = {}
    for (title, label), found in answers.items():
        groups.setdefault(title, {})[label] = found
    labels = list(dict.fromkeys(label for _, label in answers))
    first = first or labels[0]
    if first not in labels:
        raise InputError(f"no evaluation of `{first}`", hint=f"there are: {', '.join(labels)}")
    return {
        "models": [_model(label, answers) for label in labels],
        "first": first,
        "tasks": _with_page_p([_task(title, models, first, similarities or {}) for title, models in groups.items()]),
        "retention": _retention(groups, first, labels),
        "verdict": dict(verdict) if verdict is not None else None,
        "synthetic": any(found.synthetic for found in answers.values()),
    }


def _model(label: str, answers: Mapping[tuple[str, str], Evaluation]) -> Row:
    """By its label, with the name under which it answered."""
    found = next(found for (_, other), found in answers.items() if other == label)
    return {"name": label, "model": found.model, "identity": found.manifest["summary"]["identity"], "synthetic": found.synthetic}


def _task(title: str, models: Mapping[str, Evaluation], first: str, similarities: Mapping[Path, Similarities]) -> Row:
    any_of_them = next(iter(models.values()))
    told = any_of_them.manifest["summary"]
    facts = {name: told[name] for name in ("task", "title", "family", "license", "source", "chance", "task_version", "options")}
    pairs, apart = _pairings(models, first)
    rows = compare(list(pairs.values())) if pairs else []
    split = next((similarities[found.folder] for found in models.values() if found.folder in similarities), None)
    return {
        "name": title,
        **facts,
        "scores": [{"model": label, "folder": str(found.folder), **_score(found)} for label, found in models.items()],
        "similarity": {label: by_similarity(found, split) for label, found in models.items()} if split is not None else None,
        "comparisons": [{"other": other, **row} for other, row in zip(pairs, rows, strict=True)],
        "nothing_in_common": apart,
        "without_partner": [label for label in models if first not in models or len(models) == 1],
        "differing": [_differing(other, both) for other, both in pairs.items()],
    }


def _with_page_p(tasks: list[Row]) -> list[Row]:
    """With `p_page` in each comparison: p corrected for all of the page's differences (Holm)."""
    rows = [row for task in tasks for row in task["comparisons"]]
    for row, corrected in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_page"] = corrected
    return tasks


def _pairings(models: Mapping[str, Evaluation], first: str) -> tuple[dict[str, Pairing], list[str]]:
    """The first model with each other one, by the other's label, on the items that both have; and those that share no item with it."""
    if (ours := models.get(first)) is None:
        return {}, []
    others = {label: found for label, found in models.items() if label != first}
    apart = [label for label, found in others.items() if not shared(ours, found).items]
    return {label: pair(ours, found, common=True) for label, found in others.items() if label not in apart}, apart


def _score(found: Evaluation) -> Row:
    told = {name: value for name, value in summarise(found).items() if name not in _OF_THE_TASK}
    confidence = {name: value for name, value in confidence_row(found).items() if name not in _OF_THE_TASK}
    declined = [row for row in abstention_rows(found) if row["meaning"]]
    return told | {"confidence": confidence, "declined": declined}


def _retention(groups: Mapping[str, Mapping[str, Evaluation]], first: str, labels: Sequence[str]) -> Row:
    """Of every other model, which share of its score the first one keeps, by family, on the items that both have."""
    ours = {title: models[first] for title, models in groups.items() if first in models}
    return {
        other: retention_by_family(ours, {title: models[other] for title, models in groups.items() if other in models}, common=True)
        for other in labels
        if other != first
    }


def _differing(other: str, both: Pairing) -> Row:
    """The items that one of two models answers better, with what both said."""
    a, b = both.a, both.b
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
