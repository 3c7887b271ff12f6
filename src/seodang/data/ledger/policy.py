"""A policy: a versioned file that says what verdicts mean. It decides again from stored evidence, without the teacher."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from seodang.core.errors import RecipeError
from seodang.core.hashing import digest
from seodang.core.progress import Progress
from seodang.core.records import Verdict
from seodang.core.sections import Section, load_section
from seodang.data.ledger.bounds import refuse_unknown_numbers
from seodang.data.ledger.people import is_people
from seodang.data.verify.find import find_check
from seodang.data.verify_audit.audit import why_not_certifying

Decided = Literal["accepted", "rejected", "quarantined", "failed"]
DECISIONS: tuple[Decided, ...] = ("accepted", "rejected", "quarantined", "failed")
REPEATED = "repeated"  # stands where a check does: the record was made twice
CERTIFIED = "certified_by"  # stands where a check does: no check that may certify passed the record


class Outcomes(Section):
    """What becomes of a record by what a check says of it."""

    fail: Decided = Field(default="rejected", description="of a record that fails a check")
    undecided: Decided = Field(default="quarantined", description="of a record about which a check can say neither")
    error: Decided = Field(default="failed", description="of a record for which a check could not be carried out")


class OneCheck(Section):
    """What one check's outcomes mean; what is left out is as for every check."""

    fail: Decided | None = Field(default=None, description="of a record that fails this check")
    undecided: Decided | None = Field(default=None, description="of a record about which this check can say neither")
    error: Decided | None = Field(default=None, description="of a record for which this check could not be carried out")
    absent: Decided | None = Field(
        default=None,
        description="of `people` and `person:NAME` only: of a record of which they said nothing (default: no notice is taken of that)",
    )

    @model_serializer(mode="wrap")
    def _as_written(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without `absent` where it is not said, so that other policies keep the digest they had before there was one."""
        told: dict[str, Any] = write(self)
        return {name: value for name, value in told.items() if name != "absent" or value is not None}


class Threshold(Section):
    """A bound on a number that a check has told. It passes or fails in the check's place, unless the check told a `reason` of its own."""

    check: str = Field(description="name of the check")
    evidence: str = Field(description="name of the number in its evidence, such as margin_nats")
    at_least: float | None = Field(default=None, description="the smallest number that passes, in the check's unit")
    at_most: float | None = Field(default=None, description="the largest number that passes, in the check's unit")

    @model_validator(mode="after")
    def _bound(self) -> "Threshold":
        if self.at_least is None and self.at_most is None:
            raise RecipeError("`thresholds`: a bound is missing", hint="add `at_least`, `at_most` or both")
        return self


class Policy(Section):
    """What verdicts mean. Reasons come in the order of the checks, and the first one decides."""

    kind_of_file: ClassVar[str] = "a policy"
    example: ClassVar[str] = "the one in docs/data.md"
    guide: ClassVar[str] = "docs/data.md"

    version: Literal[1] = Field(description="version of this format")
    name: str = Field(min_length=1, description="a name for people; the digest of the whole policy is what its decisions bear")
    outcomes: Outcomes = Field(default=Outcomes(), description="what the outcomes of every check mean")
    checks: dict[str, OneCheck] = Field(default={}, description="for a check of that name, what its outcomes mean instead")
    thresholds: tuple[Threshold, ...] = Field(default=(), description="bounds on numbers that checks have told")
    certified_by: dict[str, tuple[str, ...]] = Field(
        default={},
        description="for a kind of record (`*`: any other), the checks of which at least one must pass it; others may reject it only",
    )

    @model_validator(mode="after")
    def _people(self) -> "Policy":
        if bounded := [bound.check for bound in self.thresholds if is_people(bound.check)]:
            raise RecipeError(f"`thresholds`: {bounded[0]} tells no number", hint="say under `checks` what their outcomes mean")
        if certifying := [check for checks in self.certified_by.values() for check in checks if is_people(check)]:
            raise RecipeError(
                f"`certified_by`: {certifying[0]} is no check that could be audited",
                hint=f"to accept only what they pass, write `checks: {{{certifying[0]}: {{absent: quarantined}}}}`",
            )
        if absent := [name for name, own in self.checks.items() if own.absent and not is_people(name)]:
            raise RecipeError(f"`checks`: {absent[0]} is put to every record, so it cannot be `absent`", hint="take `absent` out")
        return self

    @property
    def people(self) -> list[str]:
        """Those of its checks that stand for people: `people`, and `person:` with a pseudonym."""
        return [check for check in self.checks if is_people(check)]

    @property
    def digest(self) -> str:
        """SHA-256 of what it says, 64 hexadecimal digits; its layout and comments do not matter."""
        return digest(self.model_dump())

    def named_checks(self) -> list[str]:
        """The checks that it names, each once."""
        certifying = [check for checks in self.certified_by.values() for check in checks]
        return list(dict.fromkeys([*self.checks, *(threshold.check for threshold in self.thresholds), *certifying]))


@dataclass(frozen=True, slots=True)
class Reason:
    """Something that speaks against a record: a check (or `repeated`, `certified_by`), what it said, and what that means."""

    check: str
    outcome: str  # of the check; "" where it gave none
    decision: str
    why: str

    def row(self) -> dict[str, str]:
        return asdict(self)


def load_policy(path: Path | None = None) -> Policy:
    """The policy of a file, or the default one. RecipeError, with file, line and a near match, for what is none."""
    if path is None:
        with resources.as_file(resources.files("seodang.data.ledger") / "default_policy.yaml") as file:
            return load_section(Policy, file)
    try:
        policy = load_section(Policy, path)
        for check in policy.named_checks():
            if not is_people(check):
                find_check(check)
        refuse_unknown_numbers(policy.thresholds)
        _refuse_unaudited(policy)
    except RecipeError as error:
        error.where = error.where or str(path)
        raise
    return policy


def _refuse_unaudited(policy: Policy) -> None:
    """RecipeError for a check that is to certify and whose audit does not allow it."""
    if found := _uncertifying(tuple(dict.fromkeys(check for checks in policy.certified_by.values() for check in checks))):
        raise RecipeError(
            f"`certified_by`: {found[0]} does not certify: {found[1]}",
            hint="name checks that `seodang data audit-checks` says certify; others may reject and queue",
        )


@lru_cache(maxsize=16)
def _uncertifying(checks: tuple[str, ...]) -> tuple[str, str] | None:
    """The first of the checks that does not certify, and why. Audits may take minutes, so what is done is told before and meanwhile."""
    if not checks:
        return None
    with Progress("audit", len(checks), "checks of `certified_by`") as progress:
        progress.tell(f"each of {', '.join(checks)} is put to its own probes before it may certify, which may take two minutes")
        for check in checks:
            if why := why_not_certifying(check):
                return check, why
            progress.advance(1, check)
    return None


def reasons(policy: Policy, checks: Sequence[str], verdicts: Mapping[str, Verdict], *, complete: bool = True) -> list[Reason]:
    """What speaks against a record that `checks` were put to in this order; empty: nothing.

    What people say comes before all checks, and that they say nothing after them. A check without a verdict speaks against a record only
    where nothing before it does: a rejected record is not put to later checks. `complete` says that no more verdicts will come.
    """
    found = [reason for check in policy.people if check in verdicts for reason in _against(policy, check, verdicts[check])]
    for check in checks:
        verdict = verdicts.get(check)
        if verdict is None:
            if complete and not found:
                found.append(Reason(check, "", "failed", f"no verdict of {check}"))
            continue
        found += _against(policy, check, verdict)
    for check in policy.people if complete else ():
        decision = policy.checks[check].absent or "accepted"
        if check not in verdicts and decision != "accepted":
            found.append(Reason(check, "", decision, f"{check} said nothing of it"))
    return found


def _against(policy: Policy, check: str, verdict: Verdict) -> list[Reason]:
    """What a verdict says against its record: one reason or none."""
    outcome, why = _judged(policy, check, verdict)
    if outcome == "pass":
        return []
    own = getattr(policy.checks.get(check, OneCheck()), outcome)
    decision: str = own or getattr(policy.outcomes, outcome)
    return [] if decision == "accepted" else [Reason(check, outcome, decision, why)]


def uncertified(policy: Policy, kind: str, checks: Sequence[str], verdicts: Mapping[str, Verdict]) -> list[Reason]:
    """The reason to queue a record of this kind that no certifying check has passed; empty where one has, or none is asked for."""
    certifying = policy.certified_by.get(kind, policy.certified_by.get("*"))
    if certifying is None:
        return []
    passed = [
        check for check in certifying if check in checks and check in verdicts and _judged(policy, check, verdicts[check])[0] == "pass"
    ]
    return [] if passed else [Reason(CERTIFIED, "", "quarantined", f"passed by none of {', '.join(certifying) or 'no check'}")]


def _judged(policy: Policy, check: str, verdict: Verdict) -> tuple[str, str]:
    """The outcome by the policy's bounds, or the check's own, and why in a few words."""
    reason = verdict.evidence.get("reason")
    why = str(reason) if reason else ""
    if reason or verdict.outcome == "error":
        return verdict.outcome, why
    bounds = [bound for bound in policy.thresholds if bound.check == check and _number(verdict.evidence.get(bound.evidence)) is not None]
    if not bounds:
        told = (f"{name} {value}" for name, value in verdict.evidence.items() if isinstance(value, int | float | str))
        return verdict.outcome, ", ".join(told)[:200]
    for bound in bounds:
        value = _number(verdict.evidence[bound.evidence])
        assert value is not None
        if bound.at_least is not None and value < bound.at_least:
            return "fail", f"{bound.evidence} {value:g} is below {bound.at_least:g}"
        if bound.at_most is not None and value > bound.at_most:
            return "fail", f"{bound.evidence} {value:g} is above {bound.at_most:g}"
    return "pass", ""


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
