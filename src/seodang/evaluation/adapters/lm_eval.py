"""EleutherAI's lm-evaluation-harness (0.4.13): its results folder read as evaluations.

A folder has `results_DATE.json` (scores, configurations, versions) and, where it was run with `--log_samples`, one
`samples_TASK_DATE.jsonl` a task with a row for each document and filter. Source: `lm_eval/loggers/evaluation_tracker.py`,
`lm_eval/result_schema.py`.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError
from seodang.core.files import read_json, read_json_lines
from seodang.evaluation.adapters.keep import as_score, keep_evaluation
from seodang.evaluation.result import Evaluation, Result
from seodang.evaluation.task import Item

# Which of a sample's metrics is its score, in this order.
_METRICS = ("acc", "exact_match", "prompt_level_strict_acc", "pass@1", "pass_at_1", "f1")
_DATED = re.compile(r"_(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?)\.json")


def read_lm_eval(
    folder: Path, out: Path, *, metric: str | None = None, filter_name: str | None = None, synthetic: bool = False
) -> list[Evaluation]:
    """The evaluations of a results folder, the newest one of each model and task, kept below `out`.

    A document's score is `metric` under `filter_name`; without them the first known metric, under the first filter. InputError where a task
    has no samples, or a sample has no such metric, or one that is no score from 0 to 1.
    """
    return [
        _read(path, told, task, out, metric=metric, filter_name=filter_name, synthetic=synthetic or bool(told["config"].get("synthetic")))
        for (task, path), told in _newest(folder).items()
    ]


def _newest(folder: Path) -> dict[tuple[str, Path], Mapping[str, Any]]:
    """The tasks of a folder, each with its newest samples' path and what the results beside it tell. A group of tasks has no samples."""
    found: dict[tuple[Path, str, str], tuple[Path, Mapping[str, Any]]] = {}
    for date, path in sorted(_results(folder)):
        told = read_json(path)
        if not isinstance(told, dict) or not {"results", "configs", "config"} <= set(told):
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
    path: Path, told: Mapping[str, Any], task: str, out: Path, *, metric: str | None, filter_name: str | None, synthetic: bool
) -> Evaluation:
    rows = read_json_lines(path) if path.is_file() else []
    if not rows:
        hint = "run lm-eval with `--log_samples`: scores alone cannot be compared item by item"
        raise InputError(f"no samples of the task `{task}`", where=str(path), hint=hint)
    filters = list(dict.fromkeys(row.get("filter", "none") for row in rows))
    if filter_name is not None and filter_name not in filters:
        raise InputError(f"no filter `{filter_name}`", where=str(path), hint=f"there are: {', '.join(filters)}")
    chosen = filter_name or filters[0]
    rows = sorted((row for row in rows if row.get("filter", "none") == chosen), key=lambda row: row["doc_id"])
    known = rows[0].get("metrics", [])
    name = metric or next((one for one in _METRICS if one in known), None)
    if name is None or any(name not in row for row in rows):
        missing = f"no metric `{metric}`" if metric else "none of the metrics is known"
        raise InputError(missing, where=str(path), hint=f"name one of: {', '.join(known) or 'none'}")
    model = told.get("model_name") or told["config"].get("model")
    if not model:
        hint = "write the model's name as `model_name` into the file of results beside it"
        raise InputError("the results do not name their model", where=str(path), hint=hint)
    about = {
        "model": str(model),
        "identity": {"kind": "lm-eval", "model": told["config"].get("model"), "model_args": told["config"].get("model_args")},
        "task": f"lm-eval:{task}",
        "task_version": told.get("versions", {}).get(task),
        "source": f"lm-eval {told.get('lm_eval_version', 'of unknown version')}, metric {name}, filter {chosen}",
    }
    return keep_evaluation(out, [_item(row) for row in rows], [_result(row, name, str(path)) for row in rows], about, synthetic=synthetic)


def _item(row: Mapping[str, Any]) -> Item:
    asked = _arguments(row)
    told = "\n".join(turn["content"] for turn in _turns(asked[0][0])) if asked and asked[0] else json.dumps(row["doc"], ensure_ascii=False)
    return Item(f"{row['doc_id']}-{row.get('doc_hash', '')[:8]}", "all", told, {"doc": row["doc"], "target": row.get("target")})


def _result(row: Mapping[str, Any], metric: str, where: str) -> Result:
    asked, said = _arguments(row), row.get("filtered_resps", [])
    turns: list[dict[str, Any]] = _turns(asked[0][0]) if asked and asked[0] else []
    for arguments, reply in zip(asked, said, strict=False):
        if _ranked(reply):
            likely = {"logprob": float(reply[0]), "greedy": str(reply[1]) == "True"}
            turns.append({"role": "continuation", "content": str(arguments[1]), **likely})
        else:
            turns.append({"role": "assistant", "content": str(reply)})
    evidence = {"metrics": {name: row[name] for name in row.get("metrics", []) if name in row}, "target": row.get("target")}
    if error := row.get("error"):
        return Result(_item(row).id, 0, "error", 0.0, _said(said), tuple(turns), evidence, error=error)
    score = as_score(row[metric], metric, f"{where}, document {row['doc_id']}")
    return Result(_item(row).id, 0, "judged", score, _said(said), tuple(turns), evidence)


def _turns(asked: Any) -> list[dict[str, Any]]:
    """What was asked: a text, or the conversation that lm-eval's clients of chat endpoints log as a list of one JSON text."""
    if isinstance(asked, list) and len(asked) == 1:
        with suppress(TypeError, ValueError, KeyError):
            return [{"role": turn["role"], "content": str(turn["content"])} for turn in json.loads(asked[0])]
    return [{"role": "context", "content": str(asked)}]


def _ranked(reply: Any) -> bool:
    """Whether a reply is a continuation's log-probability and whether it was the greedy one."""
    return isinstance(reply, list) and len(reply) == 2 and str(reply[1]) in ("True", "False")


def _said(said: Sequence[Any]) -> str:
    """What was chosen: of ranked continuations the number of the most likely one, otherwise the text."""
    if said and all(_ranked(reply) for reply in said):
        return str(max(range(len(said)), key=lambda place: float(said[place][0])))
    return "\n".join(map(str, said))


def _arguments(row: Mapping[str, Any]) -> list[list[Any]]:
    given = row.get("arguments", [])
    return [list(one.values()) for one in given.values()] if isinstance(given, Mapping) else [list(one) for one in given]
