"""EleutherAI's lm-evaluation-harness (0.4.13): its results folder read as evaluations.

A folder has `results_DATE.json` (scores, configurations, versions) and, where it was run with `--log_samples`, one
`samples_TASK_DATE.jsonl` a task with a row for each document and filter. Source: `lm_eval/loggers/evaluation_tracker.py`,
`lm_eval/result_schema.py`.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError
from seodang.core.files import read_json
from seodang.evaluation.adapters.keep import keep_evaluation
from seodang.evaluation.adapters.lm_eval_samples import read_samples
from seodang.evaluation.result import Evaluation, Result
from seodang.evaluation.task import Item

# Which of a sample's metrics is its score, in this order.
_METRICS = ("acc", "exact_match", "prompt_level_strict_acc", "pass@1", "pass_at_1", "f1")
_DATED = re.compile(r"_(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?)\.json")


def read_lm_eval(
    folder: Path,
    out: Path,
    *,
    metric: str | None = None,
    filter_name: str | None = None,
    synthetic: bool = False,
    known: Mapping[str, Any] | None = None,
) -> list[Evaluation]:
    """The evaluations of a results folder, the newest one of each model and task, kept below `out`.

    A document's score is `metric` under `filter_name`; without them the first known metric, under the first filter. InputError where a task
    has no samples, or a sample has no such metric, or one that is no score from 0 to 1. `known` is what stands in the place of what the
    results tell of the model, its name and identity.
    """
    return [
        keep_evaluation(
            out, *_read(path, told, task, metric, filter_name, known or {}), synthetic=synthetic or bool(told["config"].get("synthetic"))
        )
        for (task, path), told in _newest(folder).items()
    ]


def _newest(folder: Path) -> dict[tuple[str, Path], Mapping[str, Any]]:
    """The tasks of a folder, each with its newest samples' path and what the results beside it tell. A group of tasks has no samples."""
    found: dict[tuple[Path, str, str], tuple[Path, Mapping[str, Any]]] = {}
    for date, path in sorted(_results(folder)):
        told = read_json(path)
        if not isinstance(told, dict) or not all(isinstance(told.get(key), dict) for key in ("results", "configs", "config")):
            raise InputError("not results of lm-eval", where=str(path), hint="name the folder that was given to `--output_path`")
        for task in told["results"]:
            if task in told["configs"]:
                samples = path.parent / f"samples_{task}_{date}.jsonl"
                found[path.parent, str(told.get("model_name")), task] = samples, told
    if not found:
        raise InputError("no results of lm-eval here", where=str(folder), hint="name the folder that was given to `--output_path`")
    return {(task, samples): told for (_, _, task), (samples, told) in found.items()}


def _results(folder: Path) -> Iterator[tuple[str, Path]]:
    """Date and path of each file of results in a folder and at most two folders down, as lm-eval writes them."""
    level = [folder]
    for _ in range(3):
        entries = [entry for place in level for entry in _entries(place)]
        for entry in entries:
            if entry.suffix == ".json" and (dated := _DATED.search(entry.name)):
                yield dated[1], entry
        level = [entry for entry in entries if entry.is_dir()]


def _entries(folder: Path) -> list[Path]:
    """What lies in a folder; nothing where it cannot be read or is gone."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _read(
    path: Path, told: Mapping[str, Any], task: str, metric: str | None, filter_name: str | None, known_model: Mapping[str, Any]
) -> tuple[list[Item], list[Result], dict[str, Any]]:
    """Items, results, and what is told of them."""
    samples = read_samples(path) if path.is_file() else []
    if not samples:
        hint = "run lm-eval with `--log_samples`: scores alone cannot be compared item by item"
        raise InputError(f"no samples of the task `{task}`", where=str(path), hint=hint)
    filters = list(dict.fromkeys(sample.filter for sample in samples))
    if filter_name is not None and filter_name not in filters:
        raise InputError(f"no filter `{filter_name}`", where=str(path), hint=f"there are: {', '.join(filters)}")
    chosen = filter_name or filters[0]
    samples = sorted((sample for sample in samples if sample.filter == chosen), key=lambda sample: sample.place)
    known = samples[0].metrics
    name = metric or next((one for one in _METRICS if one in known), None)
    if name is None or any(name not in sample.row for sample in samples):
        missing = f"no metric `{metric}`" if metric else "none of the metrics is known"
        raise InputError(missing, where=str(path), hint=f"name one of: {', '.join(known) or 'none'}")
    model = known_model.get("model") or told.get("model_name") or told["config"].get("model")
    if not model:
        hint = "write the model's name as `model_name` into the file of results beside it"
        raise InputError("the results do not name their model", where=str(path), hint=hint)
    versions = told.get("versions")
    about = {
        "model": str(model),
        "identity": {"kind": "lm-eval", "model": told["config"].get("model"), "model_args": told["config"].get("model_args")},
        "task": f"lm-eval:{task}",
        "task_version": versions.get(task) if isinstance(versions, dict) else None,
        "source": f"lm-eval {told.get('lm_eval_version', 'of unknown version')}, metric {name}, filter {chosen}",
    }
    return [sample.item for sample in samples], [sample.result(name) for sample in samples], {**about, **known_model}
