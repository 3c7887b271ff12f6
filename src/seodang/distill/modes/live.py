"""A teacher that is asked while its student is trained: whole distributions at each answer token, and nothing is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch

from seodang.core.errors import ModelError
from seodang.distill.losses.target import Dense, Hidden
from seodang.distill.modes.lessons import Lessons
from seodang.distill.packing import Example
from seodang.distill.targets.alignment import refuse_shifted_rows
from seodang.models.chat_model import ChatModel, Distributions, require

_SELF_TESTED = 16  # examples on which the teacher is tried before the first step


class LiveTeacher:
    """Gives the targets of any answer to a record's question, with the record's passage in view.

    `prompts` are the teacher's prompts by record, as `targets` makes them (targets/capture.py). A target is `Hidden`, so that logits are
    made a few positions at a time, or `Dense` where the teacher's architecture changes its logits after the head.
    ModelError for a teacher that does not give whole distributions.
    """

    def __init__(self, teacher: ChatModel, prompts: Mapping[str, Sequence[int]]) -> None:
        self.name, self.synthetic = teacher.name, teacher.synthetic
        self._teacher, self._prompts = require(teacher, Distributions, "teaching live"), prompts
        try:
            self._head: torch.Tensor | None = self._teacher.plain_head()
        except ModelError:
            self._head = None

    @torch.no_grad()
    def targets(self, examples: Sequence[Example]) -> list[Dense | Hidden]:
        """The target of each example, at its answer's tokens. Rounding depends on which examples are asked for together."""
        found: dict[int, Dense | Hidden] = {}
        prompts, answers = [self._prompts[example.record] for example in examples], [example.answer_ids for example in examples]
        for place, states_TH in self._teacher.states(prompts, answers):
            states_TH = states_TH.clone()  # out of inference mode, so that it may be computed with beside gradients
            found[place] = Dense(self._teacher.distribution(states_TH).clone()) if self._head is None else Hidden(states_TH, self._head)
        return [found[place] for place in range(len(examples))]

    def refuse_unfit(self, examples: Sequence[Example], vocabulary: int) -> None:
        """ModelError before the first step where the teacher's rows do not stand at their tokens, or its logits are not as many as the
        student's, `vocabulary`."""
        tested = list(examples[:_SELF_TESTED])
        targets = self.targets(tested)
        width = targets[0].head.shape[0] if isinstance(targets[0], Hidden) else targets[0].logits.shape[1]
        if width != vocabulary:
            raise ModelError(
                f"the live teacher `{self.name}` has {width} logits a token and the student {vocabulary}",
                hint="set `distill.mode: cached` with `targets: {codec: nucleus}`, which keeps tokens by their ids",
            )
        refuse_shifted_rows(targets, [example.answer_ids for example in tested], synthetic=self.synthetic)


class Live(Lessons):
    """The mode `live`: the verified answers, with the targets of a live teacher."""

    def __init__(self, teacher: LiveTeacher) -> None:
        self.teacher = teacher

    def with_targets(self, examples: Sequence[Example]) -> list[Example]:
        targets = self.teacher.targets(examples)
        return [replace(example, target=target) for example, target in zip(examples, targets, strict=True)]
