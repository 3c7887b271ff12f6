"""Many jobs at once: what is finished is handed over whatever else happens."""

import threading

import pytest

from seodang.core.errors import EndpointError
from seodang.models.remote.failures import EndpointRefusalError
from seodang.models.remote.fanout import ask_all


def test_all_answers_are_handed_over_in_the_callers_thread() -> None:
    found: dict[int, int] = {}
    threads: set[int] = set()

    def done(index: int, answer: int) -> None:
        found[index] = answer
        threads.add(threading.get_ident())

    ask_all(100, lambda index, stop: index * index, num_threads=7, on_done=done)
    assert found == {index: index * index for index in range(100)}
    assert threads == {threading.get_ident()}


def test_no_jobs_are_done_at_once() -> None:
    ask_all(0, lambda index, stop: index, num_threads=4, on_done=lambda index, answer: None)


def test_what_is_under_way_at_an_error_is_still_handed_over() -> None:
    """Job 0 fails while job 1 is being answered; job 1 is kept, and nothing new begins."""
    under_way, failed = threading.Event(), threading.Event()
    found: list[int] = []

    def ask(index: int, stop: threading.Event) -> int:
        if index == 0:
            under_way.wait(5)
            failed.set()
            raise EndpointError("gone", where="host")
        under_way.set()
        failed.wait(5)
        stop.wait(5)
        return index

    with pytest.raises(EndpointError, match="gone"):
        ask_all(50, ask, num_threads=2, on_done=lambda index, answer: found.append(answer))
    assert found == [1]


def test_an_error_of_the_receiver_stops_the_work() -> None:
    """A full disk, say."""
    asked: list[int] = []

    def ask(index: int, stop: threading.Event) -> int:
        asked.append(index)
        stop.wait(0.001)
        return index

    def done(index: int, answer: int) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        ask_all(1_000_000, ask, num_threads=2, on_done=done)
    assert len(asked) < 1_000_000


def refuse(index: int, every: int) -> int:
    if index % every == 0:
        raise EndpointRefusalError("too long", where="host", status=400)
    return index


def test_a_refused_item_does_not_stop_the_others() -> None:
    found: list[int] = []
    refused: list[int] = []
    ask_all(
        20,
        lambda index, stop: refuse(index, 4),
        num_threads=1,
        on_done=lambda index, answer: found.append(answer),
        on_refused=lambda index, error: refused.append(index),
    )
    assert refused == [0, 4, 8, 12, 16]
    assert len(found) == 15


def test_refusals_without_an_answer_between_them_come_to_an_end() -> None:
    """A thousand requests that all are refused for the same reason are not all sent."""
    refused: list[int] = []
    with pytest.raises(EndpointRefusalError):
        ask_all(
            10_000_000,
            lambda index, stop: refuse(index, 1),
            num_threads=1,
            on_done=lambda index, answer: None,
            on_refused=lambda index, error: refused.append(index),
        )
    assert len(refused) < 10_000_000


def test_without_a_receiver_of_refusals_the_first_is_raised() -> None:
    with pytest.raises(EndpointRefusalError):
        ask_all(5, lambda index, stop: refuse(index, 4), num_threads=1, on_done=lambda index, answer: None)
