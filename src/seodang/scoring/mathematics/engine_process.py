"""Both engines in a process of their own, which is ended when a question takes too long: neither can hang, nor fill the memory.

A question is one JSON line, `[gold, answer, unordered, places]`. Each engine answers with a line `[outcome, reason]`, our own one first;
math-verify is asked only where that one has decided. No signal and no thread is used to stop an engine, so any thread may ask.
"""

import atexit
import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module

from seodang.core.errors import InputError

CPU_SECONDS = 10  # that one question may take
WALL_SECONDS = 60.0  # after which it is given up on a machine that is busy with other things
_MEMORY_BYTES = 4 << 30


@dataclass(frozen=True, slots=True)
class Found:
    """What an engine says: "equal", "different" or "unknown", and why where it is the last."""

    outcome: str
    reason: str = ""


class EngineProcess:
    """The process, its pipes and who may use them. It is started with the first question and again after one that it did not survive."""

    def __init__(self, wall_seconds: float = WALL_SECONDS) -> None:
        self.wall_seconds = wall_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._received = b""
        self._lock = threading.Lock()

    def ask(self, gold: str, answer: str, unordered: bool = False, places: int | None = None) -> tuple[Found, Found]:
        """What our engine and math-verify say. An engine that does not come back says "unknown"."""
        with self._lock:
            process = self._started()
            assert process.stdin is not None
            assert process.stdout is not None
            self._received = b""
            try:
                process.stdin.write(json.dumps([gold, answer, unordered, places]).encode() + b"\n")
                process.stdin.flush()
            except BrokenPipeError:
                self._end()
                return Found("unknown", "its process ended"), Found("unknown", "not asked")
            exact = self._read(process.stdout.fileno())
            if exact.outcome == "unknown":
                return exact, Found("unknown", "not asked")
            return exact, self._read(process.stdout.fileno())

    def _read(self, pipe: int) -> Found:
        """The next line, which may have come together with the one before it."""
        end = time.monotonic() + self.wall_seconds
        while b"\n" not in self._received:
            ready = select.select([pipe], [], [], max(0.0, end - time.monotonic()))[0]
            received = os.read(pipe, 1 << 16) if ready else b""
            if not received:
                self._end()
                return Found(
                    "unknown", "its process ended: out of time or memory" if ready else f"no answer within {self.wall_seconds:g} s"
                )
            self._received += received
        line, _, self._received = self._received.partition(b"\n")
        return Found(*json.loads(line))

    def _started(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._owner != os.getpid() or self._process.poll() is not None:
            paths = os.pathsep.join(path for path in sys.path if path)
            self._process = subprocess.Popen(
                [sys.executable, "-c", "from seodang.scoring.mathematics.engine_process import serve; serve()"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": paths},
            )
            self._owner = os.getpid()
            assert self._process.stdout is not None
            self._received = b""
            greeting = self._read(self._process.stdout.fileno())
            if greeting.outcome != "ready":
                self._end()
                raise InputError(
                    f"the engines of mathematics do not start: {greeting.reason}",
                    hint="install seodang with its extra `data`, which has math-verify",
                )
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                if pipe:
                    pipe.close()

    def close(self) -> None:
        with self._lock:
            self._end()


ENGINES = EngineProcess()
atexit.register(ENGINES.close)


def serve() -> None:
    """Answers questions on standard input until it closes."""
    import logging

    from seodang.scoring.mathematics import exact, math_verify_engine

    out, sys.stdout = sys.stdout, sys.stderr
    try:
        import_module("math_verify")
    except ImportError as error:
        print(json.dumps(["missing", str(error)]), file=out, flush=True)
        return
    print(json.dumps(["ready", ""]), file=out, flush=True)
    logging.disable(logging.CRITICAL)  # math-verify warns on every start that its time limit is off
    _limit_memory()
    for line in sys.stdin:
        gold, answer, unordered, places = json.loads(line)
        _limit_time()
        rounded = places is not None
        ours = _answer(partial(exact.compare_rounded, gold, answer) if rounded else partial(exact.compare, gold, answer, unordered))
        print(json.dumps(ours), file=out, flush=True)
        if ours[0] != "unknown":
            print(json.dumps(_answer(partial(math_verify_engine.compare, gold, answer, places))), file=out, flush=True)


def _answer(engine: Callable[[], tuple[str, str]]) -> tuple[str, str]:
    try:
        return engine()
    except Exception as error:  # noqa: BLE001  an engine that fails has not decided, and says why
        return "unknown", f"failed: {type(error).__name__}: {error}"[:200]


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))


def _limit_time() -> None:
    """The system ends the process when this question has computed for too long."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        usage = resource.getrusage(resource.RUSAGE_SELF)
        used = int(usage.ru_utime + usage.ru_stime)
        resource.setrlimit(resource.RLIMIT_CPU, (used + CPU_SECONDS + 1, resource.getrlimit(resource.RLIMIT_CPU)[1]))
