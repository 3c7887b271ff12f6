"""Limits bite, tests decide, and candidates cannot decide for them."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from seodang.scoring.sandbox import run
from seodang.scoring.sandbox.host import Sandbox
from seodang.scoring.sandbox.limits import MIB, Limits
from seodang.scoring.sandbox.run import Judged, judge_candidate, run_program

LONG = Limits(cpu_s=20, wall_s=60.0)
SQUARES = "def check(candidate):\n    assert candidate(2) == 4\n    assert candidate(-3) == 9\n"


def judged(sandbox: Sandbox, code: str, tests: str, limits: Limits = LONG, **more: Any) -> Judged:
    job = {"tests": tests, "entry_point": "f", "prompt": "", "cases": "", "in_place": False, "tolerance": 0.0, **more}
    return judge_candidate(sandbox, code, job, limits)


@pytest.mark.parametrize(
    "tests",
    [
        SQUARES,
        "assert f(2) == 4\nassert f(-3) == 9",
        "def test_one():\n    assert f(2) == 4\ndef test_two():\n    assert f(-3) == 9",
        "import unittest\nclass T(unittest.TestCase):\n    def test_it(self):\n        self.assertEqual([f(2), f(-3)], [4, 9])",
    ],
)
def test_every_form_of_tests_accepts_right_code_and_rejects_wrong(sandbox: Sandbox, tests: str) -> None:
    assert judged(sandbox, "def f(x): return x * x", tests) == Judged("pass", "", 2)
    wrong = judged(sandbox, "def f(x): return x + 2", tests)
    assert wrong.outcome == "fail"
    assert "AssertionError" in wrong.reason


def test_the_reason_names_the_line_and_what_was_raised(sandbox: Sandbox) -> None:
    found = judged(sandbox, "def f(x): return 1 // 0", SQUARES)
    assert found == Judged(
        "fail",
        "line 2 of the tests, assert candidate(2) == 4: the candidate raised ZeroDivisionError: integer division or modulo by zero",
        1,
    )
    assert judged(sandbox, "def g(x): pass", SQUARES).reason.endswith(
        "the candidate raised AttributeError: module 'candidate' has no attribute 'f'"
    )
    assert "SyntaxError" in judged(sandbox, "def f(x) return", SQUARES).reason


def test_exceptions_of_the_candidate_reach_the_tests_as_builtin_ones(sandbox: Sandbox) -> None:
    tests = "try:\n    f(-1)\nexcept ValueError as fault:\n    assert 'negative' in str(fault)\nelse:\n    assert False"
    assert judged(sandbox, "class Bad(ValueError): pass\ndef f(x): raise Bad('negative')", tests).outcome == "pass"
    assert judged(sandbox, "def f(x): raise TypeError('negative')", tests).outcome == "fail"
    assert judged(sandbox, "def f(x): return x", tests).outcome == "fail"


def test_an_end_is_not_hidden_by_tests_that_catch_everything(sandbox: Sandbox) -> None:
    tests = "try:\n    f(1)\nexcept BaseException:\n    pass"
    assert judged(sandbox, "def f(x): raise ValueError", tests).outcome == "pass"
    for ending in (
        "import os; os._exit(0)",
        "raise SystemExit(0)",
        "raise KeyboardInterrupt",
        "raise StopIteration",
        "return object() or f.x",
    ):
        found = judged(sandbox, f"def f(x): {ending}", tests)
        assert found.outcome == "fail", ending


def test_faults_of_the_tests_decide_nothing(sandbox: Sandbox) -> None:
    good = "def f(x): return x * x"
    for tests in ("assert f(2) == unknown", "assert f(2 ==", "import no_such_module\nf(2)", "assert True", "import sys\nf(2)\nsys.exit(0)",
                  "f(lambda x: x)", "f(open)"):  # fmt: skip
        assert judged(sandbox, good, tests).outcome == "undecided", tests
    assert judged(sandbox, "def f(x): raise NameError('unknown')", "f(2)").outcome == "fail"


def test_the_prompt_s_functions_serve_the_tests_and_not_the_candidate_s(sandbox: Sandbox) -> None:
    prompt = "def double(x):\n    return 2 * x\n\ndef f(x):\n    '''Half of it.'''\n"
    tests = "def check(candidate):\n    for x in range(5):\n        assert candidate(double(x)) == x\n"
    assert judged(sandbox, "def f(x): return x // 2", tests, prompt=prompt).outcome == "pass"
    assert judged(sandbox, "def double(x): return x\ndef f(x): return x", tests, prompt=prompt).outcome == "fail"
    assert judged(sandbox, "def f(x): return x * x", SQUARES, prompt="Write a function, please.").outcome == "pass"


def test_changes_of_arguments_are_seen_where_they_are_asked_for(sandbox: Sandbox) -> None:
    tests = "x, d, s = [3, 1], {'a': 1}, {1}\nf(x, d, s)\nassert (x, d, s) == ([1, 3], {'b': 2}, {2})\n"
    code = "def f(x, d, s):\n    x.sort(); d.clear(); d['b'] = 2; s.clear(); s.add(2)"
    assert judged(sandbox, code, tests, in_place=True).outcome == "pass"
    assert judged(sandbox, code, tests).outcome == "fail"
    forged = """
