"""How often each check lets through what it should reject, and rejects what it should let through, on the probes that it ships.

A check without an audit cannot certify, nor one that knows nothing for certain (a judge), nor one that was fooled too often.
"""

import importlib
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

from seodang.core.errors import SeodangError
from seodang.core.records import Verdict
from seodang.data.verify.context import CheckContext, bare_context
from seodang.data.verify.find import find_check
from seodang.data.verify.guard import Check
from seodang.data.verify.probe import OUTCOMES, Probe, probes_of
from seodang.data.verify_audit.situations import SITUATIONS
from seodang.statistics.intervals import wilson

MIN_PROBES = 20  # of each class, from which an audit says enough to certify
MAX_FALSE_ACCEPT = 0.05  # share of the records to be rejected that a certifying check may let through


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` of `n` probes and their share with its 95 % Wilson interval."""

    count: int
    n: int
    share: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Surprise:
    """A probe of which the check said something else than it should."""

    about: str
    should: str
    said: str
    adversarial: bool
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CheckAudit:
    """What a check said of its probes. A rate is None where it has no probe of the class; undecided and errors are neither accepted nor
    rejected, and stay in the rates' n."""

    check: str
    num_probes: int
    num_should_pass: int
    num_should_fail: int
    num_adversarial: int
    num_undecided: int
    num_errors: int
    false_accept: Rate | None
    false_reject: Rate | None
    adversarial_false_accept: Rate | None
    adversarial_false_reject: Rate | None
    surprises: tuple[Surprise, ...]

    def row(self) -> dict[str, Any]:
        """The audit as JSON: counts, shares, their intervals, and the probes that went wrong."""
        rates = {
            name: getattr(self, name) for name in ("false_accept", "false_reject", "adversarial_false_accept", "adversarial_false_reject")
        }
        counts = {
            "probes": self.num_probes,
            "should_pass": self.num_should_pass,
            "should_fail": self.num_should_fail,
            "adversarial": self.num_adversarial,
            "undecided": self.num_undecided,
            "errors": self.num_errors,
        }
        shares = {name: rate.share if rate else None for name, rate in rates.items()}
        intervals = {name: list(rate.interval) if rate else None for name, rate in rates.items()}
        reason = why_not_certifying(self.check)
        told = {"certifies": not reason, "reason": reason}
        wrong = [asdict(one) for one in self.surprises if one.said != "undecided"]
        open_ones = [asdict(one) for one in self.surprises if one.said == "undecided"]
        return counts | shares | {"intervals": intervals} | told | {"wrong": wrong, "undecided_probes": open_ones}


@lru_cache(maxsize=256)
def audit_check(name: str) -> CheckAudit:
    """The audit of a check of `data/verify`, or of `package.module:function`, by the probes that ship with it."""
    return audit_with(name, find_check(name), probes_of(name))


def audit_with(name: str, check: Check, probes: Sequence[Probe]) -> CheckAudit:
    """The audit of any check by any probes. Those of one group are shown to it together, others alone where it compares records."""
    verdicts: list[tuple[Probe, Verdict]] = []
    for group in _groups(probes, getattr(importlib.import_module(check.__module__), "PER_RECORD", False)):
        verdicts += zip(group, _judge(name, check, group), strict=True)
    surprises = [
        Surprise(probe.about, probe.should, verdict.outcome, probe.adversarial, verdict.evidence)
        for probe, verdict in verdicts
        if verdict.outcome != probe.should
    ]
    said = [verdict.outcome for _, verdict in verdicts]
    return CheckAudit(
        check=name,
        num_probes=len(verdicts),
        num_should_pass=sum(probe.should == "pass" for probe in probes),
        num_should_fail=sum(probe.should == "fail" for probe in probes),
        num_adversarial=sum(probe.adversarial for probe in probes),
        num_undecided=said.count("undecided"),
        num_errors=said.count("error"),
        false_accept=_rate(verdicts, "fail", "pass"),
        false_reject=_rate(verdicts, "pass", "fail"),
        adversarial_false_accept=_rate([(p, v) for p, v in verdicts if p.adversarial], "fail", "pass"),
        adversarial_false_reject=_rate([(p, v) for p, v in verdicts if p.adversarial], "pass", "fail"),
        surprises=tuple(surprises),
    )


@lru_cache(maxsize=256)
def why_not_certifying(name: str) -> str:
    """Why a check's pass does not certify a record; empty where it does.

    It certifies where its module declares `CERTIFIES = True` (what it compares is exact or was carried out), where at least `MIN_PROBES`
    probes of each class were put to it, and where it let through at most `MAX_FALSE_ACCEPT` of those that it should reject.
    """
    module = importlib.import_module(find_check(name).__module__)
    if getattr(module, "CERTIFIES", False) is not True:
        return "it does not compare exactly or carry out: it may reject or queue"
    audit = audit_check(name)
    if not audit.num_probes:
        return "no audit: it ships no probes"
    if min(audit.num_should_pass, audit.num_should_fail) < MIN_PROBES:
        return f"too few probes: {audit.num_should_pass} to pass and {audit.num_should_fail} to fail, not {MIN_PROBES} of each"
    if audit.num_errors:
        return f"it could not be carried out on {audit.num_errors} probes"
    if audit.false_accept is None or audit.false_accept.share > MAX_FALSE_ACCEPT:
        return f"it let through {audit.false_accept.count if audit.false_accept else 0} of {audit.num_should_fail} probes to be rejected"
    return ""


def certifies(name: str) -> bool:
    """Whether a pass of this check can certify a record; `why_not_certifying` has the reason."""
    return not why_not_certifying(name)


def _groups(probes: Sequence[Probe], per_record: bool) -> list[list[Probe]]:
    named: dict[str, list[Probe]] = {}
    for place, probe in enumerate(probes):
        named.setdefault(probe.group or ("" if per_record else f"\n{place}"), []).append(probe)
    return list(named.values())


def _judge(name: str, check: Check, group: Sequence[Probe]) -> list[Verdict]:
    records = [probe.record for probe in group]
    try:
        with _situation(name, check, group) as context:
            return check(records, context)
    except (SeodangError, ModuleNotFoundError) as error:
        return [Verdict(record.id, name, "error", {"reason": str(error)}) for record in records]


@contextmanager
def _situation(name: str, check: Check, group: Sequence[Probe]) -> Generator[CheckContext]:
    """A context with the group's passages, and what else the check needs: by its module's `probe_context(context)`, or by our table."""
    module = importlib.import_module(check.__module__)
    adapt: Callable[[CheckContext], CheckContext] = getattr(module, "probe_context", None) or SITUATIONS.get(name, lambda context: context)
    with bare_context() as bare:
        passages = {key: passage for probe in group for key, passage in probe.passages.items()}
        yield adapt(replace(bare, passages=passages))


def _rate(verdicts: Sequence[tuple[Probe, Verdict]], should: str, wrongly: str) -> Rate | None:
    assert should in OUTCOMES
    said = [verdict.outcome for probe, verdict in verdicts if probe.should == should]
    if not said:
        return None
    count = said.count(wrongly)
    return Rate(count, len(said), count / len(said), wilson(count, len(said)))
