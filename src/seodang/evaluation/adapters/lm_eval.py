"""EleutherAI's lm-evaluation-harness (0.4.13): its results folder read, and an evaluation written in its layout.

A folder has `results_DATE.json` (scores, configurations, versions) and, where it was run with `--log_samples`, one
`samples_TASK_DATE.jsonl` a task with a row for each document and filter. Source: `lm_eval/loggers/evaluation_tracker.py`.
"""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError
from seodang.core.files import read_json, read_json_lines, write_json, write_json_lines
from seodang.core.hashing import digest_bytes
from seodang.evaluation.adapters.keep import keep_evaluation
from seodang.evaluation.result import Evaluation, Result
from seodang.evaluation.score import summarise
from seodang.evaluation.task import Item

_METRICS = ("acc", "exact_match", "prompt_level_strict_acc", "pass@1", "f1")  # which of a sample's metrics is its score, in this order


def read_lm_eval(folder: Path, out: Path, *, metric: str | None = None, filter_name: str | None = None) -> list[Evaluation]:
    """The evaluations of a results folder, the newest one of each task, kept below `out`.

    A document's score is `metric` under `filter_name`; without them the first known metric, under the first filter. InputError where there
    are no samples, or a sample has no such metric.
    """
    results = _newest(folder, "results_*.json")
    told = read_json(results)
    found: list[Evaluation] = []
    for task in told["results"]:
        path = _samples(results, task)
        if path is None:
            continue
        rows = read_json_lines(path)
        filters = list(dict.fromkeys(row.get("filter", "none") for row in rows))
        if filter_name is not None and filter_name not in filters:
            raise InputError(f"no filter `{filter_name}`", where=str(path), hint=f"there are: {', '.join(filters)}")
        chosen = filter_name or filters[0]
        rows = sorted((row for row in rows if row.get("filter", "none") == chosen), key=lambda row: row["doc_id"])
        name = metric or next((one for one in _METRICS if one in rows[0]), None)
        if name is None or name not in rows[0]:
            raise InputError(f"no metric `{name}`", where=str(path), hint=f"name one of: {', '.join(rows[0].get('metrics', []))}")
        items, answers = [_item(row) for row in rows], [_result(row, name) for row in rows]
        config = told.get("config", {})
        about = {
            "model": told.get("model_name") or str(config.get("model")),
            "identity": {"kind": "lm-eval", "model": config.get("model"), "model_args": config.get("model_args")},
            "task": f"lm-eval:{task}",
            "task_version": told.get("versions", {}).get(task),
            "source": f"lm-eval {told.get('lm_eval_version', '')}, metric {name}, filter {chosen}",
        }
        found.append(keep_evaluation(out / f"{results.parent.name}__{task}", items, answers, about))
    if not found:
        raise InputError("no samples beside the results", where=str(folder), hint="run lm-eval with `--log_samples`")
    return found


def _newest(folder: Path, pattern: str) -> Path:
    files = sorted(folder.rglob(pattern), key=lambda path: path.name) if folder.is_dir() else []
    if not files:
        raise InputError("no results of lm-eval here", where=str(folder), hint="name the folder that was given to `--output_path`")
    return files[-1]


def _samples(results: Path, task: str) -> Path | None:
    files = sorted(results.parent.glob(f"samples_{task}_[0-9]*.jsonl"))
    own = [path for path in files if path.stem.endswith(results.stem.removeprefix("results_"))]
    return (own or files or [None])[-1]


def _item(row: Mapping[str, Any]) -> Item:
    prompts = _arguments(row)
    question = str(prompts[0][0]) if prompts and prompts[0] else json.dumps(row["doc"], ensure_ascii=False)
    return Item(f"{row['doc_id']}-{row.get('doc_hash', '')[:8]}", "all", question, {"doc": row["doc"], "target": row.get("target")})


