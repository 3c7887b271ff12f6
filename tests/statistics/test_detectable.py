"""What the items at hand would have shown is shown by as many others with the announced probability, or said to be nothing."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from seodang.statistics.detectable import detectable_difference, detectable_ratio, detectable_share
from seodang.statistics.one_sided import difference_p, mean_p, ratio_p
from seodang.statistics.paired import compare_paired, mcnemar_exact
from seodang.statistics.ratio import retention

Floats = NDArray[np.float64]


@pytest.mark.parametrize("n", [6, 8, 20, 60, 200])
def test_of_arms_that_agree_everywhere_the_best_possible_power_is_told(n: int) -> None:
    """All discordant items fall on one side: SciPy's binomial sums that power."""
    agreeing = np.ones((1, n))
    found = detectable_difference(agreeing, agreeing, None)

    def best(difference: float) -> float:
        return float(sum(stats.binom.pmf(k, n, difference) for k in range(n + 1) if mcnemar_exact(k, 0) <= 0.05))

    assert found is not None
    assert best(found) == pytest.approx(0.8, abs=0.002)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_too_few_items_could_show_nothing(n: int) -> None:
    assert detectable_difference(np.ones((1, n)), np.zeros((1, n)), None) is None
    assert detectable_difference(np.ones((1, 4 * n)), np.zeros((1, 4 * n)), list(range(n)) * 4) is None


def drawn(
    generator: np.random.Generator, difference: float, discordant: float, num: int, size: int, hanging: float
) -> tuple[Floats, Floats]:
    """Two arms on `num` clusters of `size` items; a share `hanging` of the items is as its cluster."""
    discordant = max(discordant, abs(difference))
    shares = [(discordant + difference) / 2, (discordant - difference) / 2, 1 - discordant]
    own, common = generator.choice(3, num * size, p=shares), generator.choice(3, num, p=shares).repeat(size)
    kind = np.where(generator.random(own.size) < hanging, common, own)
    return (kind == 0)[None].astype(float), (kind == 1)[None].astype(float)


@pytest.mark.parametrize("above", [0.0, -0.1])
@pytest.mark.parametrize(("discordant", "num", "size", "hanging"), [(0.02, 100, 1, 0), (0.2, 200, 1, 0), (0.2, 80, 4, 0.5)])
def test_the_difference_that_one_sample_tells_is_found_in_80_percent_of_others(
    above: float, discordant: float, num: int, size: int, hanging: float
) -> None:
    generator, labels = np.random.default_rng(7), np.arange(num).repeat(size)
    told = [detectable_difference(*drawn(generator, 0, discordant, num, size, hanging), labels, above=above) for _ in range(15)]
    difference = float(np.median([one for one in told if one is not None]))
    hits = 0
    for seed in range(600):
        a, b = drawn(generator, difference, discordant, num, size, hanging)
        if above == 0:
            compared = compare_paired(a, b, labels, seed=seed, draws=1000)
            hits += compared.p <= 0.05 and compared.difference > 0
        else:
            hits += difference_p(a, b, labels, above=above, seed=seed) <= 0.025
    assert hits / 600 == pytest.approx(0.8, abs=0.06)


@pytest.mark.parametrize(("share", "above", "num", "size"), [(0.5, 0.5, 150, 1), (0.9, 0.85, 100, 1), (0.6, 0.6, 60, 4)])
def test_the_share_that_one_sample_tells_is_found_in_80_percent_of_others(share: float, above: float, num: int, size: int) -> None:
    generator, labels = np.random.default_rng(8), np.arange(num).repeat(size)

    def values(share: float) -> Floats:
        return np.where(
            generator.random(num * size) < 0.4, (generator.random(num) < share).repeat(size), generator.random(num * size) < share
        )

    told = [detectable_share(values(share), labels, above=above) for _ in range(15)]
    found = float(np.median([one for one in told if one is not None]))
    hits = sum(mean_p(values(found), labels, above=above) <= 0.025 for _ in range(600))
    assert hits / 600 == pytest.approx(0.8, abs=0.06)


def test_no_share_is_told_where_not_even_all_right_would_pass() -> None:
    assert detectable_share(np.ones(10), None, above=0.95) is None
    assert detectable_share(np.ones(10), [0] * 10, above=0.5) is None


@pytest.mark.parametrize(("num_clusters", "size"), [(150, 1), (60, 4)], ids=["alone", "clusters"])
def test_the_detectable_ratio_of_one_sample_is_found_in_80_percent_of_others(num_clusters: int, size: int) -> None:
    generator, labels, teacher, minimum = np.random.default_rng(6), np.arange(num_clusters).repeat(size), 0.6, 0.8

    def scores(ratio: float) -> tuple[np.ndarray, np.ndarray]:
        new, old = 0.125 + (ratio - 1) * teacher / 2, 0.125 - (ratio - 1) * teacher / 2
        shares = [teacher - old, new, old, 1 - teacher - new]
        own = generator.choice(4, num_clusters * size, p=shares)
        kind = np.where(generator.random(own.size) < 0.5, generator.choice(4, num_clusters, p=shares).repeat(size), own)
        return (kind <= 1)[None].astype(float), ((kind == 0) | (kind == 2))[None].astype(float)

    ratios = [detectable_ratio(retention(*scores(minimum), labels), minimum) for _ in range(60)]
    ratio = float(np.median([one for one in ratios if one is not None]))
    hits = sum(ratio_p(*scores(ratio), labels, above=minimum) <= 0.025 for _ in range(1200))
    assert hits / 1200 == pytest.approx(0.8, abs=0.04)  # 3.5 standard errors


def test_a_detectable_ratio_is_one_that_a_student_can_have() -> None:
    both = [[1.0] * 80 + [0.0] * 20]
    agreeing = retention(both, both)
    found = detectable_ratio(agreeing, 0.9)
    assert found is not None
    assert 0.9 < found < 1
    assert detectable_ratio(agreeing, 1.3) is None  # 104 % right
    assert detectable_ratio(retention(both, [[1.0] * 78 + [0.0] * 2 + [1.0] * 20]), 1.0) is None
    assert detectable_ratio(retention([[0.0] * 10], [[0.0] * 10]), 0.9) is None
    assert detectable_ratio(retention(both, both, [0] * 100), 0.9) is None
