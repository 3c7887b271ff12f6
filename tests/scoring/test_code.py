"""Code is found in answers, put to tests, calls and cases, and compared by type and value."""

import pytest

from seodang.core.errors import InputError
from seodang.scoring.code import Call, code_in, run_calls, run_cases, run_tests, whole_code
from seodang.scoring.sandbox.isolation import IsolationError
from seodang.scoring.sandbox.limits import Limits
from seodang.scoring.sandbox.run import kept_sandbox

LONG = Limits(cpu_s=20, wall_s=60.0)
ADD = "def add(a, b):\n    return a + b\n"


@pytest.fixture(scope="module", autouse=True)
def isolated() -> None:
    try:
        kept_sandbox()
    except IsolationError as fault:
        pytest.skip(fault.what)


@pytest.mark.parametrize(
    "answer",
    [
        ADD,
        f"```python\n{ADD}```",
        f"```\n{ADD}```",
        f"~~~ py\n{ADD}~~~",
        f"Here it is:\n\n```python\n{ADD}```\n\nIt adds (both of them).",
        f"A wrong one:\n```python\ndef sub(a, b): return a - b\n```\nthen:\n```python\n{ADD}```\nIn use:\n```python\nprint(add(1, 2))\n```",
        f"```python\n{ADD}```\nIn a shell:\n```bash\npython add.py\n```",
        f"```python\n{ADD}",
        f"Sure, this adds:\n\n{ADD}\nIt takes two numbers.",
        f"    ```python\n{ADD}    ```",
        f"이렇게 씁니다.\n```Python3\n{ADD}```",
    ],
)
def test_code_is_found_in_an_answer(answer: str) -> None:
    assert run_tests(code_in(answer, "add"), "assert add(2, 3) == 5", "add", LONG).outcome == "pass"


def test_without_a_name_the_last_block_is_taken_and_other_languages_never() -> None:
    assert code_in("```python\na = 1\n```\n```python\na = 2\n```") == "a = 2\n"
    assert code_in("```java\nint a;\n```") == ""
    assert code_in("I cannot do that, sorry.") == ""
    assert code_in("") == ""
    assert code_in("    return a + b\n") == "    return a + b\n"


def test_a_prompt_is_completed_by_a_body_or_a_whole_function() -> None:
    prompt = 'from typing import List\n\ndef first(xs: List[int]) -> int:\n    """The first."""\n'
    for code in ("    return xs[0]\n", "def first(xs: List[int]) -> int:\n    return xs[0]\n"):
        assert run_tests(whole_code(code, prompt, "first"), "assert first([7, 8]) == 7", "first", LONG, prompt=prompt).outcome == "pass"
    assert whole_code(ADD, "Add two numbers, please", "add") == ADD
    assert whole_code(f"from __future__ import annotations\n{ADD}", prompt, "add").startswith("from __future__")


def test_calls_are_compared_by_type_and_value() -> None:
    def outcome(code: str, *calls: Call, tolerance: float = 0.0) -> str:
        return run_calls(code, calls, "f", LONG, tolerance=tolerance).outcome

    twice = "def f(x, times=2):\n    return x * times"
    assert outcome(twice, Call([2], 4, {}), Call(["a"], "aaa", {"times": 3})) == "pass"
    assert outcome(twice, Call([2], 4.0, {})) == "fail"
    assert outcome("def f(x): return x == 1", Call([1], 1, {})) == "fail"
    assert outcome("def f(x): return (x, x)", Call([1], [1, 1], {})) == "fail"
    assert outcome("def f(x): return x + 1e-12", Call([1.0], 1.0, {})) == "fail"
    assert outcome("def f(x): return x + 1e-12", Call([1.0], 1.0, {}), tolerance=1e-9) == "pass"
    assert outcome(twice) == "undecided"
    assert run_calls(twice, [Call([2], 5, {})], "f", LONG).reason == "call 1: returned 4"


def test_an_object_equal_to_everything_is_equal_to_nothing() -> None:
    code = "class E(int):\n    def __eq__(self, other): return True\n    __hash__ = int.__hash__\ndef f(x): return E(3)"
    assert run_calls(code, [Call([1], 3, {})], "f", LONG).outcome == "pass"
    assert run_calls(code, [Call([1], 4, {})], "f", LONG).outcome == "fail"


def test_a_call_that_cannot_be_sent_is_an_input_error() -> None:
    with pytest.raises(InputError, match="object has no plain form"):
        run_calls(ADD, [Call([object()], 1, {})], "add")


def test_programs_are_compared_by_the_words_of_their_lines() -> None:
    code = "a, b = map(int, input().split())\nprint(a + b)"
    assert run_cases(code, [("1 2\n", "3\n"), ("5 -5", "  0  \n\n")], LONG).outcome == "pass"
    found = run_cases(code, [("1 2", "3"), ("2 2", "5")], LONG)
    assert (found.outcome, found.reason) == ("fail", "case 2: printed '4'")
    assert run_cases("print('1 2')", [("", "1\n2")], LONG).outcome == "fail"
    assert run_cases("print('1   2 ')", [("", "1 2")], LONG).outcome == "pass"
    assert run_cases("print(3); raise SystemExit(1)", [("", "3")], LONG).outcome == "fail"
    assert run_cases("pass", [("", ""), ("", " \n")], LONG).outcome == "undecided"


def test_each_case_meets_a_new_process() -> None:
    code = "import os\nprint(len(os.listdir('.')))\nopen('left', 'w').close()"
    assert run_cases(code, [("", "0"), ("", "0")], LONG).outcome == "pass"
