"""A bound of a policy stands on a number that its check tells, or is refused; what a check says it tells, it does tell."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from seodang.core.errors import RecipeError
from seodang.core.records import Record, Verdict
from seodang.data.ledger.bounds import numbers_of, refuse_unknown_numbers, refuse_untold_numbers
from seodang.data.ledger.policy import Threshold, load_policy
from seodang.data.verify.context import CheckContext, passed
from seodang.data.verify.find import check_names, find_check
from seodang.data.verify.probe import probes_of
from seodang.data.verify_audit.audit import audit_with

SLOW = {"code_runs", "mathematics", "puzzle"}  # they start processes for each probe; none of them is bounded in a policy that ships

UNASKED = {"entailment"}  # told only where a recipe names a model


def bound(check: str, evidence: str) -> Threshold:
    return Threshold(check=check, evidence=evidence, at_least=0.5)


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("outside_of_bounds")

    def length(records: list[Record], context: CheckContext) -> list[Verdict]:
        return [passed(record, "outside_of_bounds:length", words=len(record.answer.split())) for record in records]

    length.__module__ = "outside_of_bounds"
    vars(module)["length"] = length
    monkeypatch.setitem(sys.modules, "outside_of_bounds", module)
    return module


@pytest.mark.parametrize(
    ("check", "evidence", "hint"),
    [
        ("points_back", "margin_nat", "did you mean `margin_nats`?"),
        ("decontaminated", "coverage", "there are: similarity"),
        ("grounded", "similarity", "it tells none"),
        ("duplicate", "similarity", "it tells none"),
    ],
)
def test_a_number_that_a_check_does_not_tell_is_refused_with_the_file(check: str, evidence: str, hint: str, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(f"version: 1\nname: p\nthresholds: [{{check: {check}, evidence: {evidence}, at_least: 1}}]\n", encoding="utf-8")
    with pytest.raises(RecipeError, match=f"{check} tells no number `{evidence}`") as error:
        load_policy(file)
    assert error.value.where == str(file)
    assert hint in (error.value.hint or "")


def test_a_check_from_outside_is_held_to_what_it_declares_or_to_its_verdicts(outside: ModuleType) -> None:
    name = "outside_of_bounds:length"
    verdicts = {name: [Verdict("r", name, "pass", {"words": 3, "sure": True, "why": "x"})]}
    refuse_unknown_numbers([bound(name, "wrods")])
    refuse_untold_numbers([bound(name, "words")], verdicts)
    refuse_untold_numbers([bound(name, "wrods")], {})
    with pytest.raises(RecipeError, match="no verdict of outside_of_bounds:length tells a number `wrods`") as error:
        refuse_untold_numbers([bound(name, "wrods")], verdicts)
    assert error.value.hint == "did you mean `words`?"
    with pytest.raises(RecipeError, match="`sure`"):
        refuse_untold_numbers([bound(name, "sure")], verdicts)
    vars(outside)["NUMBERS"] = ("words",)
    with pytest.raises(RecipeError, match="tells no number `wrods`"):
        refuse_unknown_numbers([bound(name, "wrods")])
    refuse_untold_numbers([bound(name, "words")], {name: []})


def test_a_number_that_stands_in_no_verdict_yet_may_be_bounded() -> None:
    """Nothing was found in this set; the check says that it would tell the number."""
    refuse_untold_numbers([bound("injection", "num_found")], {"injection": [Verdict("r", "injection", "pass", {})]})


def test_what_is_no_check_is_left_to_others() -> None:
    assert numbers_of("people") is None


@pytest.mark.parametrize("name", sorted(set(check_names()) - SLOW))
def test_the_numbers_that_a_check_tells_without_a_reason_are_those_it_declares(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put to its own probes, and seen by what it returns."""
    told: set[str] = set()
    check = find_check(name)

    def watched(records: Any, context: CheckContext) -> list[Verdict]:
        verdicts = check(records, context)
        for verdict in verdicts:
            if not verdict.evidence.get("reason"):
                told.update(key for key, value in verdict.evidence.items() if type(value) in (int, float))
        return verdicts

    watched.__module__ = check.__module__
    probes = probes_of(name)
    if not probes:
        pytest.skip("it ships no probes")
    audit_with(name, watched, probes)
    assert told == set(numbers_of(name) or ()) - UNASKED
