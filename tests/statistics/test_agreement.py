"""Agreement as two oracles compute it, and where it is not defined."""

import math

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seodang.statistics.agreement import Level, alpha_with_interval, cohen_kappa, krippendorff_alpha

RATINGS = st.integers(2, 5).flatmap(
    lambda raters: st.integers(1, 12).flatmap(
        lambda units: st.lists(
            st.lists(st.sampled_from([None, 1, 2, 3, 5]), min_size=units, max_size=units), min_size=raters, max_size=raters
        )
    )
)
PUBLISHED = [  # four observers, twelve units: Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", example C
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
@settings(max_examples=60, deadline=None)
@given(rows=RATINGS)
def test_alpha_is_that_of_the_package_krippendorff(level: Level, rows: list[list[int | None]]) -> None:
    found = krippendorff_alpha(rows, level)
    pairable = [[v for v in unit if v is not None] for unit in zip(*rows, strict=True)]
    values = {value for unit in pairable if len(unit) > 1 for value in unit}
    if len(values) < 2:
        assert math.isnan(found)
        return
    numbers = np.array([[np.nan if value is None else value for value in row] for row in rows])
    assert found == pytest.approx(krippendorff.alpha(numbers, level_of_measurement=level), abs=1e-9)


def test_the_published_example() -> None:
    assert krippendorff_alpha(PUBLISHED) == pytest.approx(0.743, abs=5e-4)
    assert krippendorff_alpha(PUBLISHED, "ordinal") == pytest.approx(0.815, abs=5e-4)
    assert krippendorff_alpha(PUBLISHED, "interval") == pytest.approx(0.849, abs=5e-4)
    assert krippendorff_alpha(PUBLISHED, "ratio") == pytest.approx(0.797, abs=5e-4)


def test_labels_may_be_words() -> None:
    assert krippendorff_alpha([["right", "wrong"], ["right", "wrong"]]) == 1
    assert krippendorff_alpha([["right", "wrong"], ["wrong", "right"]]) < 0


def test_the_interval_holds_alpha_and_shrinks_with_units() -> None:
    generator = np.random.default_rng(1)
    wide: list[float] = []
    for units in (40, 640):
        truth = generator.integers(0, 2, units)
        rows = [np.where(generator.random(units) < 0.15, 1 - truth, truth).tolist() for _ in range(2)]
        found = alpha_with_interval(rows, seed=3, draws=400)
        assert found.interval[0] < found.alpha < found.interval[1]
        assert (found.num_units, found.num_ratings) == (units, 2 * units)
        wide.append(found.interval[1] - found.interval[0])
    assert wide[1] < 0.5 * wide[0]
    assert alpha_with_interval(PUBLISHED, seed=7, draws=50) == alpha_with_interval(PUBLISHED, seed=7, draws=50)


def test_the_interval_covers_a_known_alpha() -> None:
    """Two raters who are right 9 times in 10 on a fair coin: alpha is (0.82 - 0.5) / 0.5 = 0.64."""
    generator = np.random.default_rng(5)
    covered = 0
    for _ in range(60):
        truth = generator.integers(0, 2, 120)
        rows = [np.where(generator.random(120) < 0.1, 1 - truth, truth).tolist() for _ in range(2)]
        low, high = alpha_with_interval(rows, seed=1, draws=200).interval
        covered += low <= 0.64 <= high
    assert covered >= 52


def test_what_cannot_be_told_is_not_a_number() -> None:
    assert math.isnan(krippendorff_alpha([]))
    assert math.isnan(krippendorff_alpha([["right"], [None]]))
    found = alpha_with_interval([["right", "right"], ["right", "right"]], seed=1)
    assert math.isnan(found.alpha)
    assert math.isnan(found.interval[0])
    assert math.isnan(cohen_kappa(["right"], ["right"]))


def test_kappa() -> None:
    """Cohen 1960's form on counts 20, 5, 10, 15: (0.7 - 0.5) / 0.5."""
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    assert cohen_kappa(first, second) == pytest.approx(0.4)
    assert cohen_kappa(second, first) == pytest.approx(0.4)


def test_ratings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="every unit"):
        krippendorff_alpha([["a"], ["a", "b"]])
    with pytest.raises(ValueError, match="finite numbers"):
        krippendorff_alpha([["a"], ["b"]], "interval")
    with pytest.raises(ValueError, match="same units"):
        cohen_kappa(["a"], [])
    with pytest.raises(ValueError, match="at least one draw"):
        alpha_with_interval(PUBLISHED, seed=1, draws=0)
