"""Evaluations of ours in the layout of EleutherAI's lm-evaluation-harness (0.4.13), for programs that read that.

A model has a folder with one `results_DATE.json` for all its tasks and one `samples_TASK_DATE.jsonl` a task, a row for each item. Source:
`lm_eval/loggers/evaluation_tracker.py`, `lm_eval/result_schema.py`.
"""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from seodang.core.errors import InputError
from seodang.core.files import write_json, write_json_lines
from seodang.core.hashing import digest_bytes
from seodang.evaluation.result import Evaluation, Result
from seodang.evaluation.task import Item
from seodang.statistics.clustered import clustered_mean

_NOT_IN_A_NAME = re.compile(r"[\"<>:/|\\?*\[\]]+")  # `sanitize_model_name` there


def write_lm_eval(evaluations: Sequence[Evaluation], out: Path) -> list[Path]:
    """Writes evaluations as lm-eval's own results and samples, those of a model in a folder of its name; the files' paths.

    An item's `acc` is the mean of its samples' scores. InputError where two are of one model and one task.
    """
    models: dict[str, dict[str, Evaluation]] = {}
    for evaluation in evaluations:
        tasks = models.setdefault(evaluation.model, {})
        if evaluation.task in tasks:
            where = f"{tasks[evaluation.task].folder}, {evaluation.folder}"
            raise InputError(
                f"two evaluations of `{evaluation.model}` on `{evaluation.task}`", where=where, hint="export each to a folder of its own"
            )
        tasks[evaluation.task] = evaluation
    return [path for tasks in models.values() for path in _write_model(list(tasks.values()), out)]


def _write_model(evaluations: Sequence[Evaluation], out: Path) -> list[Path]:
    first = evaluations[0]
    newest = max((evaluation.folder / "manifest.json").stat().st_mtime for evaluation in evaluations)
    date = datetime.fromtimestamp(newest, UTC).strftime("%Y-%m-%dT%H-%M-%S.%f")
    folder = out / _NOT_IN_A_NAME.sub("__", first.model)
    tasks = {_name(evaluation): evaluation for evaluation in evaluations}
    told = {name: evaluation.manifest["summary"] for name, evaluation in tasks.items()}
    kind = told[_name(first)]["identity"].get("kind")
    results = {
        "results": {name: _scores(name, evaluation) for name, evaluation in tasks.items()},
        "group_subtasks": {name: [] for name in tasks},
        "configs": {
            name: {"task": name, "repeats": row["num_samples"], "metadata": {"version": row["task_version"], "by": "seodang"}}
            for name, row in told.items()
        },
        "versions": {name: row["task_version"] for name, row in told.items()},
        "n-shot": {name: row["options"].get("num_fewshot", 0) for name, row in told.items()},
        "higher_is_better": {name: {"acc": True} for name in tasks},
        "n-samples": {name: {"original": row["num_items"], "effective": row["num_items"]} for name, row in told.items()},
        "config": {"model": kind, "model_args": first.model, "synthetic": any(evaluation.synthetic for evaluation in evaluations)},
        "model_name": first.model,
        "model_source": kind,
    }
    paths = [folder / f"results_{date}.json", *(folder / f"samples_{name}_{date}.jsonl" for name in tasks)]
    write_json(paths[0], results)
    for path, evaluation in zip(paths[1:], evaluations, strict=True):
        write_json_lines(path, (_sample(place, item, answers) for place, (item, answers) in enumerate(evaluation.each())))
    return paths


def _name(evaluation: Evaluation) -> str:
    return _NOT_IN_A_NAME.sub("__", evaluation.task)


def _scores(name: str, evaluation: Evaluation) -> dict[str, Any]:
    pairs = list(evaluation.each())
    values = np.array([fmean(result.score for result in answers) for _, answers in pairs])
    found = clustered_mean(values, [item.cluster for item, _ in pairs])
    error = "N/A" if found.standard_error is None else found.standard_error
    return {"alias": name, "sample_len": len(pairs), "acc,none": found.mean, "acc_stderr,none": error}


def _sample(place: int, item: Item, answers: Sequence[Result]) -> dict[str, Any]:
    doc = {"id": item.id, "part": item.part, "question": item.question, **item.content}
    target = str(item.content.get("target", json.dumps(item.content, ensure_ascii=False)))
    asked, said = _ranking(answers[0]) or _conversation(item, answers)
    failed = next((result.error for result in answers), "") if all(result.outcome == "error" for result in answers) else ""
    return {
        "doc_id": place,
        "doc": doc,
        "target": target,
        "arguments": {f"gen_args_{number}": {f"arg_{k}": one for k, one in enumerate(pair)} for number, pair in enumerate(asked)},
        "resps": said,
        "filtered_resps": [one[0] for one in said],
        "filter": "none",
        "metrics": ["acc"],
        "doc_hash": digest_bytes(json.dumps(doc, indent=2, ensure_ascii=False).encode()),
        "prompt_hash": digest_bytes(json.dumps(asked, ensure_ascii=False).encode()),
        "target_hash": digest_bytes(target.encode()),
        "acc": fmean(result.score for result in answers),
        **({"error": failed} if failed else {}),
    }


def _ranking(result: Result) -> tuple[list[list[Any]], list[Any]] | None:
    """Context and continuation, and log-probability and greediness, of each choice; None where nothing was ranked. A log-probability that
    was not finite is written as `-inf`, as lm-eval writes one of a continuation that cannot be."""
    ranked = [turn for turn in result.transcript if turn["role"] == "continuation"]
    context = _asked([turn for turn in result.transcript if turn["role"] != "continuation"])
    asked: list[list[Any]] = [[context, turn["content"]] for turn in ranked]
    return (asked, [[[_likely(turn["logprob"]), str(turn["greedy"])]] for turn in ranked]) if ranked else None


def _likely(logprob: float | None) -> str:
    return "-inf" if logprob is None else str(logprob)


def _conversation(item: Item, answers: Sequence[Result]) -> tuple[list[list[Any]], list[Any]]:
    """What was asked before the last answer, and the answers that were judged, one a sample."""
    turns = list(answers[0].transcript)
    while turns and turns[-1]["role"] == "assistant":
        turns.pop()
    return [[_asked(turns) if turns else item.question]], [[result.answer for result in answers]]


def _asked(turns: Sequence[Any]) -> Any:
    """A text, or a conversation as lm-eval's clients of chat endpoints log it: a list of one JSON text."""
    if len(turns) == 1 and turns[0]["role"] == "context":
        return turns[0]["content"]
    return [json.dumps([{"role": turn["role"], "content": turn["content"]} for turn in turns], ensure_ascii=False)]