import os, struct
message = b'["tuple",["returned",["list",[]],["list",[["list",[]]]]]]'
def f(x):
    for number in range(3, 64):
        try: os.write(number, struct.pack('<Q', len(message)) + message)
        except OSError: pass
"""
    assert judged(sandbox, forged, "x = [2, 1]\nassert f(x) == sorted(x)").outcome == "fail"
    cheat = "def f(x):\n    x.clear()\n    return []"
    assert judged(sandbox, cheat, "x = [2, 1]\nassert f(x) == sorted(x)").outcome == "fail"


def test_methods_and_odd_names_are_called(sandbox: Sandbox) -> None:
    code = "class Solution:\n    def solve(self, x): return x * x"
    assert judged(sandbox, code, SQUARES, entry_point="Solution.solve").outcome == "pass"
    assert judged(sandbox, "f = lambda x: x ** 2", SQUARES).outcome == "pass"


def test_a_main_guard_does_not_run_and_state_is_kept_between_calls(sandbox: Sandbox) -> None:
    code = "kept = []\ndef f(x):\n    kept.append(x)\n    return len(kept)\nif __name__ == '__main__':\n    input()\n    raise SystemExit"
    assert judged(sandbox, code, "assert [f(0), f(0), f(0)] == [1, 2, 3]").outcome == "pass"


def test_what_the_candidate_prints_goes_nowhere(sandbox: Sandbox) -> None:
    assert judged(sandbox, "print('x' * 100000)\ndef f(x):\n    print('passed' * 10000)\n    return x * x", SQUARES).outcome == "pass"


def test_processor_time_is_limited(confined: Sandbox) -> None:
    found = judged(confined, "def f(x):\n    while True: pass", "f(1)", Limits(cpu_s=1, wall_s=60.0))
    assert found.reason.endswith("the process ended (stopped after 1 s of processor time)")


def test_time_by_the_clock_is_limited(confined: Sandbox) -> None:
    found = judged(confined, "import time\ndef f(x): time.sleep(1000)", "f(1)", Limits(wall_s=0.3))
    assert found.reason.endswith("the process ended (stopped after 0.3 s)")
    assert run_program(confined, "import time; time.sleep(1000)", "", Limits(wall_s=0.3)).ended.startswith("stopped after 0.3 s")


def test_the_tests_are_limited_too(sandbox: Sandbox) -> None:
    found = judged(sandbox, "def f(x): return x", "f(1)\nwhile True: pass", Limits(cpu_s=1, wall_s=60.0))
    assert found == Judged("fail", "the tests did not come to an end: stopped after 1 s of processor time", 0, out_of_time=True)


def test_memory_is_limited(confined: Sandbox) -> None:
    code = "def f(x):\n    return len(bytearray(x << 20))"
    assert judged(confined, code, "assert f(8) == 8 << 20", Limits(memory_bytes=64 * MIB)).outcome == "pass"
    found = judged(confined, code, "f(128)", Limits(memory_bytes=64 * MIB))
    assert "the candidate raised MemoryError" in found.reason


def test_the_scratch_folder_is_limited(confined: Sandbox) -> None:
    """What holds too much is ended as soon as it is seen, long before its time is over."""
    code = """
import time
def f(count, size, seconds):
    for name in map(str, range(count)): open(name, 'wb').write(bytes(size))
    time.sleep(seconds)
"""
    limits = Limits(scratch_bytes=MIB, scratch_files=20)
    assert judged(confined, code, "f(3, 100_000, 0.5)", limits).outcome == "pass"
    for count, size in ((1, 2 * MIB), (15, MIB // 10), (50, 1)):
        assert judged(confined, code, f"f({count}, {size}, 8)", limits).outcome == "fail", (count, size)


def test_threads_and_open_files_are_limited(sandbox: Sandbox) -> None:
    code = """
