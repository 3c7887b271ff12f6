"""Faults of what is claimed about speed."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from seodang.backends.contract import Feed, StepResult
from seodang.backends.reference import ReferenceSession
from seodang.testbed.certify.broken.fault import Broken

_STEPS_UNTIL_TIRED = 140  # more than any check takes but the one of steady load, which takes 150 at least


class _NoWait(ReferenceSession):
    def _step(self, feeds: Sequence[Feed], *, single: bool) -> StepResult:
        result = super()._step(feeds, single=single)
        return replace(result, device_s=result.device_s / 100)


class TimesWithoutWaiting(Broken):
    """A step's time is that of asking for it, not of its end."""

    level = 6
    session = _NoWait


class _Tires(ReferenceSession):
    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        self._steps = 0

    def _step(self, feeds: Sequence[Feed], *, single: bool) -> StepResult:
        self._steps += 1
        result = super()._step(feeds, single=single)
        return replace(result, logits=np.roll(result.logits, 1, axis=1)) if self._steps > _STEPS_UNTIL_TIRED else result


class WrongAfterAWhile(Broken):
    """Answers become others once it has run for long."""

    level = 6
    session = _Tires
    steady_s = 0.01
