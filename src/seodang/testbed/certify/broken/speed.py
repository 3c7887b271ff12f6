"""Faults of what is claimed about speed."""

from collections.abc import Sequence
from dataclasses import replace

from seodang.backends.contract import Feed, StepResult
from seodang.backends.reference import ReferenceSession
from seodang.testbed.certify.broken.fault import Broken


class _NoWait(ReferenceSession):
    def _step(self, feeds: Sequence[Feed], *, single: bool) -> StepResult:
        result = super()._step(feeds, single=single)
        return replace(result, device_s=result.device_s / 100)


class TimesWithoutWaiting(Broken):
    """A step's time is that of asking for it, not of its end."""

    level = 6
    session = _NoWait
