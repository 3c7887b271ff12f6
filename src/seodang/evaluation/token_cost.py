"""What two arms wrote for what they got right: tokens of an answer, and tokens of a right answer, with their paired differences."""

from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seodang.evaluation.pairs import Pairing, item_scores
from seodang.evaluation.result import Evaluation
from seodang.evaluation.task import Item
from seodang.statistics.amounts import amount_interval, ratio_shares


def token_costs(pairing: Pairing) -> dict[str, Any]:
    """New tokens, reasoning included: the mean of an answer, and all of them over the sum of scores (None where nothing was right); each
    as a minus b with its 95 % interval over clusters of items."""
    arms = [(_tokens(arm, pairing.items), item_scores(arm, pairing.items).mean(axis=0)) for arm in (pairing.a, pairing.b)]
    (tokens_a, right_a), (tokens_b, right_b) = arms
    told: dict[str, Any] = {"new_tokens": _paired(float(tokens_a.mean()), float(tokens_b.mean()), tokens_a - tokens_b, pairing.clusters)}
    if not (right_a.any() and right_b.any()):
        told["new_tokens_per_right"] = {side: _ratio(*arm) for side, arm in zip("ab", arms, strict=True)} | {
            "difference": None,
            "interval": None,
        }
        return told
    change = ratio_shares(*arms[0]) - ratio_shares(*arms[1])
    told["new_tokens_per_right"] = _paired(_ratio(*arms[0]) or 0.0, _ratio(*arms[1]) or 0.0, change, pairing.clusters)
    return told


def _tokens(arm: Evaluation, items: tuple[Item, ...]) -> NDArray[np.float64]:
    """Mean new tokens of each item's samples, shape (num_items,)."""
    return np.array([fmean(result.num_new_tokens for result in arm.results[item.id]) for item in items])


def _ratio(tokens: NDArray[np.float64], right: NDArray[np.float64]) -> float | None:
    return float(tokens.sum() / right.sum()) if right.any() else None


def _paired(a: float, b: float, differences: NDArray[np.float64], clusters: list[str]) -> dict[str, Any]:
    interval = amount_interval(a - b, differences, clusters)
    return {"a": a, "b": b, "difference": a - b, "interval": list(interval) if interval else None}
