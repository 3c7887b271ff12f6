"""What an evaluation says about knowing when not to answer: calibration of confidences, risk at each coverage, and who declined what."""

from dataclasses import asdict
from typing import Any

from seodang.evaluation.result import Evaluation, Result
from seodang.evaluation.task import Item
from seodang.statistics.calibration import brier_score, calibration_error, risk_coverage
from seodang.statistics.clustered import clustered_mean

# What abstaining means in a part of `refusals`, and in the parts of `long_context` whose fact is missing.
_MEANINGS = {
    "should_decline": "refusal",
    "should_answer": "over-refusal",
    "unanswerable": "abstention",
    "answerable": "over-abstention",
    "absent": "abstention",
}


def confidence_row(evaluation: Evaluation, *, num_bins: int = 10) -> dict[str, Any]:
    """Calibration error, Brier score, and the curve of risk over coverage, of the judged samples, as JSON holds it.

    A score below 1 counts as wrong. Where some sample has no confidence, as generated answers have none, `reason` says so and there are no
    numbers.
    """
    judged = [(item, result) for item, result in _samples(evaluation) if result.outcome == "judged"]
    row: dict[str, Any] = {"model": evaluation.model, "task": evaluation.task, "n": len(judged)}
    told = [(item, result, result.confidence) for item, result in judged if result.confidence is not None]
    if not told or len(told) < len(judged):
        return {**row, "reason": "no confidence" if judged else "no judged answers"}
    confidences = [confidence for _, _, confidence in told]
    right = [float(result.score == 1) for _, result, _ in told]
    error = calibration_error(confidences, right, num_bins=num_bins)
    brier = brier_score(confidences, right, [item.cluster for item, _, _ in told])
    curve = risk_coverage(confidences, right)
    return {
        **row,
        "expected_calibration_error": error.expected,
        "root_mean_square_calibration_error": error.root_mean_square,
        "root_mean_square_interval": list(error.interval),
        "bins": [asdict(one) for one in error.bins],
        "brier": brier.mean,
        "brier_interval": list(brier.interval),
        "coverage": list(curve.coverage),
        "risk": list(curve.risk),
        "area_under_risk": curve.area,
    }


def abstention_rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    """For each part, in order, the share of judged samples that declined or said that they do not know, with its 95 % interval. `meaning`
    is refusal, over-refusal, abstention or over-abstention where the part tells which, and otherwise empty."""
    parts: dict[str, list[tuple[Item, Result]]] = {}
    for item, result in _samples(evaluation):
        if result.outcome == "judged":
            parts.setdefault(item.part, []).append((item, result))
    return [_abstention(part, samples) for part, samples in parts.items()]


def _abstention(part: str, samples: list[tuple[Item, Result]]) -> dict[str, Any]:
    share = clustered_mean([float(result.abstained) for _, result in samples], [item.cluster for item, _ in samples])
    return {
        "part": part,
        "meaning": _MEANINGS.get(part.split(" ")[0], ""),
        "share": share.mean,
        "interval": list(share.interval),
        "n": share.num_items,
        "num_clusters": share.num_clusters,
        "method": share.method,
    }


def _samples(evaluation: Evaluation) -> list[tuple[Item, Result]]:
    return [(item, result) for item, results in evaluation.each() for result in results]
