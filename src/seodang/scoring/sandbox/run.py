"""Jobs in the sandbox: a candidate against tests, or a program on an input. The sandbox is started once a process and kept."""

import atexit
import json
import os
import sys
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from seodang.scoring.sandbox import frames
from seodang.scoring.sandbox.confine import CONFINEMENTS, WEAK
from seodang.scoring.sandbox.host import Sandbox, pipe_pair, write_and_close
from seodang.scoring.sandbox.isolation import IsolationError
from seodang.scoring.sandbox.limits import Limits

_MAX_VERDICT = 1 << 16
_MORE_PATIENCE_S = 1.0
_MAX_COMPLAINT = 1 << 16
_kept: dict[tuple[int, int, bool], Sandbox] = {}
_keeping = threading.Lock()


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict of the tests: `outcome` is "pass", "fail", or "undecided" where the tests are at fault; `calls` counts what they asked of
    the code."""

    outcome: str
    reason: str
    calls: int
    out_of_time: bool = False


@dataclass(frozen=True, slots=True)
class Printed:
    """What a program printed; `ended` says why it did not end well and is empty where it did."""

    output: bytes
    ended: str
    out_of_time: bool = False


def open_sandbox(hash_seed: int = 1, accept_weak_isolation: bool = False) -> Sandbox:
    """A new sandbox, entered, in the strongest confinement that holds here; whoever asked for it closes it again.

    `hash_seed` is Python's, which orders sets. IsolationError where none holds, unless a weak one is accepted.
    """
    if sys.platform != "linux":
        raise IsolationError(f"code cannot be isolated on {sys.platform}", hint="run it on Linux, in a container or a virtual machine")
    reasons: list[str] = []
    known = {sandbox.isolation.confinement for sandbox in _kept.values()} & set(CONFINEMENTS)
    for confinement in (*sorted(CONFINEMENTS, key=lambda name: name not in known), *[WEAK] * accept_weak_isolation):
        with ExitStack() as stack:
            try:
                sandbox = stack.enter_context(Sandbox(confinement, hash_seed))
            except IsolationError as fault:
                reasons.append(fault.what)
                continue
            if sandbox.isolation.is_strong or (accept_weak_isolation and confinement == WEAK):
                stack.pop_all()
                return sandbox
            reasons.append(f"{confinement}: {', '.join(sandbox.isolation.faults)}")
    raise IsolationError(
        f"code cannot be isolated on this machine ({'; '.join(reasons)})",
        hint="use Linux 6.2 or newer with Landlock, or allow user namespaces; only code that you trust may run with accept_weak_isolation",
    )


def kept_sandbox(hash_seed: int = 1, accept_weak_isolation: bool = False) -> Sandbox:
    """The sandbox of this process, opened at the first call and left when the process ends."""
    key = (os.getpid(), hash_seed, accept_weak_isolation)
    with _keeping:
        if key in _kept and not _kept[key].is_alive:
            _kept.pop(key).close()
        if key not in _kept:
            _kept[key] = sandbox = open_sandbox(hash_seed, accept_weak_isolation)
            atexit.register(_leave, os.getpid(), sandbox)
        return _kept[key]


def isolation_lines(accept_weak_isolation: bool = False) -> list[str]:
    """The isolation in force on this machine, as lines to print. IsolationError where there is none."""
    return kept_sandbox(accept_weak_isolation=accept_weak_isolation).isolation.lines()


def judge_candidate(sandbox: Sandbox, code: str, job: Mapping[str, Any], limits: Limits) -> Judged:
    """Puts code to tests: two processes, two pipes between them, and a verdict from the tests' one alone."""
    with ExitStack() as stack:
        source, source_in = stack.enter_context(pipe_pair())
        tests, tests_in = stack.enter_context(pipe_pair())
        calls, calls_in = stack.enter_context(pipe_pair())
        answers, answers_in = stack.enter_context(pipe_pair())
        verdict, verdict_in = stack.enter_context(pipe_pair())
        candidate = sandbox.start("candidate", limits, [source.give(), calls.give(), answers_in.give()])
        stack.callback(candidate.close)
        patient = replace(limits, wall_s=limits.wall_s + _MORE_PATIENCE_S)  # so that it outlives a candidate and can say so
        judge = sandbox.start("judge", patient, [tests.give(), calls_in.give(), answers.give(), verdict_in.give()])
        stack.callback(judge.close)
        write_and_close(source_in, code.encode("utf-8", "replace"))
        write_and_close(tests_in, json.dumps(job).encode())
        try:
            told: dict[str, Any] = json.loads(frames.receive(verdict.number, _MAX_VERDICT))
        except frames.Gone:
            end = judge.ending()
            reason = f"the tests did not come to an end: {end.in_words(limits) or 'their process ended'}"
            return Judged("fail", reason, 0, end.out_of_time(limits))
        found = Judged(told["outcome"], told["reason"], told["calls"])
        if not told["ended"]:
            return found
        end = candidate.ending()
        return replace(found, reason=f"{found.reason} ({end.in_words(limits) or 'exit status 0'})", out_of_time=end.out_of_time(limits))


def run_program(sandbox: Sandbox, code: str, given: str, limits: Limits) -> Printed:
    """Runs code as a program on an input."""
    with ExitStack() as stack:
        source, source_in = stack.enter_context(pipe_pair())
        stdin, stdin_in = stack.enter_context(pipe_pair())
        stdout, stdout_in = stack.enter_context(pipe_pair())
        stderr, stderr_in = stack.enter_context(pipe_pair())
        job = sandbox.start("program", limits, [source.give(), stdin.give(), stdout_in.give(), stderr_in.give()])
        complaint: list[bytes] = []
        listener = threading.Thread(target=lambda: complaint.append(_up_to(stderr.number, _MAX_COMPLAINT)), daemon=True)
        listener.start()
        stack.callback(listener.join)  # after the job's end and before its pipes are closed
        stack.callback(job.close)
        write_and_close(source_in, code.encode("utf-8", "replace"))
        write_and_close(stdin_in, given.encode("utf-8", "replace"))
        output = _up_to(stdout.number, limits.output_bytes)
        if len(output) > limits.output_bytes:
            return Printed(b"", f"printed more than {limits.output_bytes} bytes")
        end = job.ending()
        ended = end.in_words(limits)
        listener.join()
        last = b"".join(complaint).decode(errors="replace").strip().splitlines()[-1:]
        return Printed(output, ": ".join([ended, *last]) if ended else "", end.out_of_time(limits))


def _up_to(pipe: int, limit: int) -> bytes:
    parts, size = list[bytes](), 0
    while size <= limit and (part := os.read(pipe, 1 << 16)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _leave(process: int, sandbox: Sandbox) -> None:
    if process == os.getpid() and sandbox in _kept.values():
        sandbox.close()
