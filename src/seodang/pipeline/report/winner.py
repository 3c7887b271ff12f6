"""Which trained arm won, by how much, or that none did."""

from collections.abc import Sequence
from typing import Any

from seodang.pipeline.report.markup import visible
from seodang.pipeline.report.reading import find_row, reading
from seodang.pipeline.report.wording import comparison, listed, p_value, percent, plural, points
from seodang.statistics.families import holm

Row = dict[str, Any]

FEWEST_SEEDS = 3  # with fewer, what is said rests on the luck of single trainings and says so
_NAMES = {"sft": "supervised fine-tuning", "sft_gold": "fine-tuning on gold answers", "distilled": "the distilled student"}


def find_winner(arms: Sequence[Row], paired: Sequence[Row], trained: Sequence[str]) -> Row | None:
    """The arm with the best mean score against every other trained one over the whole exam; None with fewer than two of them.

    It won where it is better than each of them by interval and p, the p values of these comparisons corrected by Holm's method. All of
    them have to fall, so that choosing the best arm by its score first does not make a false winner likelier than one test would.
    `smallest_difference` is half of the interval against the runner-up: about what this exam could just have shown.
    """
    found = {arm["name"]: arm for arm in arms if arm["name"] in trained and arm["score"] is not None}
    if len(found) < 2:
        return None
    best, *others = sorted(found.values(), key=lambda arm: -arm["score"])
    rows = [_against(paired, best["name"], other["name"]) for other in others]
    tested = [row for row in rows if row is not None and row["p"] is not None and row["interval"] is not None]
    if len(tested) < len(rows):
        return None
    for row, p in zip(tested, holm([row["p"] for row in tested]), strict=True):
        row |= {"p_holm": p}
        row |= {"reading": reading(row)}
    runner_up = tested[0]
    seeds = [[seed["score"] for seed in found[name]["seeds"]] for name in (best["name"], runner_up["b"])]
    paired_seeds = len(seeds[0]) == len(seeds[1]) > 1
    winner: Row = {
        "outcome": "won" if all(row["reading"] == "better" for row in tested) else "none",
        "arm": best["name"],
        "score": best["score"],
        "runner_up": runner_up["b"],
        **{key: runner_up[key] for key in ("difference", "interval", "p", "p_holm", "n")},
        "num_arms": len(found),
        "num_seeds": max(1, min(map(len, seeds))),
        "seeds_ahead": sum(a > b for a, b in zip(*seeds, strict=True)) if paired_seeds else None,
        "smallest_difference": (runner_up["interval"][1] - runner_up["interval"][0]) / 2,
        "not_beaten": [row["b"] for row in tested if row["reading"] != "better"],
        "comparisons": tested,
    }
    return {**winner, "sentences": _sentences(winner)}


def arm_in_words(name: str) -> str:
    """A trained arm in a sentence."""
    return _NAMES.get(name, f"the variant {visible(name, 40)}")


def _against(paired: Sequence[Row], a: str, b: str) -> Row | None:
    """The row of a against b over the whole exam, also where it was computed the other way round."""
    row = find_row(paired, a, b)
    if row is not None:
        return {key: row[key] for key in ("a", "b", "difference", "interval", "p", "n")}
    turned = find_row(paired, b, a)
    if turned is None:
        return None
    interval = turned["interval"]
    return {
        "a": a,
        "b": b,
        "difference": 0.0 - turned["difference"],
        "interval": [0.0 - interval[1], 0.0 - interval[0]] if interval is not None else None,
        "p": turned["p"],
        "n": turned["n"],
    }


def _sentences(winner: Row) -> list[str]:
    """What is said of it: the result with its numbers, then what it rests on."""
    best, trained = arm_in_words(winner["arm"]), plural(winner["num_arms"], "trained arm")
    if winner["outcome"] == "won":
        numbers = _numbers(winner["comparisons"][0])
        result = f"Of {trained}, {best} won, ahead of {arm_in_words(winner['runner_up'])} ({percent(winner['score'])} right; {numbers})."
    else:
        result = f"None of {trained} won: {_unclear(winner)} ({percent(winner['score'])} right; {_numbers(_first_unclear(winner))})."
    rests = f"This rests on {plural(winner['num_seeds'], 'seed')} of training"
    if winner["seeds_ahead"] is not None:
        rests += f", in {winner['seeds_ahead']} of which {best} is ahead of {arm_in_words(winner['runner_up'])}"
    if winner["num_seeds"] < FEWEST_SEEDS:
        rests += "; with fewer than three, other seeds may order the arms otherwise"
    limit = points(winner["smallest_difference"]).lstrip("+")
    return [result, f"{rests}. This exam could show a difference between the first two from about {limit} points on."]


def _first_unclear(winner: Row) -> Row:
    return next(row for row in winner["comparisons"] if row["reading"] != "better")


def _unclear(winner: Row) -> str:
    """Which arm is highest and from which it cannot be told apart, the nearest one first; or which arms share the highest score."""
    names = [arm_in_words(name) for name in winner["not_beaten"]]
    equal = [arm_in_words(row["b"]) for row in winner["comparisons"] if row["difference"] == 0]
    if equal:
        return f"{listed([arm_in_words(winner['arm']), *equal])} share the highest score"
    nearest = f"; the numbers are against {names[0]}" if len(names) > 1 else ""
    return f"{arm_in_words(winner['arm'])} is highest, but not distinguishable from {listed(names)}{nearest}"


def _numbers(row: Row) -> str:
    plain = comparison({**row, "p_holm": None})
    corrected = f", {p_value(row['p_holm'])} after Holm's correction" if row["p_holm"] != row["p"] else ""
    return plain.replace(f"p {p_value(row['p'])}", f"p {p_value(row['p'])}{corrected}")
