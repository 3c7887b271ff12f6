"""Many requests at once: each answer is handed over when it comes, and a failure stops the rest cleanly."""

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from seodang.models.remote.client import StoppedError
from seodang.models.remote.failures import EndpointRefusalError

Answer = TypeVar("Answer")

_REFUSALS_IN_A_ROW = 8  # so many with no answer between them are the endpoint's fault, not the requests'


class _Ended(Generic[Answer]):
    """How one job ended: with an answer, with an error, or (no index) its thread has no more jobs."""

    __slots__ = ("answer", "error", "index")

    def __init__(self, index: int | None, answer: Answer | None = None, error: BaseException | None = None) -> None:
        self.index = index
        self.answer = answer
        self.error = error


def ask_all(
    num_jobs: int,
    ask: Callable[[int, threading.Event], Answer],
    *,
    num_threads: int,
    on_done: Callable[[int, Answer], None],
    on_refused: Callable[[int, EndpointRefusalError], None] | None = None,
) -> None:
    """Calls `ask(index, stop)` for each job, in order, from up to `num_threads` threads.

    `on_done` is called in the caller's thread, in the order in which answers come. The first error stops what has not begun; what
    is under way is waited for and handed over, and then the error is raised. With `on_refused`, a request that the server refuses
    for its own content is handed over instead, and the work goes on.
    """
    ended: queue.SimpleQueue[_Ended[Answer]] = queue.SimpleQueue()
    stop = threading.Event()
    indices = iter(range(num_jobs))
    lock = threading.Lock()

    def work() -> None:
        while not stop.is_set():
            with lock:
                index = next(indices, None)
            if index is None:
                break
            try:
                ended.put(_Ended(index, ask(index, stop)))
            except StoppedError:
                break
            except BaseException as error:  # noqa: BLE001  it is raised again in the caller's thread
                ended.put(_Ended(index, error=error))
                if on_refused is None or not _of_this_request(error):
                    stop.set()
        ended.put(_Ended(None))

    num_working = min(num_threads, num_jobs)
    for _ in range(num_working):
        threading.Thread(target=work, daemon=True).start()
    first_error: BaseException | None = None
    refusals_in_a_row = 0
    try:
        while num_working:
            one = ended.get()
            if one.index is None:
                num_working -= 1
            elif one.error is None:
                refusals_in_a_row = 0
                on_done(one.index, one.answer)  # type: ignore[arg-type]  an answer may be None
            elif on_refused is not None and isinstance(one.error, EndpointRefusalError) and one.error.of_this_request:
                on_refused(one.index, one.error)
                refusals_in_a_row += 1
                if refusals_in_a_row == _REFUSALS_IN_A_ROW:
                    first_error = first_error or one.error
                    stop.set()
            else:
                first_error = first_error or one.error
    finally:
        stop.set()
    if first_error is not None:
        raise first_error


def _of_this_request(error: BaseException) -> bool:
    return isinstance(error, EndpointRefusalError) and error.of_this_request
