"""Teaching at the student's own answers (GKD, Agarwal et al. 2023, arXiv 2306.13649), with guards and a way back."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from seodang.distill.modes.guards import Counts, count, guard, strayed
from seodang.distill.modes.live import Live, LiveTeacher
from seodang.distill.modes.rollouts import drawn, write
from seodang.distill.packing import Example
from seodang.distill.section import DistillSection

_WINDOW = 8  # steps with own answers that are judged together


class OnPolicy(Live):
    """The mode `on_policy`: a pack is taught, with a probability, at answers that the student writes when its step is taken.

    The live teacher, with the passage in view, says what it would have written at each of their tokens, and the loss is the divergence
    alone. Which packs, and what is written, follows from the weights, the seed, the step and the pack's place in it. An answer with nothing
    in it is replaced by the verified one, with its usual loss. Where the answers of eight such steps have strayed (guards.py), the verified
    answers are taught from then on.
    """

    def __init__(self, teacher: LiveTeacher, section: DistillSection, *, seed: int, end: int, stop_ids: frozenset[int]) -> None:
        """`end` is the token that ends a taught answer, `stop_ids` are those that end a written one."""
        super().__init__(teacher)
        self.section, self.seed, self.end, self.stop_ids = section, seed, end, stop_ids
        self.total = Counts()
        self.stopped_at: int | None = None
        self.stopped_because: str | None = None
        self._step = Counts()
        self._window: list[Counts] = []

    def answered(self, model: Any, examples: Sequence[Example], step: int, place: int) -> list[Example]:
        own = drawn(self.seed, step, place, "whose answers") < self.section.on_policy_share * 2**60
        if self.stopped_at is not None or not own:
            return list(examples)
        rows = write(
            model,
            [example.prompt_ids for example in examples],
            max_new_tokens=self.section.rollout_tokens,
            temperature=self.section.rollout_temperature,
            seed=drawn(self.seed, step, place, "own answers"),
            stop_ids=self.stop_ids,
        )
        taught: list[Example] = []
        for example, (row,) in zip(examples, rows, strict=True):
            guarded = guard(row, self.end)
            self._step += count(row, guarded, min(len(example.answer_ids), self.section.rollout_tokens))
            taught.append(replace(example, answer_ids=guarded.answer_ids, weight=1.0) if guarded.answer_ids else example)
        return taught

    def end_step(self, step: int) -> dict[str, float]:
        seen, self._step = self._step, Counts()
        if not seen.num:
            return {}
        self.total += seen
        self._window = [*self._window, seen][-_WINDOW:]
        if len(self._window) == _WINDOW:
            self.stopped_because = strayed(sum(self._window, Counts()))
            self.stopped_at = None if self.stopped_because is None else step
        return {f"rollouts/{name}": float(value) for name, value in seen.told().items()}

    def state(self) -> dict[str, Any]:
        stopped = {"stopped_at": self.stopped_at, "stopped_because": self.stopped_because}
        return {"on_policy": {"total": self.total.row(), "window": [counts.row() for counts in self._window], **stopped}}

    def go_on(self, record: Mapping[str, Any]) -> None:
        known = record["on_policy"]
        self.total, self._window = Counts(**known["total"]), [Counts(**row) for row in known["window"]]
        self.stopped_at, self.stopped_because = known["stopped_at"], known["stopped_because"]

    def summary(self) -> dict[str, Any]:
        stopped = {"on_policy_stopped_at": self.stopped_at, "on_policy_stopped_because": self.stopped_because}
        return {"rollouts": self.total.told(), **stopped}
