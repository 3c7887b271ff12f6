"""What one evaluation says: the score with its interval, for all items and for each part, its errors and what it cost."""

from collections.abc import Sequence
from typing import Any, TypedDict

import numpy as np

from seodang.evaluation.result import Evaluation, Result
from seodang.evaluation.task import Item
from seodang.statistics.intervals import bootstrap_mean, wilson

_SEED = 20_250_225  # of the bootstrap, so that equal answers give equal numbers


class TaskScore(TypedDict):
    """Mean score over n items as a fraction, with its 95 % interval and how that came about."""

    score: float
    n: int
    num_clusters: int
    interval: list[float]
    method: str


def summarise(evaluation: Evaluation) -> dict[str, Any]:
    """The evaluation in numbers. An item's score is the mean of its samples, and an error scores 0; `without_errors` is the score of the
    judged samples alone, beside the two that hold whatever the errors would have been."""
    pairs = list(evaluation.each())
    results = [result for _, samples in pairs for result in samples]
    told = evaluation.manifest["summary"]
    row: dict[str, Any] = {name: told[name] for name in ("model", "task", "family", "thinking", "num_samples", "temperature", "chance")}
    parts: dict[str, list[tuple[Item, tuple[Result, ...]]]] = {}
    for item, samples in pairs:
        parts.setdefault(item.part, []).append((item, samples))
    row |= score(pairs)
    row |= {"errors": sum(result.outcome == "error" for result in results), "synthetic": evaluation.synthetic}
    row["parts"] = {part: score(group) for part, group in parts.items()}
    row["cost"] = costs(results)
    return row


def score(pairs: Sequence[tuple[Item, Sequence[Result]]]) -> TaskScore:
    """The mean over items. Clusters of several items widen the interval."""
    values = np.array([np.mean([result.score for result in samples]) for _, samples in pairs])
    clusters = {item.cluster for item, _ in pairs}
    if set(np.unique(values)) <= {0.0, 1.0} and len(clusters) == len(pairs):
        interval, method = wilson(int(values.sum()), values.size), "Wilson 95 %"
    else:
        interval, method = bootstrap_mean(values, seed=_SEED), "bootstrap over items 95 %"
    return TaskScore(score=float(values.mean()), n=values.size, num_clusters=len(clusters), interval=list(interval), method=method)


def costs(results: Sequence[Result]) -> dict[str, Any]:
    """Mean tokens of a sample that were read and written, and of the latter those of reasoning; the share that was cut or declined."""
    count = len(results)
    thought = [result.num_reasoning_tokens for result in results]
    return {
        "mean_prompt_tokens": sum(result.num_prompt_tokens for result in results) / count,
        "mean_new_tokens": sum(result.num_new_tokens for result in results) / count,
        "mean_reasoning_tokens": None if None in thought else sum(number or 0 for number in thought) / count,
        "cut_share": sum(result.cut for result in results) / count,
        "abstained_share": sum(result.abstained for result in results) / count,
    }
