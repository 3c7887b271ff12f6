"""Every 95 % interval of the room holds the truth in 93 to 97 % of the cases, at each point of its documented domain.

Counts are summed exactly over all outcomes. The rest is simulated 2,000 times a point (standard error of a coverage of 95 %: .49 points),
with fixed seeds. Shares are taken one by one, never averaged over.
"""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from seodang.statistics.agreement import alpha_with_interval
from seodang.statistics.amounts import amount_interval, ratio_shares
from seodang.statistics.calibration import brier_score, calibration_error
from seodang.statistics.clustered import clustered_mean
from seodang.statistics.intervals import bootstrap_mean, mean_interval, wilson
from seodang.statistics.paired import compare_paired, paired_bootstrap, paired_clusters
from seodang.statistics.ratio import retention
from seodang.statistics.tango import tango_interval
from seodang.statistics.unpaired import group_difference

_SIMULATIONS = 2_000
Codes = NDArray[np.intp]


def coverage(interval: Callable[[np.random.Generator], tuple[float, float]], truth: float, seed: int) -> float:
    generator = np.random.default_rng(seed)
    held = 0
    for _ in range(_SIMULATIONS):
        low, high = interval(generator)
        held += low <= truth <= high
    return held / _SIMULATIONS


def is_near_95(share: float) -> bool:
    return 0.93 <= share <= 0.97


def clusters(generator: np.random.Generator, num: int, sizes: str, concentration: str, shares: list[float]) -> tuple[Codes, Codes]:
    """The kind (an index into `shares`) and the cluster of each item; sizes are one, four or uneven (1 to 10), and what hangs together
    within a cluster is nothing, some (intracluster correlation .3) or all."""
    size = {"one": np.ones(num, int), "four": np.full(num, 4), "uneven": generator.integers(1, 11, num)}[sizes]
    chances = np.array([*shares, 1 - sum(shares)])
    if concentration == "nothing":
        counts = generator.multinomial(size, chances)
    elif concentration == "some":
        counts = generator.multinomial(size, generator.dirichlet(chances * 0.7 / 0.3, num))
    else:
        counts = generator.multinomial(1, chances, num) * size[:, None]
    kinds = np.repeat(np.tile(np.arange(chances.size), num), counts.ravel())
    return kinds, np.repeat(np.arange(num), size)


HANGING = [("one", "nothing"), ("four", "some"), ("uneven", "all")]


@pytest.mark.parametrize("total", [50, 100, 300, 1000])
def test_wilson_at_each_share_with_ten_expected_right_and_wrong(total: int) -> None:
    """Exact, at every share that has a percent without a fraction; it swings between 93.4 and 96.7 % at 50 items."""
    ends = np.array([wilson(right, total) for right in range(total + 1)])
    shares = [share for share in np.arange(0.01, 1, 0.01) if total * min(share, 1 - share) >= 10 - 1e-9]
    assert shares
    for share in shares:
        held = (ends[:, 0] <= share) & (share <= ends[:, 1])
        assert is_near_95(float(stats.binom.pmf(np.arange(total + 1), total, share)[held].sum())), share


@pytest.mark.parametrize("n", [50, 100])
@pytest.mark.parametrize(("discordant", "part"), [(0.1, 0.5), (0.1, 0.7), (0.1, 0.9), (0.2, 0.5), (0.2, 0.8), (0.4, 0.5), (0.4, 0.9)])
def test_tango_with_five_expected_discordant_items(n: int, discordant: float, part: float) -> None:
    """Exact, summed over all outcomes that are likelier than 1e-7; what is left out counts as not covered."""
    only_a, only_b = np.triu_indices(n + 1)[0], n - np.triu_indices(n + 1)[1]
    chances = stats.binom.pmf(only_a + only_b, n, discordant) * stats.binom.pmf(only_a, only_a + only_b, part)
    held = 0.0
    for x, y, chance in zip(only_a.tolist(), only_b.tolist(), chances.tolist(), strict=True):
        if chance > 1e-7:
            low, high = tango_interval(x, y, n, 1.96)
            held += chance * (low <= discordant * (2 * part - 1) <= high)
    assert is_near_95(held)


