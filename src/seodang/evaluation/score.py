"""What one evaluation says: the score with its interval, for all items and for each part, its errors and what it cost."""

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from seodang.evaluation.result import Evaluation, Result
from seodang.evaluation.task import Item
from seodang.statistics.clustered import clustered_mean
from seodang.statistics.pass_at_k import pass_at_k, pass_hat_k

Answered = tuple[Item, Sequence[Result]]  # an item with its samples


class TaskScore(TypedDict):
    """Mean score over n items as a fraction, with its 95 % interval and how that came about."""

    score: float
    n: int
    num_clusters: int
    interval: list[float]
    method: str


def summarise(evaluation: Evaluation) -> dict[str, Any]:
    """The evaluation in numbers. An item's score is the mean of its samples, and an error counts as wrong in `score` and `interval`.

    `score_without_errors` is the mean of the judged samples alone (None: there are none), `score_range` holds whatever the errors would
    have been: all wrong, all right.
    """
    pairs = list(evaluation.each())
    results = [result for _, samples in pairs for result in samples]
    told = evaluation.manifest["summary"]
    row: dict[str, Any] = {name: told[name] for name in ("model", "task", "family", "thinking", "num_samples", "temperature", "chance")}
    row |= score(pairs)
    row |= error_bounds(results)
    if told["num_samples"] > 1:
        row["samples"] = of_samples(pairs)
    row["synthetic"] = evaluation.synthetic
    parts: dict[str, list[Answered]] = {}
    for item, samples in pairs:
        parts.setdefault(item.part, []).append((item, samples))
    row["parts"] = {part: score(group) for part, group in parts.items()}
    row["cost"] = costs(results)
    return row


def score(pairs: Sequence[Answered]) -> TaskScore:
    """The mean over items. Clusters of several items widen the interval."""
    return mean_score(np.array([fmean(result.score for result in samples) for _, samples in pairs]), [item.cluster for item, _ in pairs])


def mean_score(values: NDArray[np.float64], clusters: Sequence[str]) -> TaskScore:
    """The mean of `values`, shape (num_items,), within 0..1, of items in `clusters`."""
    found = clustered_mean(values, clusters)
    return TaskScore(
        score=found.mean, n=found.num_items, num_clusters=found.num_clusters, interval=list(found.interval), method=found.method
    )


def error_bounds(results: Sequence[Result]) -> dict[str, Any]:
    """How many samples ended in an error, the mean of the others, and the range of what the errors may have hidden."""
    judged = [result.score for result in results if result.outcome == "judged"]
    errors, total = len(results) - len(judged), len(results)
    return {
        "errors": errors,
        "score_without_errors": sum(judged) / len(judged) if judged else None,
        "score_range": [sum(judged) / total, (sum(judged) + errors) / total],
    }


def of_samples(pairs: Sequence[Answered]) -> dict[str, dict[str, TaskScore]]:
    """For each k up to the number of samples: how often at least one of k answers is right (pass@k), and how often all are (pass^k), as
    means over items. A sample is right where its score is 1."""
    num_samples = min(len(samples) for _, samples in pairs)
    estimates: dict[str, Callable[[int, int, int], float]] = {"pass_at_k": pass_at_k, "pass_hat_k": pass_hat_k}
    right = [(len(samples), sum(result.score >= 1 for result in samples)) for _, samples in pairs]
    clusters = [item.cluster for item, _ in pairs]
    return {
        name: {
            str(k): mean_score(np.array([estimate(count, num_right, k) for count, num_right in right]), clusters)
            for k in range(1, num_samples + 1)
        }
        for name, estimate in estimates.items()
    }


def costs(results: Sequence[Result]) -> dict[str, Any]:
    """Mean tokens of a judged sample that were read and written, and of the latter those of reasoning (None: no sample was judged, or a
    server does not tell them); new tokens of all samples over the sum of scores; the share of all that was cut or declined."""
    count, judged = len(results), [result for result in results if result.outcome == "judged"]
    thought = [result.num_reasoning_tokens for result in judged]
    right = sum(result.score for result in results)
    return {
        "mean_prompt_tokens": fmean(result.num_prompt_tokens for result in judged) if judged else None,
        "mean_new_tokens": fmean(result.num_new_tokens for result in judged) if judged else None,
        "mean_reasoning_tokens": fmean(number or 0 for number in thought) if judged and None not in thought else None,
        "new_tokens_per_right": sum(result.num_new_tokens for result in results) / right if right else None,
        "cut_share": sum(result.cut for result in results) / count,
        "abstained_share": sum(result.abstained for result in results) / count,
    }
