"""The arms of a recipe: each one's score with its interval, and arms compared on the same items. Pure functions."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NotRequired, TypedDict, TypeVar

import numpy as np
from numpy.typing import NDArray

from seodang.core.errors import VerificationError
from seodang.evaluation.result import Evaluation
from seodang.evaluation.rules import SEED
from seodang.evaluation.score import Answered, TaskScore, costs, score
from seodang.statistics.paired import compare_paired

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Arm:
    """A way of answering an exam, such as "base" or "distilled", with the evaluation of each training seed.

    VerificationError unless every evaluation is of the same items, at least one.
    """

    name: str
    runs: Sequence[Evaluation]

    def __post_init__(self) -> None:
        asked = {tuple(item.id for item in run.items) for run in self.runs}
        if len(asked) != 1 or asked == {()}:
            raise VerificationError(f"the answers of the arm `{self.name}` are not one to each exam item, in order")

    @property
    def answered(self) -> list[Answered]:
        """Each item with the results of all seeds, which are averaged like samples: intervals are about other items, not other seeds."""
        return [(item, [result for run in self.runs for result in run.results[item.id]]) for item in self.runs[0].items]


class ArmScore(TaskScore):
    """An arm's score over all items; `parts` has each part's, `seed_scores` each seed's own."""

    name: str
    parts: dict[str, TaskScore]
    dissimilar_half: NotRequired[TaskScore]  # absent where nothing was taught that the exam could be similar to
    seed_scores: list[float]
    errors: int  # answers that ended in an error; they count as wrong
    mean_new_tokens: float | None  # of a judged answer; None: there is none
    mean_reasoning_tokens: NotRequired[float]  # of the new tokens; absent where nobody thought, or a server did not say how much
    cut_share: float  # answers that ended because no more tokens were allowed, as a fraction


class ArmDifference(TypedDict):
    """Score of a minus score of b on the same n items, as a fraction, with its 95 % interval and two-sided p."""

    a: str
    b: str
    part: str  # "all", or a part's name
    difference: float
    interval: list[float]
    p: float
    n: int
    num_clusters: int
    method: str


def arm_score(arm: Arm, dissimilar: Collection[str] | None = None) -> ArmScore:
    """The arm's scores: all items, each part, and the items whose ids are in `dissimilar`."""
    answered = arm.answered
    results = [result for _, samples in answered for result in samples]
    cost = costs(results)
    found = ArmScore(
        name=arm.name,
        **_over_seeds(answered, len(arm.runs)),
        parts={part: _over_seeds(group, len(arm.runs)) for part, group in _parts(answered).items()},
        seed_scores=[fmean(result.score for samples in run.results.values() for result in samples) for run in arm.runs],
        errors=sum(result.outcome == "error" for result in results),
        mean_new_tokens=cost["mean_new_tokens"],
        cut_share=cost["cut_share"],
    )
    if cost["mean_reasoning_tokens"]:
        found["mean_reasoning_tokens"] = cost["mean_reasoning_tokens"]
    if dissimilar is not None:
        found["dissimilar_half"] = _over_seeds([pair for pair in answered if pair[0].id in dissimilar], len(arm.runs))
    return found


def arm_differences(a: Arm, b: Arm) -> list[ArmDifference]:
    """Arm a minus arm b: one row over all items, then one for each part. VerificationError unless both answered the same items."""
    pairs = list(zip(a.answered, b.answered, strict=False))
    if len(a.answered) != len(b.answered) or any(ours[0].id != theirs[0].id for ours, theirs in pairs):
        raise VerificationError(f"the arms `{a.name}` and `{b.name}` did not answer the same items")
    groups = {"all": pairs, **_grouped(pairs, lambda pair: pair[0][0].part)}
    return [_difference(a.name, b.name, part, group) for part, group in groups.items()]


def _over_seeds(answered: Sequence[Answered], num_seeds: int) -> TaskScore:
    found = score(answered)
    if num_seeds > 1:
        found["method"] = f"mean of {num_seeds} seeds, {found['method']}"
    return found


def _parts(answered: Sequence[Answered]) -> dict[str, list[Answered]]:
    return _grouped(answered, lambda pair: pair[0].part)


def _grouped(values: Iterable[Value], key: Callable[[Value], str]) -> dict[str, list[Value]]:
    """The values of each key, in the order in which the keys first appear."""
    groups: dict[str, list[Value]] = {}
    for value in values:
        groups.setdefault(key(value), []).append(value)
    return groups


def _difference(a: str, b: str, part: str, pairs: Sequence[tuple[Answered, Answered]]) -> ArmDifference:
    clusters = [item.cluster for (item, _), _ in pairs]
    found = compare_paired(_scores(ours for ours, _ in pairs), _scores(theirs for _, theirs in pairs), clusters, seed=SEED)
    return ArmDifference(
        a=a,
        b=b,
        part=part,
        difference=found.difference,
        interval=list(found.interval),
        p=found.p,
        n=found.n,
        num_clusters=found.num_clusters,
        method=found.method,
    )


def _scores(answered: Iterable[Answered]) -> NDArray[np.float64]:
    """Of shape (num_seeds, num_items); an error scores 0."""
    return np.array([[result.score for result in samples] for _, samples in answered]).T
