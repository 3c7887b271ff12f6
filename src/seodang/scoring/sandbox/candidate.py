"""The untrusted side: code that answers calls over two pipes, or a program that reads and prints. It is not told what is expected.

Whatever runs here may be changed by the candidate, and so proves nothing: all that leaves is what a call returned, or what was printed.
"""

import builtins
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from seodang.scoring.sandbox.frames import Gone, receive, send
from seodang.scoring.sandbox.values import NoPlainForm, from_text, to_text

MAX_CALL_BYTES = 64 << 20
_MAX_MESSAGE = 300


def answer_calls(code: bytes, calls: int, answers: int) -> None:
    """Runs the code once, then answers each message `(name, args, kwargs, in_place)` until the pipe `calls` ends.

    An answer is `("returned", value, args afterwards)`, or `("raised", type's name, message)`. The first one says whether the code ran.
    """
    module = ModuleType("candidate")
    sys.modules["candidate"] = module
    send(answers, _told(lambda: (_run(code, module), None)))
    while True:
        try:
            message = receive(calls, MAX_CALL_BYTES)
        except Gone:
            return
        send(answers, _told(lambda message=message: _answer(module, message)))


def run_program(code: bytes) -> int:
    """Runs the code as a program on standard input and output; its exit status."""
    import atexit
    import threading
    import traceback

    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
        for number, mode in ((0, "r"), (1, "w"), (2, "w"))
    )
    module = ModuleType("__main__")
    sys.modules["__main__"] = module
    status = 0
    try:
        _run(code, module)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
        status = 1
    threading._shutdown()  # pyright: ignore[reportAttributeAccessIssue]
    atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage]
    sys.stdout.flush()
    sys.stderr.flush()
    return status & 0xFF


def _run(code: bytes, module: ModuleType) -> None:
    exec(compile(code, "<candidate>", "exec", dont_inherit=True), module.__dict__)


def _answer(module: ModuleType, message: bytes) -> tuple[Any, Any]:
    name, args, kwargs, in_place = from_text(message)
    function: Any = module
    for part in name.split("."):
        function = getattr(function, part)
        function = function() if isinstance(function, type) and part != name.split(".")[-1] else function
    value = function(*args, **kwargs)
    return value, args if in_place else None


def _told(what: Callable[[], tuple[Any, Any]]) -> bytes:
    try:
        value, args = what()
        return to_text(("returned", value, args)).encode()
    except NoPlainForm as fault:
        told = ("raised", "NoPlainForm", str(fault))
    except BaseException as fault:  # noqa: BLE001
        told = ("raised", _builtin_name(fault), str(fault)[:_MAX_MESSAGE])
    return to_text(told).encode()


def _builtin_name(fault: BaseException) -> str:
    """The name of the exception's class, or of the first builtin class that it is derived from."""
    known = (kind.__name__ for kind in type(fault).__mro__ if getattr(builtins, kind.__name__, None) is kind)
    return next(known, "Exception")
