"""A certificate: every finding, what was asked, and where it was made."""

import datetime
import importlib.metadata
import os
import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from seodang import __version__
from seodang.backends.contract import Backend
from seodang.core.errors import SeodangError
from seodang.testbed.certify.finding import Finding, NotJudged, Status, count_statuses
from seodang.testbed.certify.subject import Subject, feed

SCHEMA = 1
_TOLD = ("numpy", "torch", "transformers", "onnxruntime", "xllamacpp")


class ConformanceError(SeodangError):
    """A backend that does not do what the contract says. The certificate is written."""

    exit_code = 11


@dataclass(frozen=True, slots=True)
class About:
    """What a certificate is about: the device, its description where it has one, and whose time its steps tell."""

    device: str
    description: dict[str, Any] | None
    clock: Literal["measured", "virtual", "not known"]


@dataclass(frozen=True, slots=True)
class Summary:
    """One level of one model. `unsupported` is the share of its cases that the backend does not have: it stands beside every PASS."""

    level: int
    model: str
    counts: Mapping[Status, int]
    unsupported: float

    def row(self) -> dict[str, Any]:
        return {"level": self.level, "model": self.model, "counts": dict(self.counts), "unsupported_share": round(self.unsupported, 4)}


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a backend was found to do. `findings` has every check of every asked level, once for each model."""

    backend: str
    vendor: str
    api_version: int
    about: About
    levels: tuple[int, ...]
    families: tuple[str, ...]
    dtype: str
    shapes: str  # of level 1: "real" are A.X K1's and Llama 3.1's; "small" prove the kit, not the backend
    made: str
    environment: dict[str, Any]
    findings: tuple[Finding, ...]

    @property
    def failed(self) -> bool:
        return any(finding.status == "FAIL" for finding in self.findings)

    def row(self) -> dict[str, Any]:
        """For JSON: the same keys in every certificate of this schema."""
        names = ("backend", "vendor", "api_version", "dtype", "shapes", "made", "environment")
        told = {"schema": SCHEMA} | {name: getattr(self, name) for name in names}
        told |= {"levels": list(self.levels), "families": list(self.families), "passed": not self.failed}
        told |= {"device": self.about.device, "description": self.about.description, "clock": self.about.clock}
        told["counts"] = dict(count_statuses(self.findings))
        told["summary"] = [summary.row() for summary in summarise(self.findings)]
        return told | {"findings": [finding.row() for finding in self.findings]}

    def require(self) -> None:
        """ConformanceError where a check failed."""
        fails = [finding for finding in self.findings if finding.status == "FAIL"]
        if fails:
            first = fails[0]
            raise ConformanceError(
                f"{len(fails)} of {len(self.findings)} checks failed, the first is L{first.level} {first.check} ({first.model})",
                where=self.backend,
                hint=first.look or "the findings say what was expected and what was seen",
            )


def summarise(findings: Sequence[Finding]) -> list[Summary]:
    """One for each level and model that was asked for."""
    return [_summary(level, model, findings) for level, model in dict.fromkeys((finding.level, finding.model) for finding in findings)]


def _summary(level: int, model: str, findings: Sequence[Finding]) -> Summary:
    here = [finding for finding in findings if (finding.level, finding.model) == (level, model)]
    return Summary(level, model, count_statuses(here), sum(finding.unsupported_share for finding in here) / len(here))


def look_at(subjects: Sequence[Subject]) -> About:
    """The device and its description; the clock by one step of the first subject's model that can be run."""
    device = subjects[0].device
    description, clock = None, "not known"
    try:
        description = subjects[0].describe().model_dump(mode="json")
        for subject in subjects:
            with suppress(NotJudged), subject.session() as session:
                clock = session.prefill([feed(session.kv.allocate(), [3])]).clock
                break
    except Exception:  # noqa: BLE001, S110 - level 0 finds out what is wrong, and the certificate says that it is not known
        pass
    return About(device, description, clock if clock in ("measured", "virtual") else "not known")


def environment() -> dict[str, Any]:
    """Where a certificate is made: software, processor, cores."""
    packages: dict[str, str] = {}
    for name in _TOLD:
        try:
            packages[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            packages[name] = "absent"
    return {
        "seodang": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "packages": packages,
    }


def make_certificate(
    backend: Backend, about: About, findings: Sequence[Finding], *, levels: Sequence[int], dtype: str, shapes: str, families: Sequence[str]
) -> Certificate:
    """A certificate of now and here."""
    made = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return Certificate(
        backend=str(getattr(backend, "name", "?")), vendor=str(getattr(backend, "vendor", "?")),
        api_version=int(getattr(backend, "api_version", 0)), about=about, levels=tuple(levels), families=tuple(families),
        dtype=dtype, shapes=shapes, made=made, environment=environment(), findings=tuple(findings),
    )  # fmt: skip
