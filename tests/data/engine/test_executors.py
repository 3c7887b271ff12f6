"""Every executor gives the outcomes of the plain one, in order, whatever becomes of a unit's worker."""

import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).parent))  # where `units` stands, here and in worker processes

from units import second_time_lucky, square, whimsical

from seodang.core.errors import InputError, RecipeError
from seodang.data.engine.executor import Executor, Outcome, in_order
from seodang.data.engine.local import InProcess, LocalProcesses
from seodang.data.engine.on_ray import OnRay
from seodang.data.engine.open import open_executor


@pytest.fixture(scope="module")
def two() -> Generator[Executor]:
    with LocalProcesses(2, timeout_s=20) as executor:
        yield executor


def values(outcomes: Iterator[Outcome]) -> list[Any]:
    return [outcome.value for outcome in outcomes]


def test_results_come_in_the_order_of_the_units(two: Executor) -> None:
    expected = [3 + unit * unit for unit in range(40)]
    assert values(InProcess().map_units(square, range(40), shared=3)) == expected
    assert values(two.map_units(square, range(40), shared=3)) == expected


def test_what_is_shared_belongs_to_one_call(two: Executor) -> None:
    assert values(two.map_units(square, [1, 2, 3], shared=10)) == [11, 14, 19]
    assert values(two.map_units(square, [1, 2, 3], shared=20)) == [21, 24, 29]


def test_no_units_give_no_outcomes(two: Executor) -> None:
    assert values(two.map_units(square, [], shared=0)) == values(InProcess().map_units(square, [], shared=0)) == []


def test_a_unit_that_ends_its_worker_is_tried_twice_and_harms_no_other(two: Executor) -> None:
    outcomes = list(two.map_units(whimsical, ["a", "end", "b", "c", "end", "d"]))
    assert [outcome.value for outcome in outcomes] == ["a", None, "b", "c", None, "d"]
    assert [outcome.attempts for outcome in outcomes] == [1, 2, 1, 1, 2, 1]
    assert outcomes[1].error == "the worker process ended with exit code 7"


def test_a_worker_that_dies_once_costs_nothing(two: Executor, tmp_path: Path) -> None:
    outcomes = list(two.map_units(second_time_lucky, range(4), shared=str(tmp_path)))
    assert [(outcome.value, outcome.attempts, outcome.error) for outcome in outcomes] == [(unit, 2, "") for unit in range(4)]


@pytest.mark.parametrize("kind", ["here", "two"])
def test_an_exception_is_the_units_error(kind: str, two: Executor) -> None:
    executor = InProcess() if kind == "here" else two
    outcomes = list(executor.map_units(whimsical, ["a", "raise", "b"]))
    assert [outcome.error for outcome in outcomes] == ["", "ValueError: it cannot be done", ""]
    assert outcomes[1].attempts == 2


@pytest.mark.parametrize("kind", ["here", "two"])
def test_an_error_for_the_user_ends_the_work_in_its_turn(kind: str, two: Executor) -> None:
    executor = InProcess() if kind == "here" else two
    outcomes = executor.map_units(whimsical, ["a", "refuse", "b"])
    assert next(outcomes).value == "a"
    with pytest.raises(InputError, match="no teacher") as told:
        next(outcomes)
    assert told.value.hint == "name one"


def test_a_unit_that_takes_too_long_is_given_up() -> None:
    with LocalProcesses(1, timeout_s=4) as executor:  # in which a new process is to start, on a busy machine too
        outcomes = list(executor.map_units(whimsical, ["a", "wait", "b"]))
    assert [(outcome.value, outcome.error) for outcome in outcomes] == [("a", ""), (None, "no result within 4 s"), ("b", "")]


def test_a_call_that_is_left_early_leaves_nothing_for_the_next_one(two: Executor) -> None:
    begun = two.map_units(whimsical, iter(["a", "wait", "wait"]))
    assert next(begun).value == "a"
    begun.close()  # pyright: ignore[reportAttributeAccessIssue]
    assert values(two.map_units(square, [1, 2, 3], shared=0)) == [1, 4, 9]


@pytest.mark.parametrize("name", ["lambda", "inner"])
def test_a_function_that_has_no_name_elsewhere_is_refused(name: str, two: Executor) -> None:
    def inner(shared: Any, unit: Any) -> Any:
        return unit

    function: Callable[[Any, Any], Any] = inner if name == "inner" else lambda shared, unit: unit
    with pytest.raises(ValueError, match="cannot be imported by name"):
        next(two.map_units(function, [1]))


@given(
    st.lists(st.sampled_from(["fine", "broken once", "broken"]), max_size=30),
    st.integers(1, 4),
    st.randoms(use_true_random=False),
)
def test_whatever_ends_first_the_order_holds_and_no_more_than_a_window_is_taken(kinds: list[str], capacity: int, draw: Any) -> None:
    """Units end in any order; a window of twice the capacity is never left, and each unit is tried once or twice."""
    running: list[int] = []
    tries = [0] * len(kinds)
    taken: list[int] = []
    given_out = 0

    def source() -> Iterator[int]:
        for place in range(len(kinds)):
            taken.append(place)
            assert len(taken) - given_out <= 2 * capacity + 1
            yield place

    def start(place: int, unit: int) -> None:
        assert place == unit
        running.append(place)
        tries[place] += 1
        assert len(running) <= capacity

    def finished() -> list[tuple[int, Outcome]]:
        place = running.pop(draw.randrange(len(running)))
        broken = kinds[place] == "broken" or (kinds[place] == "broken once" and tries[place] == 1)
        return [(place, Outcome(error="it broke") if broken else Outcome(place))]

    for outcome in in_order(source(), capacity=capacity, start=start, finished=finished):
        expected = None if kinds[given_out] == "broken" else given_out
        assert (outcome.value, outcome.attempts) == (expected, 1 + (kinds[given_out] != "fine"))
        given_out += 1
    assert given_out == len(kinds)


def test_results_do_not_pile_up_behind_a_slow_unit() -> None:
    """The first unit ends only when nothing else is under way."""
    running: list[int] = []
    taken: list[int] = []

    def source() -> Iterator[int]:
        for place in range(50):
            taken.append(place)
            yield place

    def finished() -> list[tuple[int, Outcome]]:
        place = running.pop()
        return [(place, Outcome(place))]

    outcomes = in_order(source(), capacity=3, start=lambda place, _: running.append(place), finished=finished)
    assert next(outcomes).value == 0
    assert len(taken) == 6
    assert [outcome.value for outcome in outcomes] == list(range(1, 50))


def test_an_executor_is_chosen_by_its_name() -> None:
    assert isinstance(open_executor(), InProcess)
    assert isinstance(open_executor("local", 2), LocalProcesses)
    assert isinstance(open_executor("local", 1, timeout_s=1.0), LocalProcesses)
    ray = open_executor("ray", 3, ray_address="auto")
    assert isinstance(ray, OnRay)
    assert (ray.workers, ray.address) == (3, "auto")
    with pytest.raises(RecipeError, match="no executor `dask`"):
        open_executor("dask")
