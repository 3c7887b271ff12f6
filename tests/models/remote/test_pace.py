"""The pace: bounds, halving once a round, even spacing, pauses."""

import itertools
import threading
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from endpoints.fast_time import FastTime
from seodang.models.remote.pace import Outcome, Pace

outcomes: st.SearchStrategy[Outcome] = st.sampled_from(["good", "congested", "neutral"])


def use(pace: Pace, fast: FastTime, outcome: Outcome, seconds: float = 0.0) -> None:
    with pace.place(threading.Event()) as place:
        assert place is not None
        fast.now_s += seconds
        place.outcome = outcome


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(most=st.integers(1, 64), history=st.lists(st.tuples(outcomes, st.floats(0.0, 20.0)), max_size=60))
def test_the_limit_stays_between_one_and_the_most(most: int, history: list[tuple[Outcome, float]]) -> None:
    fast = FastTime()
    pace = Pace(most, None, slow_s=10.0, clock=fast.clock)
    for outcome, seconds in history:
        use(pace, fast, outcome, seconds)
        assert 1 <= pace.limit <= most


def test_good_answers_raise_the_limit_fast_at_first_and_slowly_after_a_refusal(fast: FastTime) -> None:
    pace = Pace(64, None, 10.0, fast.clock)
    for _ in range(12):
        use(pace, fast, "good", 1.0)
    assert pace.limit == 16
    use(pace, fast, "congested", 1.0)
    assert pace.limit == 8
    for _ in range(8):
        use(pace, fast, "good", 1.0)
    assert pace.limit == 8
    use(pace, fast, "good", 1.0)
    assert pace.limit == 9


def test_a_slow_answer_halves_the_limit(fast: FastTime) -> None:
    pace = Pace(4, None, 10.0, fast.clock)
    use(pace, fast, "good", 11.0)
    assert pace.limit == 2


def test_one_round_of_refusals_halves_once(fast: FastTime) -> None:
    """All four requests were under way when the first was refused, so that the other three say nothing new."""
    pace = Pace(4, None, 10.0, fast.clock)
    with ExitStack() as stack:
        for _ in range(4):
            place = stack.enter_context(pace.place(threading.Event()))
            assert place is not None
            place.outcome = "congested"
        fast.now_s += 1.0
    assert pace.limit == 2


def test_no_more_requests_are_under_way_than_the_limit() -> None:
    pace = Pace(2, None, 10.0, FastTime().clock)
    stop = threading.Event()
    begun = threading.Event()
    with pace.place(stop):
        with pace.place(stop):
            third = threading.Thread(target=lambda: use_and_tell(pace, begun), daemon=True)
            third.start()
            assert not begun.wait(0.05)
        assert begun.wait(5)
    third.join(5)


def use_and_tell(pace: Pace, begun: threading.Event) -> None:
    with pace.place(threading.Event()):
        begun.set()


@pytest.mark.parametrize("per_minute", [1, 7, 60])
def test_requests_begin_evenly_spaced(fast: FastTime, per_minute: int) -> None:
    pace = Pace(8, per_minute, 1e9, fast.clock)
    starts: list[float] = []
    for _ in range(5):
        with pace.place(threading.Event()):
            starts.append(fast.now_s)
    assert [b - a for a, b in itertools.pairwise(starts)] == pytest.approx([60 / per_minute] * 4)


def test_a_pause_holds_every_request_back(fast: FastTime) -> None:
    pace = Pace(8, None, 1e9, fast.clock)
    pace.pause(30.0)
    pace.pause(5.0)
    start = fast.now_s
    use(pace, fast, "good")
    assert fast.now_s == start + 30.0


def test_nothing_begins_after_the_stop(fast: FastTime) -> None:
    stop = threading.Event()
    stop.set()
    with Pace(1, None, 1.0, fast.clock).place(stop) as place:
        assert place is None
