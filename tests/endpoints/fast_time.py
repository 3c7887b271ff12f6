"""A clock that passes time without waiting."""

import threading

from seodang.models.remote.clock import Clock


class FastTime:
    """Seconds that pass only when somebody waits; `waits` are those that were asked for."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.waits: list[float] = []
        self._lock = threading.Lock()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        with self._lock:
            self.now_s += seconds
            self.waits.append(seconds)
        return event.is_set()

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.now_s, wait=self.wait, epoch=lambda: 1_700_000_000.0 + self.now_s)
