"""One evaluation against others, item by item: difference, interval, p, what it cost, and what a null result could have seen."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seodang.evaluation.pairs import Pairing, asked_otherwise, item_scores, num_errors, told_otherwise
from seodang.evaluation.result import Evaluation
from seodang.evaluation.retention import retention_row
from seodang.evaluation.rules import SEED
from seodang.evaluation.token_cost import token_costs
from seodang.statistics.detectable import detectable_difference
from seodang.statistics.families import holm
from seodang.statistics.paired import average_seeds, compare_paired
from seodang.statistics.ratio import retention

# How a model may be asked, and the words for it where one model was asked in two ways.
TOLD_APART = {"thinking": "think {}", "temperature": "temperature {}", "num_samples": "samples {}", "seed": "seed {}"}


def compare(pairings: Sequence[Pairing]) -> list[dict[str, Any]]:
    """A row for each pairing of one evaluation, a, with another, b. `p_holm` is corrected for the number of pairings; that of a part, for
    the number of parts."""
    rows = [_row(pairing) for pairing in pairings]
    for row, corrected in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_holm"] = corrected
        row["sentence"] = _sentence(row)
    return rows


def difference(pairing: Pairing) -> dict[str, Any]:
    """Score of a minus score of b on the same items, as a fraction, with its 95 % interval and two-sided p; errors count as wrong on either
    side.

    `seen` is the true difference that these items, tested alone, show with a probability of 80 % (None: no difference is).
    `retention` is a's score over b's.
    """
    items, a, b = pairing.items, *(item_scores(arm, pairing.items) for arm in (pairing.a, pairing.b))
    found = compare_paired(a, b, pairing.clusters, seed=SEED)
    kept = retention(a, b, pairing.clusters)
    return {
        "score_a": float(a.mean()),
        "score_b": float(b.mean()),
        "difference": found.difference,
        "interval": list(found.interval),
        "p": found.p,
        "n": found.n,
        "num_clusters": found.num_clusters,
        "method": found.method,
        "items": _item_counts(average_seeds(a), average_seeds(b)),
        "seen": detectable_difference(a, b, pairing.clusters),
        "retention": retention_row(kept),
        "errors": {"a": num_errors(pairing.a, items), "b": num_errors(pairing.b, items)},
        "difference_range": [
            float(a.mean() - item_scores(pairing.b, items, error=1.0).mean()),
            float(item_scores(pairing.a, items, error=1.0).mean() - b.mean()),
        ],
    }


def _row(pairing: Pairing) -> dict[str, Any]:
    told = pairing.a.manifest["summary"]
    parts = {part: difference(pairing.of_part(part)) for part in dict.fromkeys(item.part for item in pairing.items)}
    for row, corrected in zip(parts.values(), holm([row["p"] for row in parts.values()]), strict=True):
        row["p_holm"] = corrected
    return {
        "a": _named(pairing.a),
        "b": _named(pairing.b),
        "task": told["task"],
        "family": told["family"],
        **difference(pairing),
        "left_out": {"a": pairing.only_a, "b": pairing.only_b},
        "asked_otherwise": asked_otherwise(pairing.a, pairing.b),
        "parts": parts,
        "cost": token_costs(pairing),
        "synthetic": pairing.a.synthetic or pairing.b.synthetic,
    }


def _named(arm: Evaluation) -> dict[str, Any]:
    told = {name: arm.manifest["summary"].get(name) for name in ("model", *TOLD_APART)}
    return told | {"folder": str(arm.folder)}


def _item_counts(a: NDArray[np.float64], b: NDArray[np.float64]) -> dict[str, int]:
    """On how many items either side scored more, and the rest; of right or wrong answers the first two are the discordant pairs."""
    return {"a_better": int((a > b).sum()), "b_better": int((b > a).sum()), "equal": int((a == b).sum())}


def _sentence(row: dict[str, Any]) -> str:
    said = _finding(row)
    same = row["a"]["model"] == row["b"]["model"]
    untold = {name: told for name, told in row["asked_otherwise"].items() if not (same and name in TOLD_APART)}
    return f"{said} They were asked otherwise: {told_otherwise(untold)}." if untold else said


def _finding(row: dict[str, Any]) -> str:
    low, high = (100 * end for end in row["interval"])
    a, b = (label(row, side) for side in ("a", "b"))
    points = 100 * row["difference"]
    found = f"{points:+.1f} points, 95 % interval {low:+.1f} to {high:+.1f}, p = {row['p_holm']:.3g}, {row['n']} items"
    if row["num_clusters"] < row["n"]:
        found += f" in {row['num_clusters']} clusters"
    if errors_may_hide(row):
        low, high = (100 * end for end in row["difference_range"])
        told = " and ".join(f"{row['errors'][side]} of {label(row, side)}" for side in ("a", "b") if row["errors"][side])
        hidden = f"answers that ended in an error ({told}) may hide any difference from {low:+.1f} to {high:+.1f} points"
        return f"Nothing is shown of {a} and {b} on {row['task']}: {hidden} ({found})."
    if row["p_holm"] <= 0.05:
        return f"{a} scores {'more' if points > 0 else 'less'} than {b} on {row['task']} ({found})."
    return f"No difference between {a} and {b} on {row['task']} was shown ({found}); {could_see(row['seen'])}."


def errors_may_hide(row: dict[str, Any]) -> bool:
    """Whether a difference of either sign could stand behind the answers that ended in an error."""
    low, high = row["difference_range"]
    return any(row["errors"].values()) and low <= 0 <= high


def could_see(seen: float | None) -> str:
    """What a null result could have seen, in words."""
    if seen is None:
        return "no difference could have been seen with so few items"
    return f"tested alone, a true difference of {100 * seen:.1f} points would have been seen with 80 %"


def label(row: dict[str, Any], side: str) -> str:
    """A model's name; of one model asked twice, with how this run was asked otherwise than the other, or with its folder."""
    mine, other = row[side], row["b" if side == "a" else "a"]
    if mine["model"] != other["model"]:
        return mine["model"]
    told = [words.format(mine[name]) for name, words in TOLD_APART.items() if mine[name] != other[name]]
    return f"{mine['model']} ({', '.join(told) or mine['folder']})"