def _result(row: Mapping[str, Any], metric: str) -> Result:
    value = row[metric]
    if isinstance(value, list):
        value = value[0]
    prompts, said = _arguments(row), row.get("filtered_resps", [])
    turns: list[dict[str, Any]] = [{"role": "context", "content": str(prompts[0][0])}] if prompts and prompts[0] else []
    for asked, reply in zip(prompts, said, strict=False):
        if _ranked(reply):
            likely = {"logprob": float(reply[0]), "greedy": str(reply[1]) == "True"}
            turns.append({"role": "continuation", "content": str(asked[1]), **likely})
        else:
            turns.append({"role": "assistant", "content": str(reply)})
    evidence = {"metrics": {name: row[name] for name in row.get("metrics", []) if name in row}, "target": row.get("target")}
    return Result(_item(row).id, 0, "judged", float(value), _said(said), tuple(turns), evidence)


def _ranked(reply: Any) -> bool:
    """Whether a reply is a continuation's log-probability and whether it was the greedy one."""
    return isinstance(reply, list | tuple) and len(reply) == 2


def _said(said: Sequence[Any]) -> str:
    """What was chosen: of ranked continuations the number of the most likely one, otherwise the text."""
    if said and all(_ranked(reply) for reply in said):
        return str(max(range(len(said)), key=lambda place: float(said[place][0])))
    return "\n".join(map(str, said))


def _arguments(row: Mapping[str, Any]) -> list[list[Any]]:
    given = row.get("arguments", [])
    return [list(one.values()) for one in given.values()] if isinstance(given, Mapping) else [list(one) for one in given]


def write_lm_eval(evaluation: Evaluation, out: Path) -> list[Path]:
    """Writes an evaluation as lm-eval's own results and samples, in a folder of the model's name; the files' paths."""
    told, row = evaluation.manifest["summary"], summarise(evaluation)
    task = evaluation.task.replace("/", "_")
    date = time.strftime("%Y-%m-%dT%H-%M-%S", time.gmtime((evaluation.folder / "manifest.json").stat().st_mtime))
    folder = out / evaluation.model.replace("/", "__").replace(":", "__")
    low, high = row["interval"]
    scores = {"alias": task, "acc,none": row["score"], "acc_stderr,none": (high - low) / 3.92}
    samples = [_sample(place, item, result) for place, (item, results) in enumerate(evaluation.each()) for result in results]
    results = {
        "results": {task: scores},
        "group_subtasks": {task: []},
        "configs": {task: {"task": task, "repeats": told["num_samples"], "metadata": {"version": told["task_version"], "by": "seodang"}}},
        "versions": {task: told["task_version"]},
        "n-shot": {task: told["options"].get("num_fewshot", 0)},
        "higher_is_better": {task: {"acc": True}},
        "n-samples": {task: {"original": len(evaluation.items), "effective": len(evaluation.items)}},
        "config": {"model": told["identity"].get("kind"), "model_args": told["model"], "synthetic": evaluation.synthetic},
        "model_name": told["model"],
        "model_source": told["identity"].get("kind"),
    }
    paths = [folder / f"results_{date}.json", folder / f"samples_{task}_{date}.jsonl"]
    write_json(paths[0], results)
    write_json_lines(paths[1], samples)
    return paths


def _sample(place: int, item: Item, result: Result) -> dict[str, Any]:
    doc = {"id": item.id, "part": item.part, "question": item.question, **item.content}
    asked = [{"arg_0": turn["content"]} for turn in result.transcript if turn["role"] != "assistant"][:1]
    target = json.dumps(item.content, ensure_ascii=False)
    return {
        "doc_id": place,
        "doc": doc,
        "target": target,
        "arguments": {f"gen_args_{number}": one for number, one in enumerate(asked)},
        "resps": [[result.answer]],
        "filtered_resps": [result.answer],
        "filter": "none",
        "metrics": ["acc"],
        "doc_hash": digest_bytes(json.dumps(doc, indent=2, ensure_ascii=False).encode()),
        "prompt_hash": digest_bytes(item.question.encode()),
        "target_hash": digest_bytes(target.encode()),
        "acc": result.score,
        "error": result.error,
    }
