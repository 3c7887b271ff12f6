"""Many requests, one model: a single thread works on all of them, one step (a token) each in turn."""

import asyncio
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from typing import Any, Generic, TypeVar

from seodang.serving.refusal import RefusalError

Step = TypeVar("Step")


class Job(Generic[Step]):
    """One request under way. Iterating over it gives its steps as they are done, and raises what they raised."""

    def __init__(self, start: Callable[[], Generator[Step]], timeout_s: float) -> None:
        self.start = start
        self.timeout_s = timeout_s
        self.asked_s = time.monotonic()
        self.begun_s: float | None = None  # None while it waits
        self.cancelled = threading.Event()
        self._steps: Generator[Step] | None = None
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Queue[Step | BaseException] = asyncio.Queue()

    def __aiter__(self) -> "Job[Step]":
        return self

    async def __anext__(self) -> Step:
        left_s = self.asked_s + self.timeout_s - time.monotonic()
        try:
            item = await asyncio.wait_for(self._done.get(), left_s)
        except TimeoutError:
            self.cancelled.set()
            message = f"the request took longer than {self.timeout_s:g} s, the time limit of this server"
            raise RefusalError(503, message, code="timeout", headers={"x-should-retry": "false"}) from None
        if isinstance(item, BaseException):
            raise item
        return item

    def cancel(self) -> None:
        """Stops the work before its next step. Harmless when it has ended."""
        self.cancelled.set()

    def advance(self) -> bool:
        """Does one step, in the thread of the scheduler. False when there is no further one."""
        if self.cancelled.is_set():
            self.stop(RefusalError(503, "the request was cancelled"))
            return False
        try:
            if self._steps is None:
                self.begun_s = time.monotonic()
                self._steps = self.start()
            self._tell(next(self._steps))
        except StopIteration:
            self._tell(StopAsyncIteration())
            return False
        except Exception as error:  # noqa: BLE001 - it belongs to this request alone, whose handler raises it
            self._tell(error)
            return False
        return True

    def stop(self, reason: Exception) -> None:
        """Ends the work, in the thread of the scheduler."""
        if self._steps is not None:
            self._steps.close()
        self._tell(reason)

    def _tell(self, item: Step | BaseException) -> None:
        self._loop.call_soon_threadsafe(self._done.put_nowait, item)


class Scheduler:
    """The only thread that touches the models, so that requests cannot disturb one another. Each is worked on alone (a batch of one):
    its answer does not depend on what else is asked at the same time.
    """

    def __init__(self, max_active: int, queue_size: int, timeout_s: float) -> None:
        self._max_active = max_active
        self._queue_size = queue_size
        self._timeout_s = timeout_s
        self._waiting: deque[Job[Any]] = deque()
        self._active: deque[Job[Any]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._mean_s = 1.0  # seconds of work on a request; later ones weigh more
        self._thread = threading.Thread(target=self._work, name="seodang-model", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether requests are (or, before the first one, will be) worked on."""
        return not self._closed and (self._thread.ident is None or self._thread.is_alive())

    def submit(self, start: Callable[[], Generator[Step]]) -> Job[Step]:
        """Puts work into the queue; `start` is called in the scheduler's thread. RefusalError 429 when the queue is full."""
        with self._changed:
            if not self.alive:
                raise _stopping()
            waiting = [job for job in self._waiting if not job.cancelled.is_set()]
            if len(waiting) + len(self._active) >= self._max_active + self._queue_size:
                wait_s = max(1, math.ceil(self._mean_s * (len(waiting) + 1) / self._max_active))
                message = f"{len(waiting)} requests are waiting already; try again in {wait_s} s"
                raise RefusalError(429, message, code="queue_full", headers={"Retry-After": str(wait_s)})
            job = Job(start, self._timeout_s)
            self._waiting = deque([*waiting, job])
            if self._thread.ident is None:
                self._thread.start()
            self._changed.notify()
        return job

    def close(self) -> None:
        """Ends all work with a refusal and waits for the thread: at most one step of the model."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._active or self._waiting or self._closed)
                if self._closed:
                    break
                while self._waiting and len(self._active) < self._max_active:
                    self._active.append(self._waiting.popleft())
            job = self._active[0]
            goes_on = job.advance()
            with self._changed:
                self._active.popleft()
                if goes_on:
                    self._active.append(job)
                elif job.begun_s is not None and not job.cancelled.is_set():
                    self._mean_s += 0.2 * (time.monotonic() - job.begun_s - self._mean_s)
        for job in (*self._active, *self._waiting):
            job.stop(_stopping())


def _stopping() -> RefusalError:
    return RefusalError(503, "the server is stopping", code="stopping", headers={"x-should-retry": "false"})
