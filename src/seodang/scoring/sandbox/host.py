"""The caller's side: a sandbox is a zygote and the confinement that it was found to have."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

import seodang
from seodang.scoring.sandbox import frames
from seodang.scoring.sandbox.isolation import Isolation, IsolationError
from seodang.scoring.sandbox.limits import Limits

_START = """
import sys
sys.path.insert(0, {source!r})
from seodang.scoring.sandbox.zygote import main
sys.path.remove({source!r})
main({line}, {confinement!r}, {base!r})
"""
# The zygote's own; it is emptied before any job. One arena, since each reserves address space, which is limited.
_ENVIRONMENT = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1", "MALLOC_ARENA_MAX": "1"}
_MAX_TOLD = 1 << 20
_PIPE_HOLDS = 4096  # bytes, at the least


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job ended: `began` is "ok" where it was confined, otherwise why not; `stopped` is "", "time", "scratch" or "caller"."""

    began: str
    status: int  # as waitpid gives it
    stopped: str
    cpu_s: float

    def out_of_time(self, limits: Limits) -> bool:
        """Whether it was ended for the time that it took."""
        killed = os.WIFSIGNALED(self.status) and os.WTERMSIG(self.status) == signal.SIGKILL
        return self.stopped == "time" or (killed and self.cpu_s >= 0.5 * limits.cpu_s)

    def in_words(self, limits: Limits) -> str:
        """Why the process is gone, for a reader; empty where it ended of itself with status 0."""
        if self.stopped == "time":
            return f"stopped after {limits.wall_s:g} s"
        if self.stopped == "scratch":
            return "stopped: the scratch folder was full"
        if os.WIFSIGNALED(self.status):
            killed = f"killed by {signal.Signals(os.WTERMSIG(self.status)).name}"
            return f"stopped after {limits.cpu_s} s of processor time" if self.out_of_time(limits) else killed
        code = os.waitstatus_to_exitcode(self.status) if self.status >= 0 else -1
        return f"exit status {code}" if code else ""


class Job:
    """A running job: its end comes on a pipe, and closing the other one ends it."""

    def __init__(self, told: int, kept: int) -> None:
        self.told, self._kept = told, kept

    def ending(self) -> Ending:
        """Waits for the end, which the limits bring in any case. IsolationError where the job could not be confined."""
        try:
            ending = Ending(**json.loads(frames.receive(self.told, _MAX_TOLD)))
        except frames.Gone:
            raise IsolationError("the sandbox ended while a job ran", hint="see whether the system is out of memory or processes") from None
        if ending.began != "ok" and not ending.stopped:
            raise IsolationError(f"a job could not be confined: {ending.began or 'no reason'}", hint="nothing was run; see the reason")
        return ending

    def close(self) -> None:
        """Ends the job where it still runs."""
        os.close(self._kept)
        os.close(self.told)


class Sandbox:
    """A zygote in one confinement. Entered, it takes jobs from any thread; at its end every process and file of it is gone."""

    def __init__(self, confinement: str, hash_seed: int = 1) -> None:
        self._confinement, self._hash_seed = confinement, hash_seed
        self._lock = threading.Lock()
        self.isolation = Isolation(confinement, {})

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            base = stack.enter_context(TemporaryDirectory(prefix="seodang-sandbox-"))
            self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                stack.enter_context(self._line)
                self._zygote = self._start(theirs.fileno(), base)
            stack.callback(self._end)
            told = self._line.recv(_MAX_TOLD).decode()
            if told != "ready":
                raise IsolationError(f"{self._confinement}: {told or 'the process ended at its start'}")
            self.isolation = Isolation(self._confinement, self._probe())
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Ends every job and the zygote, and removes its files."""
        self._stack.close()

    @property
    def is_alive(self) -> bool:
        """Whether it still takes jobs."""
        return self._zygote.poll() is None

    def start(self, role: str, limits: Limits, pipes: Sequence[int], **more: object) -> Job:
        """Starts a job with these ends of pipes, which are closed here."""
        told_read, told_write = os.pipe()
        kept_read, kept_write = os.pipe()
        theirs = [*pipes, told_write, kept_read]
        request = json.dumps({"role": role, "limits": asdict(limits), **more}).encode()
        try:
            with self._lock:
                socket.send_fds(self._line, [request], theirs)
        except OSError as fault:
            os.close(told_read)
            os.close(kept_write)
            raise IsolationError(f"the sandbox is gone: {fault}", hint="run it again") from fault
        finally:
            for pipe in theirs:
                os.close(pipe)
        return Job(told_read, kept_write)

    def _start(self, line: int, base: str) -> "subprocess.Popen[bytes]":
        source = str(Path(seodang.__file__).parent.parent)
        program = _START.format(source=source, line=line, confinement=self._confinement, base=base)
        return subprocess.Popen(
            [sys.executable, "-S", "-s", "-P", "-c", program],
            env=_ENVIRONMENT | {"PYTHONHASHSEED": str(self._hash_seed)},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=[line], start_new_session=True,
        )  # fmt: skip

    def _end(self) -> None:
        with suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)
        try:
            self._zygote.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._zygote.kill()
            self._zygote.wait()

    def _probe(self) -> Mapping[str, bool]:
        with TemporaryDirectory(prefix="seodang-outside-") as folder, socket.create_server(("127.0.0.1", 0)) as server:
            file, meeting = Path(folder, "outside"), str(Path(folder, "socket"))
            file.write_text("a file outside of the sandbox")
            file.chmod(0o644)
            Path(folder).chmod(0o777)  # so that nothing but the sandbox refuses it
            outside = {"file": str(file), "folder": folder, "process": os.getpid(), "port": server.getsockname()[1], "socket": meeting}
            with socket.socket(socket.AF_UNIX) as listening, pipe_pair() as (answer, theirs):
                listening.bind(meeting)
                listening.listen()
                Path(meeting).chmod(0o777)
                job = self.start("probe", Limits(), [theirs.give()], outside=outside)
                try:
                    job.ending()
                    return json.loads(frames.receive(answer.number, _MAX_TOLD))
                finally:
                    job.close()


class End:
    """One end of a pipe, closed once: here, or by whom it was given to."""

    def __init__(self, number: int) -> None:
        self.number, self._given = number, False

    def give(self) -> int:
        """The number, for a job that takes it over."""
        self._given = True
        return self.number

    def close(self) -> None:
        if not self._given:
            self._given = True
            os.close(self.number)


@contextmanager
def pipe_pair() -> Any:
    """A pipe as (read end, write end); what is not given away is closed at the end."""
    ends = [End(number) for number in os.pipe()]
    try:
        yield ends
    finally:
        for end in ends:
            end.close()


def write_and_close(end: End, content: bytes) -> None:
    """Writes all of it; what a pipe does not hold from a thread of its own, which ends with the reader."""

    def write() -> None:
        with suppress(BrokenPipeError), open(end.give(), "wb") as file:  # noqa: PTH123
            file.write(content)

    if len(content) <= _PIPE_HOLDS:
        write()
    else:
        threading.Thread(target=write, daemon=True).start()