import threading
def f(kind, count):
    if kind == 'files':
        kept = [open('/dev/null') for _ in range(count)]
    else:
        stop = threading.Event()
        kept = [threading.Thread(target=stop.wait, daemon=True) for _ in range(count)]
        for one in kept: one.start()
        stop.set()
    return len(kept)
"""
    limits = Limits(threads=16, files=32)
    assert judged(sandbox, code, "assert f('files', 20) == 20 and f('threads', 8) == 8", limits).outcome == "pass"
    assert "OSError" in judged(sandbox, code, "f('files', 40)", limits).reason
    assert "RuntimeError" in judged(sandbox, code, "f('threads', 400)", limits).reason


def test_what_is_returned_is_limited(sandbox: Sandbox) -> None:
    limits = Limits(output_bytes=10_000)
    assert judged(sandbox, "def f(x): return 'a' * x", "assert len(f(9000)) == 9000", limits).outcome == "pass"
    assert "returned too much" in judged(sandbox, "def f(x): return 'a' * x", "f(20000)", limits).reason


def test_a_program_reads_and_prints(confined: Sandbox) -> None:
    done = run_program(confined, "import sys\nfor line in sys.stdin: print(int(line) * 2)", "1\n2\n", LONG)
    assert (done.output, done.ended) == (b"2\n4\n", "")
    assert run_program(confined, "print('\uac00', input())", "\ub098", LONG).output == "\uac00 \ub098\n".encode()
    assert run_program(confined, "import atexit\natexit.register(print, 'last')\nprint('first')", "", LONG).output == b"first\nlast\n"
    assert run_program(confined, "import sys\nprint(1)\nsys.exit()", "", LONG).ended == ""


def test_how_a_program_ended_is_said(sandbox: Sandbox) -> None:
    assert run_program(sandbox, "import sys; sys.exit(3)", "", LONG).ended == "exit status 3"
    assert run_program(sandbox, "import sys; sys.exit('no')", "", LONG).ended == "exit status 1"
    assert run_program(sandbox, "int('a')", "", LONG).ended == "exit status 1: ValueError: invalid literal for int() with base 10: 'a'"
    assert run_program(sandbox, "import ctypes; ctypes.string_at(0)", "", LONG).ended == "killed by SIGSEGV"


@pytest.mark.timeout(30)
def test_a_program_that_prints_too_much_is_ended_at_once(sandbox: Sandbox) -> None:
    limits = Limits(output_bytes=10_000, cpu_s=90, wall_s=90.0)
    assert run_program(sandbox, "while True: print('x' * 1000)", "", limits).ended == "printed more than 10000 bytes"


def test_long_inputs_and_outputs_pass_whole(sandbox: Sandbox) -> None:
    text = "0123456789" * 100_000
    assert run_program(sandbox, "print(input())", text, LONG).output == f"{text}\n".encode()
    assert run_program(sandbox, "print('unread')", text, LONG).output == b"unread\n"
    code = f"kept = {text!r}\ndef f(x): return kept == x"
    assert judged(sandbox, code, f"assert f({text!r}) is True").outcome == "pass"


def test_jobs_of_many_threads_do_not_mix(sandbox: Sandbox) -> None:
    def one(number: int) -> str:
        return judged(sandbox, f"def f(x): return x + {number}", f"assert f(1) == {number + 1}").outcome

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(one, range(24))) == {"pass"}


def test_sets_have_the_order_of_the_hash_seed(sandbox: Sandbox) -> None:
    from seodang.scoring.sandbox.run import kept_sandbox

    code = "print(list({'a', 'b', 'c', 'd', 'e', 'f', 'g'}))"
    first, again, other = (run_program(kept_sandbox(seed), code, "", LONG).output for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_nothing_listens_any_more_when_a_program_printed_too_much(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is a pipe closed that is still read: here what is read of stderr comes late."""
    read = run._up_to  # pyright: ignore[reportPrivateUsage]

    def late(pipe: int, limit: int) -> bytes:
        found = read(pipe, limit)
        time.sleep(0.5 * (limit != LONG.output_bytes))
        return found

    monkeypatch.setattr(run, "_up_to", late)
    before = threading.active_count()
    assert "printed more than" in run_program(sandbox, "while True: print('x' * 4096)", "", LONG).ended
    assert threading.active_count() == before
