"""The check of code: its probes, and what it leaves undecided."""

from collections.abc import Iterator
from typing import Any

import pytest

from seodang.core.records import Record, Verdict
from seodang.data.verify import code_runs as module
from seodang.data.verify.code_runs import code_runs
from seodang.data.verify.code_tricks import ENDLESS
from seodang.data.verify.context import CheckContext, bare_context
from seodang.data.verify.probe import Probe, probes_of
from seodang.data.verify.section import VerifySection
from seodang.scoring.sandbox import run
from seodang.scoring.sandbox.isolation import IsolationError
from seodang.scoring.sandbox.run import kept_sandbox

PROBES = probes_of("code_runs")
TESTS = {"tests": "assert f(2) == 4\nassert f(3) == 9", "entry_point": "f"}


@pytest.fixture(scope="module")
def context() -> Iterator[CheckContext]:
    try:
        kept_sandbox()
    except IsolationError as fault:
        pytest.skip(fault.what)
    with bare_context(VerifySection(code_processor_s=1, code_wall_s=30.0)) as made:
        yield made


def record(answer: str, truth: dict[str, Any]) -> Record:
    return Record("sample", "", answer, (), "en", truth=truth)


def verdict(context: CheckContext, answer: str, **truth: Any) -> Verdict:
    return code_runs([record(answer, truth)], context)[0]


def test_there_are_enough_probes_of_each_kind() -> None:
    assert sum(probe.should == "pass" for probe in PROBES) >= 30
    assert sum(probe.should == "fail" and not probe.adversarial for probe in PROBES) >= 25
    assert sum(probe.should == "fail" and probe.adversarial for probe in PROBES) >= 100
    assert sum(probe.should == "pass" and probe.adversarial for probe in PROBES) >= 10
    assert len({probe.record.id for probe in PROBES}) == len(PROBES)


def test_hand_written_probes_are_decided_as_they_should_be(context: CheckContext) -> None:
    shown = [probe for probe in PROBES if not probe.about.startswith("trick ")]
    assert _wrong(shown, context) == []


def test_no_quick_trick_is_accepted_as_calls_or_as_a_program(context: CheckContext) -> None:
    shown = [probe for probe in PROBES if probe.about.endswith(("calls", "cases")) and probe.about.split(", ")[0][6:] not in ENDLESS]
    assert _wrong(shown[::3], context) == []


def _wrong(probes: list[Probe], context: CheckContext) -> list[tuple[str, str, dict[str, Any]]]:
    verdicts = code_runs([probe.record for probe in probes], context)
    assert [one.record for one in verdicts] == [probe.record.id for probe in probes]
    return [(probe.about, one.outcome, one.evidence) for probe, one in zip(probes, verdicts, strict=True) if one.outcome != probe.should]


def test_a_pass_says_how_often_it_was_asked(context: CheckContext) -> None:
    found = verdict(context, "def f(x): return x * x", **TESTS)
    assert (found.outcome, found.evidence) == ("pass", {"calls": 2, "runs": 2})


def test_code_that_leans_on_the_order_of_sets_is_undecided(context: CheckContext) -> None:
    answers = [f"def f(x): return list({{'a', 'b', 'c', 'd'}}).index('a') == {place}" for place in range(4)]
    found = [verdict(context, answer, calls=[{"args": [1], "result": True}], entry_point="f") for answer in answers]
    assert {one.outcome for one in found} == {"fail", "undecided"}
    assert [one.evidence["reason"] for one in found if one.outcome == "undecided"] == ["two runs differ"] * 2


def test_tests_that_accept_anything_are_undecided(context: CheckContext) -> None:
    found = verdict(context, "def f(x): return x", tests="f(1)\nassert True", entry_point="f")
    assert (found.outcome, found.evidence["reason"]) == ("undecided", "the tests also accept a function that returns nothing")
    method = verdict(context, "class S:\n    def f(self, x): return x", tests="S(1)\nassert True", entry_point="S.f")
    assert method.outcome == "undecided"


@pytest.mark.parametrize(
    "truth",
    [
        {}, {"tests": ""}, {"entry_point": "f"}, TESTS | {"language": "Java"}, TESTS | {"tests": "assert unknown(f(2))"},
        {"cases": [{"input": "", "output": ""}]},
    ],
)  # fmt: skip
def test_without_tests_that_can_be_run_nothing_is_decided(context: CheckContext, truth: dict[str, Any]) -> None:
    assert verdict(context, "def f(x): return x * x", **truth).outcome == "undecided"


@pytest.mark.parametrize(
    "truth",
    [
        {"tests": "assert f(2) == 4"}, TESTS | {"entry_point": "f()"}, {"calls": 3, "entry_point": "f"}, {"calls": [1], "entry_point": "f"},
        {"calls": [{"args": [1]}], "entry_point": "f"}, {"calls": [{"arguments": "(x,)", "expected": "1"}], "entry_point": "f"},
        {"calls": [{"arguments": "(1,)"}], "entry_point": "f"}, {"cases": [{"input": "1"}]}, {"cases": [{"input": 1, "output": "1"}]},
    ],
)  # fmt: skip
def test_a_truth_in_another_form_is_an_error_of_its_record_alone(context: CheckContext, truth: dict[str, Any]) -> None:
    good, bad = record("def f(x): return x * x", TESTS), record("def f(x): return x * x", truth)
    assert [one.outcome for one in code_runs([good, bad, good], context)] == ["pass", "error", "pass"]


def test_untrusted_code_is_refused_without_isolation(monkeypatch: pytest.MonkeyPatch, context: CheckContext) -> None:
    monkeypatch.setattr(run, "CONFINEMENTS", ())
    monkeypatch.setattr(run, "_kept", {})
    with pytest.raises(IsolationError, match="cannot be isolated"):
        verdict(context, "def f(x): return x * x", **TESTS)
    assert verdict(context, "no tests").outcome == "undecided"


def test_the_version_is_said() -> None:
    assert module.VERSION >= 1
