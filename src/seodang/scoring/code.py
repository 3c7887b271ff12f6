"""Whether code does what tests ask of it, found by running both in the sandbox. What comes of it is compared outside the code's process."""

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seodang.core.errors import InputError
from seodang.scoring.sandbox.limits import Limits
from seodang.scoring.sandbox.run import Judged, judge_candidate, kept_sandbox, run_program
from seodang.scoring.sandbox.values import NoPlainForm, to_text

DEFAULT_LIMITS = Limits()
_FENCE = re.compile(r"^[ \t]*(```+|~~~+)[ \t]*([\w+#.-]*)[^\n]*\n(.*?)(?:^[ \t]*\1[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
_PYTHON = frozenset({"", "py", "python", "python3"})
_BEGINS = re.compile(r"(?:async\s+def|def|class|import|from|if|for|while|try|with|@)\b|@|[A-Za-z_][\w, ]*\s*=|[A-Za-z_][\w.]*\(")
_MAX_TRIES = 1000  # of parsing a part of an answer


@dataclass(frozen=True, slots=True)
class Call:
    """One call and the value that it should return. Values are builtin ones, compared by type and value."""

    args: Sequence[Any]
    expected: Any
    kwargs: Mapping[str, Any]


def run_tests(
    code: str,
    tests: str,
    entry_point: str,
    limits: Limits = DEFAULT_LIMITS,
    *,
    prompt: str = "",
    in_place: bool = False,
    hash_seed: int = 1,
    accept_weak_isolation: bool = False,
) -> Judged:
    """Puts the function `entry_point` of `code` to tests: `check(candidate)`, asserts, functions `test_...` or unittest classes.

    The tests run in a process of their own after `prompt` (code that they lean on). What the function does to its arguments is seen by
    them with `in_place` only. IsolationError where the code cannot be isolated.
    """
    job = {"tests": tests, "entry_point": entry_point, "prompt": prompt, "cases": "", "in_place": in_place, "tolerance": 0.0}
    return _judged(code, job, limits, hash_seed, accept_weak_isolation)


def run_calls(
    code: str,
    calls: Sequence[Call],
    entry_point: str,
    limits: Limits = DEFAULT_LIMITS,
    *,
    tolerance: float = 0.0,
    hash_seed: int = 1,
    accept_weak_isolation: bool = False,
) -> Judged:
    """Makes the calls one after the other, and compares what each returns: type-strictly, floats within `tolerance`.

    InputError for values that are no builtin ones.
    """
    if not calls:
        return Judged("undecided", "there are no calls", 0)
    try:
        cases = to_text([{"args": list(call.args), "kwargs": dict(call.kwargs), "expected": call.expected} for call in calls])
    except NoPlainForm as fault:
        raise InputError(f"a call cannot be made: {fault}", hint="arguments and results are builtin values") from fault
    job = {"tests": "", "entry_point": entry_point, "prompt": "", "cases": cases, "in_place": False, "tolerance": tolerance}
    return _judged(code, job, limits, hash_seed, accept_weak_isolation)


def run_cases(
    code: str,
    cases: Iterable[tuple[str, str]],
    limits: Limits = DEFAULT_LIMITS,
    *,
    hash_seed: int = 1,
    accept_weak_isolation: bool = False,
) -> Judged:
    """Runs code as a program once for each (input, expected output), anew each time, and compares what it prints.

    Compared are the words of each line; empty lines at both ends and the amount of space do not count. A program has to end with
    status 0. Where no output is expected at all, nothing is decided.
    """
    pairs = list(cases)
    if not any(expected.split() for _, expected in pairs):
        return Judged("undecided", "no case expects any output", 0)
    sandbox = kept_sandbox(hash_seed, accept_weak_isolation)
    for number, (given, expected) in enumerate(pairs, 1):
        printed = run_program(sandbox, code, given, limits)
        if printed.ended:
            return Judged("fail", f"case {number}: {printed.ended}"[:300], number, printed.out_of_time)
        found = printed.output.decode("utf-8", "replace")
        if _words(found) != _words(expected):
            return Judged("fail", f"case {number}: printed {found.strip()[:100]!r}", number)
    return Judged("pass", "", len(pairs))


def code_in(answer: str, entry_point: str = "") -> str:
    """The Python code of an answer; empty where there is none.

    Of fenced blocks the last that defines `entry_point`, without one the last of them; blocks in other languages do not count. Without
    fences the whole answer, or the longest part of its lines that is Python, where there is prose around it.
    """
    blocks = [match[3] for match in _FENCE.finditer(answer) if match[2].lower() in _PYTHON]
    if blocks:
        defining = [block for block in blocks if entry_point and _defines(block, entry_point)]
        return (defining or blocks)[-1]
    if _FENCE.search(answer):
        return ""
    return answer if _parses(answer) or _parses(f"def body():\n{answer}") else _code_among_prose(answer)


def whole_code(code: str, prompt: str, entry_point: str) -> str:
    """Code that completes a prompt, put behind it: a function's body, or a whole function that leans on the prompt's imports."""
    if not prompt or "from __future__" in code:
        return code
    if _defines(code, entry_point):
        return f"{prompt}\n\n{code}" if _parses(prompt) else code
    return f"{prompt.rstrip()}\n{code}"


def _judged(code: str, job: Mapping[str, Any], limits: Limits, hash_seed: int, accept_weak_isolation: bool) -> Judged:
    return judge_candidate(kept_sandbox(hash_seed, accept_weak_isolation), code, job, limits)


def _words(text: str) -> list[list[str]]:
    return [line.split() for line in text.strip().splitlines()]


def _parses(code: str) -> bool:
    try:
        ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _defines(code: str, entry_point: str) -> bool:
    name = re.escape(entry_point.split(".")[0])
    return bool(re.search(rf"^(?:(?:async\s+)?(?:def|class)\s+{name}\b|{name}\s*=)", code, re.MULTILINE))


def _code_among_prose(answer: str) -> str:
    lines, best, tries = answer.splitlines(), "", 0
    for start in (number for number, line in enumerate(lines) if _BEGINS.match(line)):
        for end in range(len(lines), start, -1):
            part = "\n".join(lines[start:end]) + "\n"
            if len(part) <= len(best) or tries == _MAX_TRIES:
                break
            if not lines[end - 1].strip():
                continue
            tries += 1
            if _parses(part):
                best = part
    return best
