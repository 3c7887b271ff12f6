"""Tasks of lm-eval as local files, and its own evaluator and tracker run on them: the oracle, without a hub."""

import json
from pathlib import Path
from typing import Any

import yaml
from lm_eval import evaluator
from lm_eval.loggers import EvaluationTracker
from lm_eval.tasks import TaskManager

CHOICES = "choices_of_line_states"
ANSWERS = "answers_about_lines"
_WORDS = [
    "the line is active",
    "mobile data is off",
    "요금을 확인합니다",
    "airplane mode",
    "고객의 회선이 정지되면",
    "run the speed test",
    "SIM card",
]


def write_tasks(folder: Path) -> Path:
    """Two tasks: choices that are ranked, and answers that are written under two filters. Returns the folder to include."""
    folder.mkdir()
    rows = [
        {
            "question": f"{_WORDS[number % 7]}, {_WORDS[(3 * number + 1) % 7]}?",
            "choices": [f"{_WORDS[(number + place) % 7]} {place}" for place in range(4)],
            "answer": number % 4,
            "said": "::::::" if number % 3 == 0 else "nothing",  # the former is what the tiny model says
        }
        for number in range(12)
    ]
    data = folder / "rows.jsonl"
    data.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    shared = {
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(data)}, "cache_dir": str(folder / "cache")},
        "test_split": "test",
        "doc_to_text": "Question: {{question}}\nAnswer:",
        "metadata": {"version": 3.0},
    }
    choices = {
        "task": CHOICES,
        "output_type": "multiple_choice",
        "doc_to_choice": "{{choices}}",
        "doc_to_target": "answer",
        "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}, {"metric": "mcc"}],
    }
    answers = {
        "task": ANSWERS,
        "output_type": "generate_until",
        "doc_to_target": "{{said}}",
        "generation_kwargs": {"until": ["\n\n"], "max_gen_toks": 6, "do_sample": False},
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
        "filter_list": [
            {"name": "whole", "filter": [{"function": "take_first"}]},
            {"name": "none-of-it", "filter": [{"function": "regex", "regex_pattern": "(never said)"}, {"function": "take_first"}]},
        ],
    }
    for task in (choices, answers):
        (folder / f"{task['task']}.yaml").write_text(yaml.safe_dump(shared | task, allow_unicode=True), encoding="utf-8")
    return folder


def evaluate(model: Any, tasks: list[str], included: Path, out: Path | None = None, **options: Any) -> dict[str, Any]:
    """What lm-eval's evaluator gives; with `out` also saved by its own tracker, as its command line does."""
    tracker = EvaluationTracker(output_path=str(out)) if out is not None else None
    manager = TaskManager(include_path=str(included), include_defaults=False)
    untyped: Any = evaluator
    found = untyped.simple_evaluate(model, tasks=tasks, task_manager=manager, evaluation_tracker=tracker, bootstrap_iters=0, **options)
    if tracker is not None:
        samples = found.pop("samples", None)
        tracker.save_results_aggregated(results=found, samples=samples)
        for task, rows in (samples or {}).items():
            tracker.save_results_samples(task_name=task, samples=rows)
    return found
