"""Time as the requests see it, so that a test can pass an hour in no time."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Clock:
    """`now` in seconds from anywhere; `wait` for an event or so many seconds, True if the event came; `epoch` in seconds since 1970."""

    now: Callable[[], float] = field(default=time.monotonic)
    wait: Callable[[threading.Event, float], bool] = field(default=threading.Event.wait)
    epoch: Callable[[], float] = field(default=time.time)
