"""The kit put to the proof: the reference must pass, and every backend that is broken on purpose must fail at its level and not before."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from seodang.backends.reference import ReferenceBackend
from seodang.testbed.certify.broken.fault import TOPICS, Broken, faults
from seodang.testbed.certify.run import certify


@dataclass(frozen=True, slots=True)
class Caught:
    """What the kit says of one broken backend. `level` is the lowest that must fail, `failed` those that do, `checks` name what saw it
    there."""

    name: str
    fault: str
    level: int
    failed: tuple[int, ...]
    checks: tuple[str, ...]

    @property
    def as_expected(self) -> bool:
        return self.failed[:1] == (self.level,)

    def row(self) -> dict[str, Any]:
        """For JSON."""
        told = {"name": self.name, "fault": self.fault, "level": self.level, "as_expected": self.as_expected}
        return told | {"failed": list(self.failed), "checks": list(self.checks)}


def put_to_the_kit(kind: type[Broken], *, thorough: bool = True) -> Caught:
    """Levels 0 to its own, on small shapes of the families in which the fault shows. Not `thorough`: of the first of them only, and from
    level 4 on its own level alone."""
    families = kind.families if thorough else kind.families[:1]
    levels = range(kind.level + 1) if thorough or kind.level < 4 else (kind.level,)
    certificate = certify(kind(), levels=levels, families=families, shapes="small", steady_s=kind.steady_s)
    fails = [finding for finding in certificate.findings if finding.status == "FAIL"]
    failed = tuple(sorted({finding.level for finding in fails}))
    checks = dict.fromkeys(finding.check for finding in fails if failed and finding.level == failed[0])
    return Caught(
        f"{kind.__module__.rpartition('.')[2]}:{kind.__name__}", " ".join((kind.__doc__ or "").split()), kind.level, failed, tuple(checks)
    )


def self_test() -> Iterator[Caught]:
    """Every broken backend, after the reference, which stands as `level` -1 and must fail nowhere."""
    certificate = certify(ReferenceBackend(), shapes="small")
    failed = tuple(sorted({finding.level for finding in certificate.findings if finding.status == "FAIL"}))
    yield Caught(
        "reference", "Nothing is wrong with it.", -1, failed or (-1,), tuple(f.check for f in certificate.findings if f.status == "FAIL")
    )
    for topic in TOPICS:
        for kind in faults(topic):
            yield put_to_the_kit(kind)
