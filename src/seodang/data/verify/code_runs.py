"""Lets an answer's code through that does what its tests ask, in two runs that agree. The code never meets the tests."""

import ast
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from seodang.core.errors import InputError
from seodang.core.records import Record, Verdict
from seodang.data.verify.code_probes import probes as probes
from seodang.data.verify.context import CheckContext, broken, failed, passed, undecided
from seodang.data.verify.guard import Check
from seodang.data.verify.section import VerifySection
from seodang.scoring.code import Call, code_in, run_calls, run_cases, run_tests, whole_code
from seodang.scoring.sandbox.isolation import IsolationError
from seodang.scoring.sandbox.limits import Limits
from seodang.scoring.sandbox.run import Judged, isolation_lines, kept_sandbox

VERSION = 1
CERTIFIES = True
PER_RECORD = True
READS: tuple[str, ...] = ()
NUMBERS = ("calls", "runs")
_NAME = "code_runs"
_HASH_SEEDS = (1, 2)  # two orders of sets, so that code which leans on one is found
_MIB = 1 << 20


def code_runs(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """Runs the Python code of each answer twice (once where its time runs out) and compares it with `truth`:

    - `tests` (code) and `entry_point`, with `prompt` where the tests or the code lean on one, and `in_place` where arguments are changed;
    - `calls`, each with `args`, `kwargs` and `result` as JSON has them, or `arguments` and `expected` as Python literals, and
      `entry_point`; `tolerance` for floats;
    - `cases`, each with `input` and `output`, for a program on standard input and output.

    Runs that differ, tests that also accept a function which returns nothing, and a truth without tests are undecided. IsolationError
    where code cannot be isolated and the section does not accept that.
    """
    section = context.section
    limits = Limits(cpu_s=section.code_processor_s, wall_s=section.code_wall_s, memory_bytes=section.code_memory_mib * _MIB)
    if any(_is_asked(record) for record in records):
        for seed in _HASH_SEEDS:
            kept_sandbox(seed, section.accept_weak_isolation)
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        return list(pool.map(lambda record: _verdict(record, limits, section.accept_weak_isolation), records))


def isolation_in_force(checks: Sequence[Check], records: Sequence[Record], section: VerifySection) -> list[str]:
    """The isolation in which these checks will run the records' code here, as lines to print; none where they run no code.

    IsolationError where there is none, unless the section accepts that.
    """
    if code_runs not in checks or not any(_is_asked(record) for record in records):
        return []
    return isolation_lines(section.accept_weak_isolation)


def _is_asked(record: Record) -> bool:
    return any(record.truth.get(name) for name in ("tests", "calls", "cases"))


def _verdict(record: Record, limits: Limits, weak: bool) -> Verdict:
    language = str(record.truth.get("language", "python")).lower()
    if language not in ("python", "python3", "py"):
        return undecided(record, _NAME, reason=f"code in {language} is not run")
    if not _is_asked(record):
        return undecided(record, _NAME, reason="no tests, calls or cases in its truth")
    try:
        return _decide(record, limits, weak)
    except (IsolationError, InputError) as fault:
        return broken(record, _NAME, reason=str(fault))


def _decide(record: Record, limits: Limits, weak: bool) -> Verdict:
    run = _asked_of(record.truth, limits, weak)
    code = code_in(record.answer, _entry_point(record.truth))
    if not code.strip():
        return failed(record, _NAME, reason="no Python code in the answer")
    first = run(code, _HASH_SEEDS[0])
    second = first if first.out_of_time else run(code, _HASH_SEEDS[1])
    if first.outcome != second.outcome:
        return undecided(record, _NAME, reason="two runs differ", runs=[f"{one.outcome} {one.reason}".strip() for one in (first, second)])
    if first.outcome != "pass":
        return (failed if first.outcome == "fail" else undecided)(record, _NAME, reason=first.reason, calls=first.calls)
    control = _returns_nothing(record.truth)
    if control and run(control, _HASH_SEEDS[0]).outcome == "pass":
        return undecided(record, _NAME, reason="the tests also accept a function that returns nothing", calls=first.calls)
    return passed(record, _NAME, calls=first.calls, runs=len(_HASH_SEEDS))


def _entry_point(truth: Mapping[str, Any]) -> str:
    return str(truth.get("entry_point") or "")


def _asked_of(truth: Mapping[str, Any], limits: Limits, weak: bool) -> Callable[[str, int], Judged]:
    """What runs code with a hash seed against this truth. InputError where it is not in the form that is read."""
    entry_point, prompt = _entry_point(truth), str(truth.get("prompt") or "")
    if truth.get("cases"):
        pairs = [(_text(case, "input"), _text(case, "output")) for case in _rows(truth, "cases")]
        return lambda code, seed: run_cases(code, pairs, limits, hash_seed=seed, accept_weak_isolation=weak)
    if not all(part.isidentifier() for part in entry_point.split(".")):
        raise InputError("the truth names no entry point", hint="`entry_point` is the name of the function that is called")
    if truth.get("calls"):
        calls, near = [_call(row) for row in _rows(truth, "calls")], float(truth.get("tolerance") or 0.0)
        return lambda code, seed: run_calls(
            whole_code(code, prompt, entry_point), calls, entry_point, limits, tolerance=near, hash_seed=seed, accept_weak_isolation=weak
        )
    tests, in_place = str(truth["tests"]), bool(truth.get("in_place"))
    return lambda code, seed: run_tests(
        whole_code(code, prompt, entry_point), tests, entry_point, limits,
        prompt=prompt, in_place=in_place, hash_seed=seed, accept_weak_isolation=weak,
    )  # fmt: skip


def _returns_nothing(truth: Mapping[str, Any]) -> str:
    """Code whose entry point takes anything and returns None; empty for programs."""
    if truth.get("cases"):
        return ""
    *outer, name = _entry_point(truth).split(".")
    body = f"def {name}(*args, **kwargs):\n    return None\n"
    return f"class {outer[0]}:\n    @staticmethod\n    {body.replace('    return', '        return')}" if outer else body


def _rows(truth: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    rows = truth[name]
    if not isinstance(rows, list | tuple) or not all(isinstance(row, Mapping) for row in rows):
        raise InputError(f"`{name}` is no list of objects", hint="see `seodang data check --help`")
    return list(rows)


def _text(row: Mapping[str, Any], name: str) -> str:
    if not isinstance(row.get(name), str):
        raise InputError(f"a case without the text `{name}`", hint="a case has `input` and `output`")
    return row[name]


def _call(row: Mapping[str, Any]) -> Call:
    if "arguments" in row:
        try:
            args = ast.literal_eval(row["arguments"])
            return Call(args if isinstance(args, tuple) else (args,), ast.literal_eval(row["expected"]), {})
        except (ValueError, SyntaxError, TypeError, KeyError, RecursionError, MemoryError) as fault:
            raise InputError(
                "a call whose literals cannot be read", hint="`arguments` is a tuple and `expected` a value, both in Python"
            ) from fault
    if not isinstance(row.get("args", []), list | tuple) or "result" not in row or not isinstance(row.get("kwargs", {}), Mapping):
        raise InputError("a call without `args` and `result`", hint="`args` is a list, `kwargs` an object, `result` a value")
    return Call(list(row.get("args", [])), row["result"], dict(row.get("kwargs", {})))
