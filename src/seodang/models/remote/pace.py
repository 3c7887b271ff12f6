"""How many requests may be under way, and how soon the next may begin."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal

from seodang.models.remote.clock import Clock

_FIRST_LIMIT = 4.0

Outcome = Literal["good", "congested", "neutral"]


class Place:
    """One request under way. `outcome` tells the pace what it learned about the server."""

    __slots__ = ("outcome", "started")

    def __init__(self, started: float) -> None:
        self.started = started
        self.outcome: Outcome = "neutral"


class Pace:
    """A limit between 1 and `max_concurrency` that grows with good answers and halves when the server is congested.

    Congestion is a refusal for load (429, 503), a timeout, or an answer slower than `slow_s` seconds. The limit grows by one an
    answer until the first congestion and then by one a round (additive increase, multiplicative decrease: Chiu and Jain 1989,
    Computer Networks 17:1); one round halves it once, however many of its requests were refused.
    """

    def __init__(self, max_concurrency: int, requests_per_minute: int | None, slow_s: float, clock: Clock) -> None:
        self._max = float(max_concurrency)
        self._interval_s = 60.0 / requests_per_minute if requests_per_minute else 0.0
        self._slow_s = slow_s
        self._clock = clock
        self._changed = threading.Condition()
        self._limit = min(_FIRST_LIMIT, self._max)
        self._under_way = 0
        self._next_start = self._paused_until = self._halved_at = float("-inf")

    @property
    def limit(self) -> int:
        """How many requests may be under way now."""
        return int(self._limit)

    @contextmanager
    def place(self, stop: threading.Event) -> Generator[Place | None]:
        """Waits for a place among the requests under way and for its turn; None where `stop` was set before that."""
        with self._changed:
            while self._under_way >= int(self._limit) and not stop.is_set():
                self._changed.wait()
            self._under_way += 1
        place: Place | None = None
        try:
            if self._wait_for_turn(stop):
                place = Place(self._clock.now())
            yield place
        finally:
            with self._changed:
                self._under_way -= 1
                if place is not None:
                    self._learn(place)
                self._changed.notify_all()

    def pause(self, seconds: float) -> None:
        """Lets no request begin for so long: the server asked for it."""
        with self._changed:
            self._paused_until = max(self._paused_until, self._clock.now() + seconds)

    def _wait_for_turn(self, stop: threading.Event) -> bool:
        with self._changed:
            turn = max(self._clock.now(), self._next_start)
            self._next_start = turn + self._interval_s
        while not stop.is_set():
            # A pause may have begun while this request waited for its turn.
            wait_s = max(turn, self._paused_until) - self._clock.now()
            if wait_s <= 0:
                return True
            self._clock.wait(stop, wait_s)
        return False

    def _learn(self, place: Place) -> None:
        now = self._clock.now()
        slow = place.outcome == "good" and now - place.started > self._slow_s
        if place.outcome == "congested" or slow:
            if place.started > self._halved_at:
                self._limit = max(1.0, self._limit / 2)
                self._halved_at = now
        elif place.outcome == "good":
            fast_start = self._halved_at == float("-inf")
            self._limit = min(self._max, self._limit + (1.0 if fast_start else 1.0 / self._limit))
