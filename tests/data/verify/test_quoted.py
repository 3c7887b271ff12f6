"""Quotations, facts and denials are held against the evidence; a model of entailment may only object."""

from dataclasses import replace
from typing import Any

import pytest

from seodang.core.errors import RecipeError
from seodang.core.records import Passage, Record
from seodang.data.verify.context import bare_context
from seodang.data.verify.quoted import quoted
from seodang.data.verify.section import VerifySection

TEXT = "Customers may return a phone within 14 days of purchase, but not after activation."
PASSAGE = Passage("a.md", 0, len(TEXT), TEXT, "", "", TEXT, "en", "MIT")


def agrees(evidence: str, answer: str) -> float:
    return 0.9


def objects(evidence: str, answer: str) -> float:
    return 0.1


def check(answer: str, passages: tuple[str, ...] = (PASSAGE.id,), **knobs: Any) -> Any:
    record = Record("sample", "How long?", answer, passages, "en", truth=knobs.pop("truth", {}))
    with bare_context(VerifySection.model_validate(knobs)) as context:
        (verdict,) = quoted([record], replace(context, passages={PASSAGE.id: PASSAGE}))
    return verdict


def test_passages_are_evidence() -> None:
    assert check("You have 14 days.").outcome == "pass"
    verdict = check("You have 15 days.")
    assert (verdict.outcome, verdict.evidence["facts"]) == ("fail", ["quantity 1296000 time"])


def test_a_quotation_must_stand_whole() -> None:
    assert check('It says "within 14 days of purchase".').outcome == "pass"
    assert check('It says "thin 14 days of purchase".').outcome == "fail"
    assert check('It says "within 14 days of purch".').outcome == "fail"
    assert check("See there.", truth={"quotes": [{"text": "return a phone"}]}).outcome == "pass"
    assert check("See there.", truth={"quotes": ["return a tablet"]}).outcome == "fail"


def test_the_plug_in_may_object_and_never_lets_through() -> None:
    for name, outcome in (("agrees", "undecided"), ("objects", "fail")):
        verdict = check("Returning is possible for a time.", entailment=f"{__name__}:{name}")
        assert verdict.outcome == outcome
    assert check("You have 14 days.", entailment=f"{__name__}:objects").outcome == "fail"
    assert check("You have 14 days.", entailment=f"{__name__}:agrees").evidence["entailment"] == 0.9
    assert check("You have 14 days.").evidence["entailment"] == "not asked"
    with pytest.raises(RecipeError, match="cannot import"):
        check("You have 14 days.", entailment="nowhere:function")


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("Customers may not return a phone within 14 days of purchase.", "undecided"),
        ("Customers may return a phone after activation.", "undecided"),
        ("Customers may return a phone within 14 days of purchase.", "pass"),
        ("Within 14 days, but not after activation.", "pass"),
        ("", "undecided"),
    ],
)
def test_denial_is_compared(answer: str, outcome: str) -> None:
    assert check(answer).outcome == outcome


def test_without_evidence_nothing_is_said() -> None:
    assert check("You have 14 days.", passages=()).outcome == "undecided"


def test_names_in_a_script_that_the_evidence_does_not_use_are_left_open() -> None:
    korean = {"evidence": ["서울 지점에서 14일 안에 반품합니다."]}
    verdict = check("Return it in 14 days at the Seoul branch.", passages=(), truth=korean)
    assert (verdict.outcome, verdict.evidence["names"]) == ("undecided", ["seoul"])
    assert check("You can return it to Globex in 14 days.").outcome == "fail"
