"""Probes of the check `code_runs` that are made: every trick of `code_tricks` against tests, calls and a program."""

from typing import Any

from seodang.core.records import Record
from seodang.data.verify.code_tricks import ENDLESS, TRICKS, trick
from seodang.data.verify.probe import Probe

_ENTRY_POINT = "largest"
_TESTS = {"tests": "def check(candidate):\n    assert candidate([3, 9, 2]) == 9\n    assert candidate([-4]) == -4\n"}
_CALLS = {"calls": [{"args": [[3, 9, 2]], "result": 9}, {"args": [[-4]], "result": -4}]}
_AS_PROGRAM = {"cases": [{"input": "3 9 2\n", "output": "9\n"}, {"input": "-4\n", "output": "-4\n"}]}


def probes() -> list[Probe]:
    """Each trick against tests, and the quick ones against calls and as programs too; none should pass."""
    made: list[Probe] = []
    for name in TRICKS:
        code = trick(name, _ENTRY_POINT)
        made.append(_probe(name, code, _TESTS | {"entry_point": _ENTRY_POINT}))
        if name not in ENDLESS:
            made.append(_probe(name, code, _CALLS | {"entry_point": _ENTRY_POINT}))
            made.append(_probe(name, f"{code}\nprint({_ENTRY_POINT}([0]))\n", _AS_PROGRAM))
    return made


def _probe(name: str, code: str, truth: dict[str, Any]) -> Probe:
    answer = f"```python\n{code.strip()}\n```"
    record = Record("sample", "Write the largest of some numbers.", answer, (), "en", truth=truth, capability="coding")
    return Probe(record, "fail", f"trick {name}, {next(iter(truth))}", adversarial=True)