@pytest.mark.parametrize(
    "tasks", [[(50, 0.2), (50, 0.8)], [(40, 0.3), (100, 0.1), (300, 0.95)], [(60, 0.5)] * 9], ids=["two", "three", "nine"]
)
def test_mean_of_shares_of_several_tasks(tasks: list[tuple[int, float]]) -> None:
    def interval(generator: np.random.Generator) -> tuple[float, float]:
        counts = [int(generator.binomial(n, share)) for n, share in tasks]
        ends = [wilson(right, n) for right, (n, _) in zip(counts, tasks, strict=True)]
        return mean_interval([right / n for right, (n, _) in zip(counts, tasks, strict=True)], ends)

    assert is_near_95(coverage(interval, sum(share for _, share in tasks) / len(tasks), seed=len(tasks)))


@pytest.mark.parametrize(("num", "share"), [(30, 0.5), (40, 0.2), (60, 0.3), (70, 0.1), (70, 0.9), (130, 0.05)])
@pytest.mark.parametrize(("sizes", "hanging"), [("four", "nothing"), ("four", "some"), ("uneven", "all")])
def test_clustered_mean_of_shares(num: int, share: float, sizes: str, hanging: str) -> None:
    def interval(generator: np.random.Generator) -> tuple[float, float]:
        kinds, labels = clusters(generator, num, sizes, hanging, [share])
        return clustered_mean(kinds == 0, labels).interval

    assert is_near_95(coverage(interval, share, seed=num))


def test_clustered_mean_of_any_values() -> None:
    def interval(generator: np.random.Generator) -> tuple[float, float]:
        labels = np.repeat(np.arange(30), 4)
        return clustered_mean(5 + generator.normal(size=30)[labels] + generator.normal(size=120), labels).interval

    assert is_near_95(coverage(interval, 5.0, seed=1))


@pytest.mark.parametrize(("num", "up", "down"), [(50, 0.1, 0.05), (50, 0.15, 0.15), (100, 0.05, 0.05), (100, 0.02, 0.1)])
@pytest.mark.parametrize(("sizes", "hanging"), HANGING)
def test_paired_clusters(num: int, up: float, down: float, sizes: str, hanging: str) -> None:
    def interval(generator: np.random.Generator) -> tuple[float, float]:
        kind, labels = clusters(generator, num, sizes, hanging, [up, down])
        return paired_clusters((kind == 0)[None], (kind == 1)[None], labels, seed=0, draws=1).interval

    assert is_near_95(coverage(interval, up - down, seed=num))


def test_paired_comparison_of_several_samples() -> None:
    """Three samples of one arm against five of the other, on items that stand for themselves."""

    def interval(generator: np.random.Generator) -> tuple[float, float]:
        ease = generator.beta(2, 1, 60)
        a, b = generator.random((3, 60)) < ease, generator.random((5, 60)) < ease**1.3
        return compare_paired(a, b, seed=0, draws=1).interval

    assert is_near_95(coverage(interval, 2 / 3 - 2 / 3.3, seed=2))


RETAINED = [
    (50, 0.4, 0.05, 0.1),
    (100, 0.8, 0.03, 0.07),
    (100, 0.15, 0.05, 0.05),
]


@pytest.mark.parametrize(("num", "both", "student", "teacher"), RETAINED)
@pytest.mark.parametrize(("sizes", "hanging"), HANGING)
def test_retention(num: int, both: float, student: float, teacher: float, sizes: str, hanging: str) -> None:
    def interval(generator: np.random.Generator) -> tuple[float, float]:
        kind, labels = clusters(generator, num, sizes, hanging, [both, student, teacher])
        found = retention((kind <= 1)[None], ((kind == 0) | (kind == 2))[None], labels).interval
        assert found is not None
        return found

    assert is_near_95(coverage(interval, (both + student) / (both + teacher), seed=num))


