"""What a check says: PASS, FAIL, UNSUPPORTED or NOT-RUN, with the numbers behind it. Nothing is skipped in silence."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Status = Literal["PASS", "FAIL", "UNSUPPORTED", "NOT-RUN"]
STATUSES: tuple[Status, ...] = ("PASS", "FAIL", "UNSUPPORTED", "NOT-RUN")


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that a check looked at. `value` in `unit` ("1" for a share or a count) has to be at most `limit`; both are none where a
    thing is or is not so. `note` says what was seen."""

    name: str
    status: Status
    value: float | None = None
    unit: str = ""
    limit: float | None = None
    note: str = ""

    def row(self) -> dict[str, Any]:
        """For JSON; a value that is not finite becomes its name."""
        value = self.value if self.value is None or math.isfinite(self.value) else str(self.value)
        return {"name": self.name, "status": self.status, "value": value, "unit": self.unit, "limit": self.limit, "note": self.note}

    def told(self) -> str:
        """For people."""
        number = "" if self.value is None else f"{self.value:.3g} {self.unit}".replace(" 1", "")
        limit = "" if self.limit is None else f"limit {self.limit:.3g}"
        return f"{self.name}: " + ", ".join(part for part in (number, limit, self.note) if part)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check says of one model. `what` was seen, `expected` is what the contract or the truth says, `look` where a fault of this
    kind sits. `synthetic`: the weights were random numbers."""

    level: int
    check: str
    family: str
    model: str
    status: Status
    what: str
    expected: str
    look: str
    cases: tuple[Case, ...]
    synthetic: bool

    def row(self) -> dict[str, Any]:
        """For JSON."""
        told = {name: getattr(self, name) for name in ("level", "check", "family", "model", "status", "what", "expected", "look")}
        return told | {"synthetic": self.synthetic, "cases": [case.row() for case in self.cases]}

    @property
    def unsupported_share(self) -> float:
        """The share of its cases that the backend does not have; 1 where it has none of them."""
        if not self.cases:
            return float(self.status == "UNSUPPORTED")
        return sum(case.status == "UNSUPPORTED" for case in self.cases) / len(self.cases)


def read_finding(row: Mapping[str, Any]) -> Finding:
    """What `Finding.row` gave."""
    cases = tuple(Case(**(case | {"value": None if case["value"] is None else float(case["value"])})) for case in row["cases"])
    told: dict[str, Any] = {**row, "cases": cases}
    return Finding(**told)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check gives back: its cases, what was expected and where to look. The runner makes a `Finding` of it."""

    cases: tuple[Case, ...]
    expected: str
    look: str

    @property
    def status(self) -> Status:
        found = {case.status for case in self.cases}
        for status in ("FAIL", "PASS", "UNSUPPORTED"):
            if status in found:
                return status
        return "NOT-RUN"

    @property
    def what(self) -> str:
        """The cases that decide, in words."""
        deciding = [case for case in self.cases if case.status == self.status]
        if self.status == "FAIL":
            more = f"; and {len(deciding) - 3} more" if len(deciding) > 3 else ""
            return "; ".join(case.told() for case in deciding[:3]) + more
        if self.status != "PASS":
            return deciding[0].told() if deciding else "nothing was looked at"
        left_out = sum(case.status == "UNSUPPORTED" for case in self.cases)
        told = f"{len(deciding)} of {len(self.cases)} cases" + (f", {left_out} UNSUPPORTED" if left_out else "")
        measured = [case for case in deciding if case.limit and case.value is not None]
        closest = max(measured, key=lambda case: (case.value or 0.0) / (case.limit or 1.0), default=None)
        return told if closest is None else f"{told}; nearest to its limit: {closest.told()}"


class NotJudged(Exception):
    """A check that cannot be judged: `status` is UNSUPPORTED or NOT-RUN, and the text says why."""

    def __init__(self, status: Literal["UNSUPPORTED", "NOT-RUN"], reason: str) -> None:
        super().__init__(reason)
        self.status: Status = status


def holds(name: str, so: bool, note: str = "") -> Case:
    """A thing that has to be so. `note` says what was seen."""
    return Case(name, "PASS" if so else "FAIL", note=note)


def within(name: str, value: float, limit: float, unit: str, note: str = "") -> Case:
    """A number that has to be at most `limit`. One that is not a number fails."""
    return Case(name, "PASS" if value <= limit else "FAIL", float(value), unit, limit, note)


def outcome(cases: Sequence[Case], *, expected: str, look: str) -> Outcome:
    """A check's result of one case or more."""
    return Outcome(tuple(cases), expected, look)


def count_statuses(findings: Sequence[Finding]) -> Mapping[Status, int]:
    """How many there are of each status, none left out."""
    return {status: sum(finding.status == status for finding in findings) for status in STATUSES}
