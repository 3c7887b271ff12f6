"""The process that all jobs are forked from: it has loaded Python once, shuts itself in, and never sees what a job is about.

A request is a role, limits and file descriptors. For each one a warden is forked, which makes the job's own scratch folder and process
namespace, starts the job in them, ends it when its time is up or its caller goes, and tells how it ended.
"""

import gc
import json
import os
import resource
import select
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from seodang.scoring.sandbox import candidate, confine, frames, judge, probe
from seodang.scoring.sandbox.limits import Limits, apply_limits
from seodang.scoring.sandbox.scratch import Scratch, scratch_for

MAX_REQUEST = 1 << 16
_MAX_PIPES = 6
_PRELOADED = (
    "array ast asyncio base64 bisect bz2 calendar cmath collections concurrent.futures copy csv dataclasses datetime decimal difflib enum "
    "fractions functools hashlib heapq hmac inspect io itertools json lzma math numbers operator pprint queue random re secrets sqlite3 "
    "statistics string struct textwrap threading time traceback typing unicodedata unittest uuid zlib"
)

_ROLES: dict[str, Callable[[Sequence[int], Mapping[str, Any]], int]] = {}


def main(line: int, confinement: str, base: str) -> None:
    """Serves requests on the socket `line` until it is closed. The first message says "ready", or why the confinement was refused."""
    caller = socket.socket(fileno=line)
    os.environ.clear()
    _preload()
    base_bytes = _address_space()
    try:
        confine.enter(confinement, base)
    except (OSError, KeyError) as fault:
        caller.send(f"{type(fault).__name__}: {fault}".encode())
        return
    gc.freeze()  # what is here stays shared with the jobs
    caller.send(b"ready")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    number = 0
    while True:
        message, pipes, _, _ = socket.recv_fds(caller, MAX_REQUEST, _MAX_PIPES)
        if not message:
            return
        number += 1
        if not os.fork():
            caller.close()
            _warden(json.loads(message), pipes, confinement, base, base_bytes, number)
        for pipe in pipes:
            os.close(pipe)


def _preload() -> None:
    import ctypes
    import importlib

    for name in _PRELOADED.split():
        with suppress(ImportError):  # a Python that was built without a library
            importlib.import_module(name)
    with suppress(OSError):  # what ends a thread needs it, and it cannot be found later
        ctypes.CDLL("libgcc_s.so.1")


def _address_space() -> int:
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 256 << 20


def _warden(request: Mapping[str, Any], pipes: Sequence[int], confinement: str, base: str, base_bytes: int, number: int) -> NoReturn:
    """Starts one job and sees to its end. `pipes` are its own ones, then where its end is told, and what the caller keeps open."""
    *own, told, kept = pipes
    outcome: dict[str, Any]
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        confine.die_with_parent()
        limits = Limits(**request["limits"])
        with scratch_for(confinement, base, limits, number) as scratch:
            began_read, began_write = os.pipe()
            job = os.fork()
            if not job:
                _begin(request, own, limits, confinement, scratch, base_bytes, began_write)
            os.close(began_write)
            for pipe in own:
                os.close(pipe)
            outcome = _watch(job, kept, limits, scratch)
            outcome["began"] = frames.read_all(began_read).decode(errors="replace")
    except BaseException as fault:  # noqa: BLE001
        outcome = {"began": f"{type(fault).__name__}: {fault}", "status": -1, "stopped": "", "cpu_s": 0.0}
    with suppress(BrokenPipeError):
        frames.send(told, json.dumps(outcome).encode())
    os._exit(0)


def _watch(job: int, kept: int, limits: Limits, scratch: Scratch) -> dict[str, Any]:
    import time

    deadline = time.monotonic() + limits.wall_s
    waiting = select.poll()
    handle = os.pidfd_open(job)
    waiting.register(handle, select.POLLIN)
    waiting.register(kept, 0)  # its end alone
    stopped = ""
    while not stopped:
        left = deadline - time.monotonic()
        if left <= 0:
            stopped = "time"
        elif happened := waiting.poll(1000 * min(left, scratch.look_every_s)):
            if handle in dict(happened):
                break
            stopped = "caller"
        elif scratch.is_too_full():
            stopped = "scratch"
    if stopped:
        os.kill(job, signal.SIGKILL)
    _, status, usage = os.wait4(job, 0)
    return {"status": status, "stopped": stopped, "cpu_s": usage.ru_utime + usage.ru_stime}


def _begin(
    request: Mapping[str, Any], own: Sequence[int], limits: Limits, confinement: str, scratch: Scratch, base_bytes: int, began: int
) -> NoReturn:
    """The job's own process: confines itself for good, says so, and does its role. Where a step fails, nothing untrusted runs."""
    status = 1
    try:
        os.setsid()
        os.chdir(scratch.folder)
        _keep_only(*own, began)
        apply_limits(limits, base_bytes)
        confine.seal(confinement, scratch)
        frames_of_role = _ROLES[request["role"]]
        os.write(began, b"ok")
        os.close(began)
        status = frames_of_role(own, request)
    except BaseException as fault:  # noqa: BLE001
        with suppress(BaseException):
            os.write(began, f"{type(fault).__name__}: {fault}".encode())
    os._exit(status)


def _keep_only(*pipes: int) -> None:
    """Closes every file descriptor but these, and puts /dev/null in the place of the standard ones."""
    null = os.open("/dev/null", os.O_RDWR)
    for standard in range(3):
        os.dup2(null, standard)
    last = 2
    for pipe in sorted(pipes):
        os.closerange(last + 1, pipe)
        last = pipe
    os.closerange(last + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def _candidate(pipes: Sequence[int], request: Mapping[str, Any]) -> int:
    code, calls, answers = pipes
    source = frames.read_all(code)
    os.close(code)
    candidate.answer_calls(source, calls, answers)
    return 0


def _judge(pipes: Sequence[int], request: Mapping[str, Any]) -> int:
    job, calls, answers, verdict = pipes
    told = json.loads(frames.read_all(job))
    asked = judge.Asked(calls, answers, request["limits"]["output_bytes"], told["in_place"])
    frames.send(verdict, json.dumps(judge.judge(told, asked)).encode())
    return 0


def _program(pipes: Sequence[int], request: Mapping[str, Any]) -> int:
    code, given, printed, complained = pipes
    source = frames.read_all(code)
    for standard, pipe in enumerate((given, printed, complained)):
        os.dup2(pipe, standard)
    for pipe in pipes:
        os.close(pipe)
    return candidate.run_program(source)


def _probe(pipes: Sequence[int], request: Mapping[str, Any]) -> int:
    frames.send(pipes[0], json.dumps(probe.find_out(request["outside"])).encode())
    return 0


_ROLES.update(candidate=_candidate, judge=_judge, program=_program, probe=_probe)