@pytest.mark.parametrize(("n", "share"), [(50, 0.2), (50, 0.5), (100, 0.1), (200, 0.9)])
def test_bootstrap_mean(n: int, share: float) -> None:
    def interval(generator: np.random.Generator) -> tuple[float, float]:
        scores = (generator.random((2, n)) < generator.beta(2 * share, 2 * (1 - share), n)).mean(axis=0)
        return bootstrap_mean(scores, seed=0, draws=400)

    assert is_near_95(coverage(interval, share, seed=n))


def test_paired_bootstrap() -> None:
    def interval(generator: np.random.Generator) -> tuple[float, float]:
        ease = generator.beta(2, 1, 60)
        return paired_bootstrap(generator.random((3, 60)) < ease, generator.random((3, 60)) < ease**1.3, seed=0, draws=400).interval

    assert is_near_95(coverage(interval, 2 / 3 - 2 / 3.3, seed=3))


@pytest.mark.parametrize(("num", "largest"), [(60, 1), (100, 5)])
def test_paired_bootstrap_of_clusters(num: int, largest: int) -> None:
    """Grades of any range, whose differences hang together within a cluster."""

    def interval(generator: np.random.Generator) -> tuple[float, float]:
        labels = np.repeat(np.arange(num), generator.integers(1, largest + 1, num))
        changes = 0.4 + generator.standard_exponential(num)[labels] + generator.normal(0, 1, labels.size)
        return paired_bootstrap(changes[None], np.zeros((1, labels.size)), labels, seed=0, draws=400).interval

    assert is_near_95(coverage(interval, 1.4, seed=num))


@pytest.mark.parametrize("shift", [0.0, 0.02, 0.05, 0.15])
@pytest.mark.parametrize("n", [300, 1000])
def test_calibration_error(n: int, shift: float) -> None:
    """Confidences that are all too high by `shift`, or right."""

    def interval(generator: np.random.Generator) -> tuple[float, float]:
        confidence = 0.2 + 0.8 * generator.beta(4, 2, n)
        return calibration_error(confidence, generator.random(n) < confidence - shift).interval

    assert is_near_95(coverage(interval, shift, seed=n))


def test_brier_score() -> None:
    def interval(generator: np.random.Generator) -> tuple[float, float]:
        confidence = generator.beta(4, 2, 100)
        return brier_score(confidence, generator.random(100) < confidence).interval

    assert is_near_95(coverage(interval, 4 / 6 - (4 * 5) / (6 * 7), seed=4))


def test_alpha() -> None:
    """Three raters who each see the unit's true label, one of two, with probability .8: alpha is .6 squared."""

    def interval(generator: np.random.Generator) -> tuple[float, float]:
        truth = generator.random(80) < 0.5
        ratings = np.where(generator.random((3, 80)) < 0.8, truth, ~truth).astype(int)
        return alpha_with_interval(ratings.tolist(), seed=0, draws=200).interval

    assert is_near_95(coverage(interval, 0.36, seed=5))


@pytest.mark.parametrize(
    ("sizes", "share", "other"),
    [((55, 5), 0.8, 0.8), ((90, 10), 0.8, 0.8), ((90, 10), 0.9, 0.9), ((80, 20), 0.8, 0.8), ((60, 40), 0.9, 0.9), ((50, 50), 0.7, 0.9)],
)
def test_groups_of_single_items(sizes: tuple[int, int], share: float, other: float) -> None:
    """Exact, summed over all outcomes that are likelier than 1e-6; what is left out counts as not covered. The first three have less than
    the three expected wrong items of the domain."""
    n, m = sizes
    first, held = np.arange(n + m) < n, 0.0
    chances = np.outer(stats.binom.pmf(np.arange(n + 1), n, share), stats.binom.pmf(np.arange(m + 1), m, other))
    for right, also in np.argwhere(chances > 1e-6):
        values = np.repeat([1.0, 0.0, 1.0, 0.0], [right, n - right, also, m - also])
        low, high = group_difference(values, first, None).interval
        held += chances[right, also] * (low <= share - other + 1e-12 and share - other - 1e-12 <= high)
    assert is_near_95(float(held))


