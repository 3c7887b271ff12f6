"""The side of the tests: a process of its own, which asks the candidate's process and alone writes the verdict.

The tests see a function. Each call of it is a message to the candidate; what comes back is a builtin value, so the tests compare here,
with operators that the candidate cannot reach.
"""

import builtins
import linecache
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from types import ModuleType
from typing import Any, NoReturn, cast

from seodang.scoring.sandbox.frames import Gone, TooLong, receive, send
from seodang.scoring.sandbox.values import NoPlainForm, from_text, same, to_text

_FILE = "<tests>"
_MAX_REASON = 300


class CandidateEnded(BaseException):
    """The candidate's process is gone, or what it sent is no value."""


class NotAskable(BaseException):
    """The tests call the function with something that has no plain form."""


class Asked:
    """A line to the candidate's process: `function` makes a call of it, and `calls` counts them."""

    def __init__(self, calls: int, answers: int, limit: int, in_place: bool) -> None:
        self._calls, self._answers, self._limit, self._in_place = calls, answers, limit, in_place
        self.calls = 0
        self.ended = ""  # why the candidate's process is of no use any more; tests that catch everything do not hide it

    def wait(self) -> None:
        """Waits until the candidate's code has run once; what it raised is raised."""
        self._answer(())

    def function(self, name: str) -> Callable[..., Any]:
        """The candidate's function of that name, `Class.method` for a method of an object made without arguments."""
        return partial(self._call, name)

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        try:
            message = to_text((name, list(args), kwargs, self._in_place)).encode()
        except NoPlainForm as fault:
            raise NotAskable(f"the tests call it with what cannot be sent: {fault}") from None
        try:
            send(self._calls, message)
        except BrokenPipeError:
            self._end("the process ended")
        return self._answer(args)

    def _answer(self, args: Sequence[Any]) -> Any:
        try:
            told = from_text(receive(self._answers, self._limit))
        except Gone:
            self._end("the process ended")
        except TooLong as fault:
            self._end(f"it returned too much: {fault}")
        except ValueError as fault:
            self._end(f"what it sent is {fault}")
        match told:
            case ("returned", value, None) if not self._in_place or not args:
                return value
            case ("returned", value, list(afterwards)) if self._in_place and len(cast(list[Any], afterwards)) == len(args):
                _put_back(args, cast(list[Any], afterwards))
                return value
            case ("raised", str(kind), str(message)) if _is_builtin_exception(kind):
                raise _fault(kind, message)
            case ("raised", str(kind), str(message)):
                why = f"raised {kind}: {message}"
            case _:
                why = "what it sent is no answer"
        return self._end(why)

    def _end(self, why: str) -> NoReturn:
        self.ended = self.ended or why
        raise CandidateEnded(self.ended)


def judge(job: Mapping[str, Any], asked: Asked) -> dict[str, Any]:
    """The verdict on one candidate: `outcome` ("pass", "fail" or "undecided"), `reason`, the number of `calls`, and `ended`.

    `job` has `tests`, `entry_point` and `prompt` (code that the tests lean on), or `cases`: arguments and expected values.
    """
    try:
        asked.wait()
        reason = _run_cases(job, asked) if job["cases"] else _run_tests(job, asked)
    except NotAskable as fault:
        outcome, reason = "undecided", str(fault)
    except BaseException as fault:  # noqa: BLE001
        outcome, reason = _outcome(fault), _reason(fault)
    else:
        reason = reason or asked.ended
        outcome = "fail" if reason else "pass" if asked.calls else "undecided"
        reason = reason or ("" if asked.calls else "the tests never call the function")
    return {"outcome": outcome, "reason": reason[:_MAX_REASON], "calls": asked.calls, "ended": bool(asked.ended)}


def _run_tests(job: Mapping[str, Any], asked: Asked) -> str:
    module = ModuleType("tests")
    space = module.__dict__
    function = asked.function(job["entry_point"])
    with suppress(SyntaxError):  # a prompt may be prose, or end in the middle of a function
        exec(compile(job["prompt"], "<prompt>", "exec", dont_inherit=True), space)
    space[job["entry_point"].split(".")[0]] = function
    space["candidate"] = function
    linecache.cache[_FILE] = (len(job["tests"]), None, job["tests"].splitlines(keepends=True), _FILE)
    exec(compile(job["tests"], _FILE, "exec", dont_inherit=True), space)
    if callable(space.get("check")):
        space["check"](function)
    for name, test in list(space.items()):
        if name.startswith("test") and callable(test) and not isinstance(test, type):
            test()
    return _run_test_classes(module)


def _run_test_classes(module: ModuleType) -> str:
    import io
    import unittest

    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    if not suite.countTestCases():
        return ""
    result = unittest.TextTestRunner(stream=io.StringIO()).run(suite)
    told = [line for _, text in (*result.errors, *result.failures) for line in text.splitlines()[1:] if line[:1].isalpha()]
    return "" if result.wasSuccessful() else next(iter(told), "an expected failure did not come")


def _run_cases(job: Mapping[str, Any], asked: Asked) -> str:
    function = asked.function(job["entry_point"])
    for number, case in enumerate(from_text(job["cases"]), 1):
        args, kwargs, expected = case["args"], case["kwargs"], case["expected"]
        found = function(*args, **kwargs)
        if not same(found, expected, job["tolerance"]):
            return f"call {number}: returned {found!r:.100}"
    return ""


def _put_back(args: Sequence[Any], afterwards: Sequence[Any]) -> None:
    """What the call made of its arguments, into the objects of the tests; only containers of the same type can change."""
    for before, after in zip(args, afterwards, strict=True):
        if type(before) is not type(after):
            continue
        if isinstance(before, list | bytearray):
            before[:] = after
        elif isinstance(before, dict | set):
            cast(set[Any], before).clear()
            cast(set[Any], before).update(after)


def _is_builtin_exception(kind: str) -> bool:
    """Whether tests may be given it: not what ends a process or an iteration as if all were well."""
    known = getattr(builtins, kind, None)
    return isinstance(known, type) and issubclass(known, Exception) and kind not in ("StopIteration", "StopAsyncIteration")


def _fault(kind: str, message: str) -> Exception:
    try:
        fault: Exception = getattr(builtins, kind)(message)
    except TypeError:  # an exception that is made of more than a message
        fault = Exception(f"{kind}: {message}")
    fault.__dict__["from_candidate"] = True
    return fault


def _outcome(fault: BaseException) -> str:
    """A fault of the tests themselves decides nothing; whatever the candidate raised or returned is its own."""
    own = isinstance(fault, NameError | SyntaxError | ImportError) and not fault.__dict__.get("from_candidate")
    return "undecided" if own or isinstance(fault, SystemExit | KeyboardInterrupt) else "fail"


def _reason(fault: BaseException) -> str:
    places = [place for place in traceback.extract_tb(fault.__traceback__) if place.filename == _FILE]
    line = f"line {places[-1].lineno} of the tests, {_short(places[-1].line or '')}: " if places else ""
    by = "the candidate raised " * bool(fault.__dict__.get("from_candidate"))
    if isinstance(fault, CandidateEnded):
        return f"{line}{fault}"
    return f"{line}{by}{type(fault).__name__}{f': {fault}' if str(fault) else ''}"


def _short(text: str) -> str:
    return text if len(text) <= 160 else f"{text[:157]}..."
