"""The placement search, its front, and what a better device buys."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seodang.testbed.predict.asked import asked_row
from seodang.testbed.predict.calibrated import frozen
from seodang.testbed.predict.case import Case, resolve
from seodang.testbed.predict.elasticity import binding, elasticities
from seodang.testbed.predict.layouts import all_layouts
from seodang.testbed.predict.refused import PredictionRefused
from seodang.testbed.predict.search import Found, Point, front, search
from seodang.testbed.workloads.operators import Layout

PARAMETERS = frozen().parameters


def asked(count: int, device: str = "h200_sxm", concurrency: int | None = None) -> Case:
    row = asked_row(
        model="ax-k1", device=device, count=count, layout=None, input_tokens=1024, output_tokens=1024, concurrency=concurrency,
        framework="sglang", weights="fp8",
    )  # fmt: skip
    return resolve(row, layout=Layout())


@pytest.fixture(scope="module")
def found() -> Found:
    return search(asked(64), PARAMETERS, 64)


def test_every_layout_of_64_devices_is_tried_with_bounded_work(found: Found) -> None:
    """About 0.2 ms each on one core, and less for the splits, whose steps were computed before: the search stays near a second."""
    assert found.fitting + found.too_large == len(list(all_layouts(asked(64).shape, 64)))
    assert found.fitting > 200
    assert sum(point.readers is None for point in found.points) < 5000
    assert found.computed < 10_000


def test_the_front_is_as_good_as_every_point(found: Found) -> None:
    """Points are rough and the front is exact, so that they may differ by some percent."""
    for point in found.points:
        assert any(
            one.tokens_s_user >= 0.85 * point.tokens_s_user and one.tokens_s_device >= 0.85 * point.tokens_s_device for one in found.front
        )
    assert front(found.front) == found.front
    assert len({point.layout for point in found.front}) > 2


@given(st.lists(st.tuples(st.floats(1, 9), st.floats(1, 9)), min_size=1, max_size=30))
def test_the_front_holds_a_better_one_for_each_point(rates: list[tuple[float, float]]) -> None:
    points = [Point(Layout(), 1, user, device) for user, device in rates]
    kept = front(points)
    assert all(any(one.tokens_s_user >= p.tokens_s_user and one.tokens_s_device >= p.tokens_s_device for one in kept) for p in points)
    assert [one.tokens_s_user for one in kept] == sorted((one.tokens_s_user for one in kept), reverse=True)


def test_clients_that_are_given_are_kept() -> None:
    assert {point.clients for point in search(asked(32, concurrency=64), PARAMETERS, 32, 64).points} == {64}


def test_a_model_that_fits_nowhere_is_refused() -> None:
    with pytest.raises(PredictionRefused) as refused:
        search(asked(2), PARAMETERS, 2)
    assert refused.value.reason == "does not fit"


def test_split_devices_decode_without_being_stopped(found: Found) -> None:
    """The readers keep up with what is decoded, and nobody is faster than a user alone."""
    apart = [point for point in found.points if point.readers is not None]
    for point in apart:
        readers = point.readers
        assert readers is not None
        assert point.layout.devices <= 64 - readers.devices
        # What is decoded in a second was read before: the readers keep up.
        assert point.tokens_s_device * 64 / 1024 <= 0.9 * readers.rate * (1 + 1e-9)
    together = {point.tokens_s_user for point in found.points if point.readers is None}
    assert max(point.tokens_s_user for point in apart) <= max(together) * (1 + 1e-9)


def test_splitting_pays_where_prompts_are_long_and_users_want_speed() -> None:
    row = asked_row(
        model="ax-k1", device="h200_sxm", count=64, layout=None, input_tokens=8192, output_tokens=256, concurrency=None,
        framework="sglang", weights="fp8",
    )  # fmt: skip
    points = search(resolve(row, layout=Layout()), PARAMETERS, 64).points

    def best(apart: bool) -> float:
        return max(p.tokens_s_device for p in points if (p.readers is not None) is apart and p.tokens_s_user >= 50)

    assert best(apart=True) > 1.2 * best(apart=False)


def test_a_tenth_more_of_something_buys_at_most_a_tenth() -> None:
    case = dataclasses.replace(asked(8), layout=Layout(tp=8), replicas=1)
    case = dataclasses.replace(case, row=dataclasses.replace(case.row, concurrency=16))
    bought = elasticities(case, PARAMETERS)
    for change in ("bandwidth_plus_10_percent", "flops_plus_10_percent"):
        assert 1 / 1.1 - 1 <= bought[change]["tpot"] <= 0
    assert bought["bandwidth_plus_10_percent"]["tpot"] < bought["flops_plus_10_percent"]["tpot"]
    assert bought["one_more_link"]["ttft_unloaded"] < 0
    assert bought["latency_minus_5_us"]["tpot"] < 0
    assert bought["memory_plus_10_percent"] == {"tpot": 0, "ttft_unloaded": 0, "sequences": bought["memory_plus_10_percent"]["sequences"]}
    assert bought["memory_plus_10_percent"]["sequences"] > 0.1


def test_shares_of_a_step_add_up() -> None:
    case = dataclasses.replace(asked(8), layout=Layout(tp=8), replicas=1)
    told = binding(case.deployment(PARAMETERS).decode(16, 1024))
    assert sum(one["share"] for one in told) == pytest.approx(1)
    assert told[0]["operator"].startswith("experts")
    assert told[0]["bound_by"] == "memory"
    assert {one["bound_by"] for one in told} == {"memory", "launch", "link"}
