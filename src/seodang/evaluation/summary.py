"""What answers say: each arm's score with its interval, and arms compared on the same items. Pure functions."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

from seodang.core.errors import VerificationError
from seodang.evaluation.answers import Answer
from seodang.evaluation.exam import ExamItem
from seodang.statistics.intervals import bootstrap_mean, wilson
from seodang.statistics.paired import average_seeds, paired_bootstrap, paired_exact

_SEED = 20_250_225  # of the bootstrap, so that equal answers give an equal report


@dataclass(frozen=True, slots=True)
class Arm:
    """A way of answering the exam, such as "base" or "distilled", with the answers of one run for each training seed."""

    name: str
    runs: Sequence[Sequence[Answer]]


class Score(TypedDict):
    """Share of right answers over n items as a fraction, with its 95 % interval and how that came about."""

    score: float
    n: int
    interval: list[float]
    method: str


class ArmSummary(Score):
    name: str
    parts: dict[str, Score]
    dissimilar_half: NotRequired[Score]  # absent where nothing was taught that the exam could be similar to
    seed_scores: list[float]
    mean_new_tokens: float
    mean_reasoning_tokens: NotRequired[float]  # of the new tokens; absent where nobody thought, or a server did not say how much
    cut_share: float  # answers that ended because no more tokens were allowed, as a fraction


class PairedRow(TypedDict):
    """Score of a minus score of b on the same n items, as a fraction, with its 95 % interval and two-sided p."""

    a: str
    b: str
    part: str  # "all", or a part's name
    difference: float
    interval: list[float]
    p: float
    n: int
    method: str


def summarise(items: Sequence[ExamItem], arm: Arm, dissimilar: Collection[str] | None = None) -> ArmSummary:
    """The arm's scores: all items, each part, and the items whose ids are in `dissimilar`.

    With one run, or runs that agree on every item, intervals are Wilson's. Otherwise scores are averaged over the runs
    and intervals are a bootstrap over items, which is about other items, not about other seeds.
    """
    right = _right(items, arm)
    answers = [answer for run in arm.runs for answer in run]
    parts = {part: _score(right[:, columns]) for part, columns in _parts(items).items()}
    summary = ArmSummary(
        name=arm.name,
        **_score(right),
        parts=parts,
        seed_scores=[float(score) for score in right.mean(axis=1)],
        mean_new_tokens=sum(answer.num_new_tokens for answer in answers) / len(answers),
        cut_share=sum(answer.finish_reason == "length" for answer in answers) / len(answers),
    )
    thought = [answer.num_reasoning_tokens for answer in answers]
    if any(thought) and None not in thought:
        summary["mean_reasoning_tokens"] = sum(count or 0 for count in thought) / len(thought)
    if dissimilar is not None:
        summary["dissimilar_half"] = _score(right[:, [item.id in dissimilar for item in items]])
    return summary


def compare(items: Sequence[ExamItem], a: Arm, b: Arm) -> list[PairedRow]:
    """Arm a minus arm b: one row over all items, then one for each part.

    With one run each: McNemar's exact p and Tango's interval. With several: scores averaged over the runs, a sign-flip
    permutation p and a bootstrap interval over items.
    """
    right_a, right_b = _right(items, a), _right(items, b)
    groups = {"all": list(range(len(items))), **_parts(items)}
    return [_paired_row(a.name, b.name, part, right_a[:, columns], right_b[:, columns]) for part, columns in groups.items()]


def _right(items: Sequence[ExamItem], arm: Arm) -> NDArray[np.float64]:
    """1 for right and 0 for wrong, shape (num_runs, num_items); VerificationError unless every run answers exactly these items."""
    expected = [item.id for item in items]
    if not expected or not arm.runs:
        raise VerificationError(f"no answers of the arm `{arm.name}` to summarise")
    for run in arm.runs:
        if [answer.id for answer in run] != expected:
            raise VerificationError(f"the answers of the arm `{arm.name}` are not one to each exam item, in order")
    return np.array([[float(answer.right) for answer in run] for run in arm.runs])


def _parts(items: Sequence[ExamItem]) -> dict[str, list[int]]:
    """The columns of each part's items, in the order in which the parts first appear."""
    parts: dict[str, list[int]] = {}
    for column, item in enumerate(items):
        parts.setdefault(item.part, []).append(column)
    return parts


def _is_one_run(right: NDArray[np.float64]) -> bool:
    return bool((right == right[0]).all())


def _score(right: NDArray[np.float64]) -> Score:
    num_runs, n = right.shape
    if _is_one_run(right):
        interval, method = wilson(int(right[0].sum()), n), "Wilson 95 %"
    else:
        interval, method = bootstrap_mean(average_seeds(right), seed=_SEED), f"mean of {num_runs} seeds, bootstrap over items 95 %"
    return Score(score=float(right.mean()), n=n, interval=list(interval), method=method)


def _paired_row(a: str, b: str, part: str, right_a: NDArray[np.float64], right_b: NDArray[np.float64]) -> PairedRow:
    if _is_one_run(right_a) and _is_one_run(right_b):
        found = paired_exact([bool(x) for x in right_a[0]], [bool(x) for x in right_b[0]])
        method = "McNemar exact p, Tango score interval 95 %"
    else:
        found = paired_bootstrap(right_a, right_b, seed=_SEED)
        method = "sign-flip permutation p, bootstrap over items 95 %"
    return PairedRow(a=a, b=b, part=part, difference=found.difference, interval=list(found.interval), p=found.p, n=found.n, method=method)
