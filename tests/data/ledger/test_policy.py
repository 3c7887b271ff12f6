"""A policy says what verdicts mean; the shipped one decides as was always decided."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seodang.core.errors import RecipeError
from seodang.core.records import Verdict
from seodang.data.ledger.policy import CERTIFIED, Policy, load_policy, reasons, uncertified

NAMES = ["well_formed", "grounded", "points_back"]
OUTCOME = st.sampled_from(["pass", "fail", "undecided", "error"])


def policy(**told: Any) -> Policy:
    return Policy.model_validate({"version": 1, "name": "p", **told})


def verdicts(*outcomes: str, **evidence: Any) -> dict[str, Verdict]:
    return {name: Verdict("r", name, outcome, evidence) for name, outcome in zip(NAMES, outcomes, strict=False)}


def told(policy: Policy, given: dict[str, Verdict]) -> list[tuple[str, str]]:
    return [(reason.check, reason.decision) for reason in reasons(policy, NAMES, given)]


@given(st.lists(OUTCOME, min_size=3, max_size=3))
def test_the_default_policy_decides_by_the_first_check_that_does_not_pass(outcomes: list[str]) -> None:
    decision = {"fail": "rejected", "undecided": "quarantined", "error": "failed"}
    expected = [(name, decision[outcome]) for name, outcome in zip(NAMES, outcomes, strict=True) if outcome != "pass"]
    assert told(load_policy(), verdicts(*outcomes)) == expected


def test_a_check_that_was_not_asked_speaks_only_where_nothing_else_does() -> None:
    assert told(load_policy(), verdicts("pass", "fail")) == [("grounded", "rejected")]
    assert told(load_policy(), verdicts("pass", "pass")) == [("points_back", "failed")]
    (reason,) = reasons(load_policy(), NAMES, verdicts("pass", "pass"))
    assert reason.why == "no verdict of points_back"
    assert reasons(load_policy(), NAMES, verdicts("pass", "pass"), complete=False) == []


def test_one_checks_outcome_may_mean_something_else() -> None:
    given = verdicts("fail", "fail", "undecided")
    assert told(policy(checks={"grounded": {"fail": "quarantined"}}), given) == [
        ("well_formed", "rejected"),
        ("grounded", "quarantined"),
        ("points_back", "quarantined"),
    ]
    assert told(policy(checks={"well_formed": {"fail": "accepted"}}, outcomes={"fail": "failed"}), given) == [
        ("grounded", "failed"),
        ("points_back", "quarantined"),
    ]


@pytest.mark.parametrize(
    ("bound", "margin", "outcome", "expected"),
    [
        ({"at_least": 0.3}, 0.3, "fail", []),
        ({"at_least": 0.3}, 0.29, "pass", [("points_back", "rejected")]),
        ({"at_most": 2}, 2.0, "pass", []),
        ({"at_most": 2}, 2.1, "pass", [("points_back", "rejected")]),
        ({"at_least": -1, "at_most": 1}, 0, "undecided", []),
        ({"at_least": 0.3}, 0.9, "error", [("points_back", "failed")]),
        ({"at_least": 0.3}, None, "fail", [("points_back", "rejected")]),
        ({"at_least": 0.3}, True, "fail", [("points_back", "rejected")]),
    ],
)
def test_a_bound_decides_by_the_number_that_was_kept(
    bound: dict[str, float], margin: Any, outcome: str, expected: list[tuple[str, str]]
) -> None:
    found = policy(thresholds=[{"check": "points_back", "evidence": "margin_nats", **bound}])
    given = {**verdicts("pass", "pass"), "points_back": Verdict("r", "points_back", outcome, {"margin_nats": margin})}
    assert told(found, given) == expected


def test_a_bound_does_not_overrule_a_check_that_told_a_reason_of_its_own() -> None:
    found = policy(thresholds=[{"check": "points_back", "evidence": "margin_nats", "at_least": 0.3}])
    evidence = {"reason": "5 with larger margins are kept", "margin_nats": 0.9}
    given = {**verdicts("pass", "pass"), "points_back": Verdict("r", "points_back", "fail", evidence)}
    (reason,) = reasons(found, NAMES, given)
    assert (reason.decision, reason.why) == ("rejected", "5 with larger margins are kept")


def test_a_kind_that_must_be_certified_needs_one_certifying_check() -> None:
    found = policy(certified_by={"know": ["grounded", "points_back"], "*": []})
    assert uncertified(found, "know", NAMES, verdicts("pass", "fail", "pass")) == []
    (reason,) = uncertified(found, "know", NAMES, verdicts("pass", "fail", "undecided"))
    assert (reason.check, reason.decision) == (CERTIFIED, "quarantined")
    assert uncertified(found, "act", NAMES, verdicts("pass", "pass", "pass"))[0].decision == "quarantined"
    assert uncertified(load_policy(), "know", NAMES, verdicts("pass")) == []
    # A check that this verification did not put to the record certifies nothing.
    assert uncertified(found, "know", ["well_formed"], verdicts("pass", "pass", "pass")) != []


def test_a_policy_is_known_by_what_it_says(tmp_path: Path) -> None:
    one, two, three = tmp_path / "1.yaml", tmp_path / "2.yaml", tmp_path / "3.yaml"
    one.write_text("version: 1\nname: p\nchecks: {grounded: {fail: failed}}\n", encoding="utf-8")
    two.write_text("# The same.\nname: p\nversion: 1\nchecks:\n  grounded:\n    fail: failed\n", encoding="utf-8")
    three.write_text("version: 1\nname: p\nchecks: {grounded: {fail: rejected}}\n", encoding="utf-8")
    assert load_policy(one).digest == load_policy(two).digest != load_policy(three).digest
    assert load_policy() == Policy(version=1, name="default")


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("version: 1\nname: p\nthreshold: []\n", "`threshold`: unknown key", "did you mean `thresholds`?"),
        ("version: 2\nname: p\n", "`version`", "docs/data.md"),
        ("version: 1\nname: p\noutcomes: {fail: reject}\n", "`outcomes.fail`", "docs/data.md"),
        ("version: 1\nname: p\nchecks: {groundet: {fail: failed}}\n", "no check `groundet`", "did you mean `grounded`?"),
        ("version: 1\nname: p\nthresholds: [{check: grounded, evidence: n}]\n", "a bound is missing", "at_least"),
        ("name: p\n", "`version`: missing", "docs/data.md"),
        ("version: 1\nname: p\nthresholds: [{check: grounded, evidence: n, at_least: .nan}]\n", "finite", "docs/data.md"),
    ],
)
def test_a_file_that_is_no_policy_is_told_with_line_and_near_match(text: str, what: str, hint: str, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError) as error:
        load_policy(file)
    assert what in error.value.what
    assert str(file) in (error.value.where or "")
    assert hint in (error.value.hint or "")