@pytest.mark.parametrize(("num", "part", "share"), [(40, 0.5, 0.5), (60, 0.5, 0.8), (100, 0.7, 0.2)])
@pytest.mark.parametrize(("sizes", "hanging"), [("four", "some"), ("uneven", "all")])
def test_groups_of_whole_clusters(num: int, part: float, share: float, sizes: str, hanging: str) -> None:
    def interval(generator: np.random.Generator) -> tuple[float, float]:
        kinds, labels = clusters(generator, num, sizes, hanging, [share])
        return group_difference(kinds == 0, labels < part * num, labels).interval

    assert is_near_95(coverage(interval, 0.0, seed=num))


@pytest.mark.parametrize(("num", "share"), [(50, 0.5), (50, 0.8), (100, 0.9)])
@pytest.mark.parametrize(("correlation", "part"), [(0.3, 0.5), (0.3, 0.8), (0.7, 0.5)])
def test_groups_that_both_have_items_of_a_cluster(num: int, share: float, correlation: float, part: float) -> None:
    """Uneven clusters, whose items lie in either group by chance."""

    def interval(generator: np.random.Generator) -> tuple[float, float]:
        labels = np.repeat(np.arange(num), generator.integers(1, 11, num))
        ease = generator.beta(share * (1 / correlation - 1), (1 - share) * (1 / correlation - 1), num)
        right, first = generator.random(labels.size) < ease[labels], generator.random(labels.size) < part
        return group_difference(right, first, labels).interval

    assert is_near_95(coverage(interval, 0.0, seed=num))


@pytest.mark.parametrize(
    ("num", "part", "sizes", "hanging"), [(60, 0.5, "one", "nothing"), (100, 0.5, "four", "some"), (100, 0.5, "uneven", "all")]
)
def test_differences_in_groups(num: int, part: float, sizes: str, hanging: str) -> None:
    def interval(generator: np.random.Generator) -> tuple[float, float]:
        kinds, labels = clusters(generator, num, sizes, hanging, [0.15, 0.05])
        changes = np.array([1.0, -1.0, 0.0])[kinds]
        return group_difference(changes, labels < part * num, labels, lowest=-1).interval

    assert is_near_95(coverage(interval, 0.0, seed=num))


@pytest.mark.parametrize(("num", "size", "share"), [(50, 1, 0.8), (50, 4, 0.6), (100, 1, 0.6)])
@pytest.mark.parametrize("deviation", [0.6, 1.0])
def test_amounts_and_amounts_a_right_answer(num: int, size: int, share: float, deviation: float) -> None:
    """Tokens of two arms, lognormal, more on hard clusters in both; the second arm writes four fifths of the first."""
    labels, mean = np.repeat(np.arange(num), size), float(np.exp(5 + deviation**2 / 2))
    generator, held = np.random.default_rng(num + size), np.zeros(2)
    for _ in range(_SIMULATIONS):
        length, ease = generator.normal(size=num), generator.beta(share * 0.7 / 0.3, (1 - share) * 0.7 / 0.3, num)
        logs = 5 + deviation * (0.6 * length[labels] + 0.8 * generator.normal(size=(2, labels.size)))
        tokens, right = np.exp(logs) * [[1.0], [0.8]], (generator.random((2, labels.size)) < ease[labels]).astype(float)
        shares = [ratio_shares(amounts, scores) for amounts, scores in zip(tokens, right, strict=True)]
        for place, (changes, truth) in enumerate([(tokens[0] - tokens[1], mean / 5), (shares[0] - shares[1], mean / 5 / share)]):
            low, high = amount_interval(float(changes.mean()), changes, labels) or (0.0, 0.0)
            held[place] += low <= truth <= high
    assert is_near_95(held[0] / _SIMULATIONS)
    assert is_near_95(held[1] / _SIMULATIONS)
