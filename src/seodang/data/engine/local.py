"""Units of work in this process, or in processes of this machine that are started afresh (`spawn`)."""

import multiprocessing
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Any, Self

from seodang.data.engine.executor import Outcome, UnitFunction, in_order, require_named, run_unit


class InProcess:
    """One unit after the other, here. It cannot end a unit that takes too long, nor outlive one that ends the process."""

    workers = 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        return None

    def map_units(self, function: UnitFunction, units: Iterable[Any], *, shared: Any = None) -> Iterator[Outcome]:
        """Outcomes in order, as `Executor` says."""
        done: list[tuple[int, Outcome]] = []

        def finished() -> list[tuple[int, Outcome]]:
            return [done.pop()]

        return in_order(
            units, capacity=1, start=lambda place, unit: done.append((place, run_unit(function, shared, unit))), finished=finished
        )


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    pipe: Connection
    place: int | None = None  # of the unit that it works on
    deadline: float = float("inf")


class LocalProcesses:
    """Processes that live as long as the executor is open and end with the process that opened it.

    `timeout_s` is how long one unit may take; its process is then ended and another one started. None: as long as it likes.
    """

    def __init__(self, workers: int, *, timeout_s: float | None = None) -> None:
        self.workers = workers
        self.timeout_s = timeout_s
        self._pool: list[_Worker] = []
        self._context = multiprocessing.get_context("spawn")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for worker in self._pool:
            worker.pipe.close()
        for worker in self._pool:
            if worker.place is not None:
                worker.process.kill()
            worker.process.join()
            worker.process.close()
        self._pool = []

    def map_units(self, function: UnitFunction, units: Iterable[Any], *, shared: Any = None) -> Iterator[Outcome]:
        """Outcomes in order, as `Executor` says."""
        require_named(function)
        told: set[int] = set()  # the workers that have the function and what is shared, by their process's id

        def start(place: int, unit: Any) -> None:
            worker = self._idle()
            try:
                if worker.process.pid not in told:
                    worker.pipe.send((function, shared))
                    told.add(worker.process.pid or 0)
                worker.pipe.send([unit])
            except (BrokenPipeError, ConnectionResetError):
                told.discard(worker.process.pid or 0)  # it died while it was idle: `finished` finds its pipe at an end
            worker.place = place
            worker.deadline = time.monotonic() + self.timeout_s if self.timeout_s else float("inf")

        try:
            yield from in_order(units, capacity=self.workers, start=start, finished=self._finished)
        finally:
            for worker in [worker for worker in self._pool if worker.place is not None]:
                self._end(worker)

    def _idle(self) -> _Worker:
        for worker in self._pool:
            if worker.place is None:
                return worker
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=serve, args=(theirs,))
        process.start()
        theirs.close()
        self._pool.append(_Worker(process, ours))
        return self._pool[-1]

    def _finished(self) -> list[tuple[int, Outcome]]:
        busy = [worker for worker in self._pool if worker.place is not None]
        while True:
            left = min(worker.deadline for worker in busy) - time.monotonic()
            ready = connection.wait([worker.pipe for worker in busy], None if left == float("inf") else max(left, 0))
            found: list[tuple[int, Outcome]] = []
            for worker in busy:
                assert worker.place is not None
                if worker.pipe in ready:
                    found.append((worker.place, self._receive(worker)))
                elif worker.deadline <= time.monotonic():
                    found.append((worker.place, Outcome(error=f"no result within {self.timeout_s:g} s")))
                    self._end(worker)
            if found:
                return found

    def _receive(self, worker: _Worker) -> Outcome:
        try:
            outcome: Outcome = worker.pipe.recv()
        except (EOFError, ConnectionResetError):
            worker.process.join()
            code = worker.process.exitcode
            self._end(worker)
            return Outcome(error=f"the worker process ended with exit code {code}")
        worker.place = None
        return outcome

    def _end(self, worker: _Worker) -> None:
        self._pool.remove(worker)
        worker.pipe.close()
        worker.process.kill()
        worker.process.join()
        worker.process.close()


def serve(pipe: Connection) -> None:
    """The life of a worker: a pair is the function and what is shared, a list holds a unit. It ends when the other side is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that opened the executor
    function: UnitFunction | None = None
    shared: Any = None
    while True:
        try:
            message = pipe.recv()
        except (EOFError, ConnectionResetError):
            return
        if isinstance(message, tuple):
            function, shared = message
            continue
        assert function is not None
        try:
            pipe.send(run_unit(function, shared, message[0]))
        except (BrokenPipeError, ConnectionResetError):
            return
