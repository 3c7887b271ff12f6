"""Clustered means, against inspect-ai and statsmodels, and in the cases where data say little."""

from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers, lists, tuples
from statsmodels.api import OLS

from oracles.inspect_ai import clustered_stderr
from seodang.statistics.clustered import as_clusters, clustered_mean
from seodang.statistics.intervals import wilson

ITEMS = lists(tuples(floats(-5, 5), integers(0, 7)), min_size=2, max_size=60).filter(lambda rows: len({label for _, label in rows}) > 1)


@given(ITEMS)
def test_standard_error_equals_inspect_ai(rows: list[tuple[float, int]]) -> None:
    groups: dict[int, list[float]] = {}
    for value, label in rows:
        groups.setdefault(label, []).append(value)
    found = clustered_mean([value for value, _ in rows], [label for _, label in rows])
    assert found.standard_error == pytest.approx(clustered_stderr()(list(groups.values())), abs=1e-9)


def test_standard_error_equals_a_clustered_regression_on_a_constant() -> None:
    """statsmodels' correction is G / (G - 1) * (n - 1) / (n - parameters), which is G / (G - 1) for one parameter."""
    generator = np.random.default_rng(1)
    for _ in range(20):
        labels, values = generator.integers(0, 12, 90), generator.random(90)
        oracle = OLS(values, np.ones(90)).fit(cov_type="cluster", cov_kwds={"groups": labels})
        found = clustered_mean(values, labels.tolist())
        assert found.standard_error == pytest.approx(float(oracle.bse[0]), abs=1e-9)
        assert found.mean == pytest.approx(float(oracle.params[0]), abs=1e-9)


def test_items_that_stand_for_themselves_have_the_ordinary_standard_error() -> None:
    values = np.random.default_rng(2).random(40)
    assert clustered_mean(values, None).standard_error == pytest.approx(values.std(ddof=1) / np.sqrt(40))
    assert clustered_mean(values, None) == clustered_mean(values, list(range(40)))


def test_right_or_wrong_on_items_that_stand_for_themselves_is_wilsons() -> None:
    assert clustered_mean([1] * 30 + [0] * 20, None).interval == pytest.approx(wilson(30, 50), abs=1e-5)
    assert clustered_mean([1] * 50, list(range(50))).interval == pytest.approx(wilson(50, 50), abs=1e-5)


def test_repeated_items_make_nothing_more_certain() -> None:
    right = np.random.default_rng(3).random(40) < 0.7
    once = clustered_mean(np.repeat(right, 2), np.repeat(np.arange(40), 2).tolist())
    often = clustered_mean(np.repeat(right, 5), np.repeat(np.arange(40), 5).tolist())
    assert often.interval == pytest.approx(once.interval)
    assert often.standard_error == pytest.approx(once.standard_error)
    assert (often.num_items, often.num_clusters) == (200, 40)


@pytest.mark.parametrize("value", [0.0, 1.0, 0.5])
def test_equal_values_get_a_width_that_clusters_decide(value: float) -> None:
    """Forty items of twenty clusters say what twenty items would say."""
    low, high = clustered_mean([value] * 40, [item // 2 for item in range(40)]).interval
    assert low <= value <= high
    few_low, few_high = wilson(round(20 * value), 20, 2.093024)  # Student's t of 19 degrees of freedom
    assert (low, high) == pytest.approx((few_low, few_high), abs=1e-6)


def test_one_cluster_and_values_without_spread_tell_nothing() -> None:
    one = clustered_mean([1, 0, 1], ["a", "a", "a"])
    assert (one.mean, one.standard_error, one.interval) == (pytest.approx(2 / 3), None, (0.0, 1.0))
    assert clustered_mean([5.0, 3.0], ["a", "a"]).interval == (-inf, inf)
    assert clustered_mean([5.0, 5.0], ["a", "b"]).interval == (-inf, inf)


def test_uneven_clusters_weigh_less_than_their_number() -> None:
    assert as_clusters(["a", "b", "c", "d"], 4).effective == 4
    assert as_clusters(["a"] * 7 + ["b", "c", "d"], 10).effective == pytest.approx(100 / 52)


def test_an_array_of_numbers_makes_the_clusters_that_its_list_makes() -> None:
    generator = np.random.default_rng(8)
    values, labels = generator.random(90), generator.integers(-5, 12, 90)
    found, oracle = clustered_mean(values, labels), clustered_mean(values, labels.tolist())
    assert found.interval == pytest.approx(oracle.interval)
    assert found.num_clusters == oracle.num_clusters == np.unique(labels).size
    for refused in (labels / 2, labels.reshape(90, 1)):
        with pytest.raises(ValueError, match="whole number"):
            as_clusters(refused, 90)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(("labels", "says"), [(["a"], "one cluster"), (["a", None], "None")])
def test_each_item_needs_a_cluster(labels: list[str | None], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        clustered_mean([1, 0], labels)
