"""The audit tells a good check from a fooled one, every check has one, and only exact checks certify."""

from collections.abc import Sequence
from typing import Any

import pytest

from seodang.core.errors import InputError
from seodang.core.records import Record, Verdict
from seodang.data.verify.context import CheckContext, failed, passed, undecided
from seodang.data.verify.find import check_names
from seodang.data.verify.probe import Probe, probes_of
from seodang.data.verify_audit import audit as audits
from seodang.data.verify_audit.audit import audit_check, audit_with, certifies, why_not_certifying
from seodang.data.verify_audit.phone_lines import PhoneLines

OUTSIDE = f"{__name__}:even"
WITHOUT_PROBES: dict[str, str] = {}  # checks that ship no probes, each with its reason
EXACT = {"json_schema", "quoted", "tool_calls"}


def even(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    """Passes even numbers: a check that is known to be right."""
    return [(passed if int(record.answer) % 2 == 0 else failed)(record, "even") for record in records]


def lets_all(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    return [passed(record, "lets_all") for record in records]


def refuses_all(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    return [failed(record, "refuses_all") for record in records]


def open_on_threes(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    return [undecided(record, "x") if int(record.answer) % 3 == 0 else even([record], context)[0] for record in records]


def breaks(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    raise InputError("no isolation here")


def counts_company(records: Sequence[Record], context: CheckContext) -> list[Verdict]:
    return [(passed if len(records) == 1 else failed)(record, "counts_company") for record in records]


PROBES = [Probe(Record("sample", "", str(n), (), "en"), "pass" if n % 2 == 0 else "fail", f"{n}", n % 5 == 0) for n in range(60)]


def rates(check: Any) -> tuple[float | None, float | None]:
    found = audit_with(OUTSIDE, check, PROBES)
    return found.false_accept.share if found.false_accept else None, found.false_reject.share if found.false_reject else None


def test_a_good_check_and_two_bad_ones() -> None:
    assert rates(even) == (0, 0)
    assert rates(lets_all) == (1, 0)
    assert rates(refuses_all) == (0, 1)
    found = audit_with(OUTSIDE, lets_all, PROBES)
    assert found.num_adversarial == 12
    assert found.adversarial_false_accept is not None
    assert (found.adversarial_false_accept.count, found.adversarial_false_accept.n) == (6, 6)
    assert found.adversarial_false_reject is not None
    assert found.adversarial_false_reject.n == 6
    assert len(found.surprises) == 30
    assert audit_with(OUTSIDE, even, PROBES).false_accept is not None


def test_undecided_and_errors_stay_in_the_number_and_are_no_accept() -> None:
    found = audit_with(OUTSIDE, open_on_threes, PROBES)
    assert found.num_undecided == 20
    assert found.false_accept is not None
    assert (found.false_accept.count, found.false_accept.n) == (0, 30)
    assert audit_with(OUTSIDE, breaks, PROBES).num_errors == 60
    row = found.row()
    assert (row["wrong"], len(row["undecided_probes"])) == ([], 20)


def test_intervals_are_wilson_and_classes_without_probes_have_no_rate() -> None:
    found = audit_with(OUTSIDE, even, [probe for probe in PROBES if probe.should == "pass"])
    assert found.false_accept is None
    assert found.false_reject is not None
    assert found.false_reject.interval == pytest.approx((0, 0.1135), abs=1e-4)  # Wilson 1927 for 0 of 30
    assert found.row()["intervals"]["false_accept"] is None


def test_probes_of_a_group_are_shown_together_and_others_alone() -> None:
    pair = [Probe(Record("sample", "", str(n), (), "en"), "fail", "pair", group="pair") for n in range(2)]
    alone = [Probe(Record("sample", "", str(n), (), "en"), "pass", "alone") for n in range(2, 5)]
    assert audit_with(OUTSIDE, counts_company, [*pair, *alone]).surprises == ()


def test_every_check_ships_probes_of_both_classes_or_says_why_not() -> None:
    for name in check_names():
        if name in WITHOUT_PROBES:
            assert WITHOUT_PROBES[name]
            continue
        probes = probes_of(name)
        assert {probe.should for probe in probes} == {"pass", "fail"}, f"{name} ships no probes of both classes"
        assert any(probe.adversarial for probe in probes), f"{name} ships no adversarial probes"
        assert all(probe.about for probe in probes)


def test_checks_are_told_from_other_modules() -> None:
    names = set(check_names())
    assert {"grounded", "json_schema", "tool_calls", "quoted", "judged", "well_formed"} <= names
    assert not names & {"decide", "context", "probe", "section", "words"}


def test_no_probe_of_an_exact_check_is_wrongly_rejected_and_only_known_ones_pass() -> None:
    known = {"quoted": ["the right numbers exchanged"]}  # meaning is beyond what can be compared exactly
    for name in EXACT:
        found = audit_check(name)
        assert (found.num_errors, found.false_reject.count if found.false_reject else None) == (0, 0), name
        assert [one.about for one in found.surprises if one.said == "pass"] == known.get(name, []), name


def test_probes_are_not_repeated() -> None:
    for name in check_names():
        seen = [
            (probe.record.id, probe.record.question, probe.record.samples, probe.group, probe.record.author, probe.should)
            for probe in probes_of(name)
        ]
        assert len(seen) == len(set(seen)), name


def test_who_certifies() -> None:
    assert all(certifies(name) for name in EXACT)
    assert why_not_certifying("grounded").startswith("it does not compare exactly")
    assert not certifies("judged")


@pytest.mark.parametrize(
    ("probes", "told"),
    [
        ([], "no audit"),
        (PROBES[:20], "too few"),
        ([Probe(p.record, "fail", "all wrong") for p in PROBES[:20]] + PROBES, "let through 10 of 50"),
    ],
)
def test_an_exact_check_with_a_bad_audit_does_not_certify(monkeypatch: pytest.MonkeyPatch, probes: list[Probe], told: str) -> None:
    monkeypatch.setattr(f"{__name__}.CERTIFIES", True, raising=False)
    monkeypatch.setattr(audits, "find_check", lambda name: even)
    monkeypatch.setattr(audits, "probes_of", lambda name: probes)
    for cached in (audits.audit_check, audits.why_not_certifying):
        monkeypatch.setattr(audits, cached.__name__, cached.__wrapped__)
    assert told in audits.why_not_certifying("even")


def test_the_environment_of_the_probes_keeps_its_rules() -> None:
    lines = PhoneLines()
    lines.load({"lines": {"1": {"active": False, "roaming": False, "owed": 10, "plan": "basic"}}})
    assert "error" in lines.call("resume", {"number": "1"})
    assert "error" in lines.call("pay", {"number": "1", "amount": 11})
    assert lines.call("pay", {"number": "1", "amount": 10}) == {"owed": 0}
    assert lines.call("resume", {"number": "1"}) == {"active": True}
    assert "error" in lines.call("resume", {"number": "2"})
    assert "error" in lines.call("explode", {"number": "1"})
    assert lines.state()["lines"]["1"]["active"] is True
