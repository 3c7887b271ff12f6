"""What is taught in a step: the seam between the training loop and the modes of teaching."""

from collections.abc import Mapping, Sequence
from typing import Any

from seodang.distill.packing import Example


class Lessons:
    """Examples as they are, with the targets that were kept of them: the mode `cached`. The other modes change some of it.

    The training loop asks for the answers of all packs of a step before the first loss, because a loss is divided by the answer tokens of
    the whole step, and for targets one pack at a time, because they may be large.
    """

    def answered(self, model: Any, examples: Sequence[Example], step: int, place: int) -> list[Example]:
        """What is taught of the pack at `place` of a step (both from 0); `model` is the student as it is now."""
        return list(examples)

    def with_targets(self, examples: Sequence[Example]) -> list[Example]:
        """The examples with the teacher's distributions at their answers' tokens."""
        return list(examples)

    def end_step(self, step: int) -> dict[str, float]:
        """Told when `step` steps are done; returns what there is to tell of the last one, by TensorBoard's tags."""
        return {}

    def state(self) -> dict[str, Any]:
        """What a checkpoint's record needs to go on."""
        return {}

    def go_on(self, record: Mapping[str, Any]) -> None:
        """Takes up what `state` gave, from a checkpoint's whole record."""

    def summary(self) -> dict[str, Any]:
        """What the training's summary tells of its lessons."""
        return {}
