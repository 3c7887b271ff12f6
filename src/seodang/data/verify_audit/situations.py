"""What checks need beside a record to be audited: actions, an exam, and a teacher that knows words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from seodang.core.records import Action, Passage
from seodang.data.verify.context import CheckContext
from seodang.models.chat_model import Completion, Message, Sampling, TokenTargets
from seodang.models.think import ThinkMode

_DESCRIBED = {
    "toggle_roaming": "turns data roaming on or off when the customer travels abroad.",
    "check_sim_status": "shows whether the SIM card is locked or missing.",
    "pay_bill": "settles an overdue bill so that a suspended line works again.",
}


def _passage(name: str, told: str) -> Passage:
    text = f"{name} {told}"
    return Passage("audit.md", 0, len(text), text, "", "", text, "en", "CC0-1.0")


_BY_NAME = {name: _passage(name, told) for name, told in _DESCRIBED.items()}
PASSAGES = {passage.id: passage for passage in _BY_NAME.values()}
ACTIONS = {name: Action(name, (passage.id,), (_DESCRIBED[name].capitalize(),)) for name, passage in _BY_NAME.items()}
EXAM = (
    "When can a suspended line be lifted?",
    "What does error code 502 on the router mean?",
    "How many days may a customer return a phone after buying it?",
    "해외 로밍은 어떻게 켜나요?",
    "요금이 연체되면 회선은 며칠 뒤에 정지되나요?",
)


class WordTeacher:
    """A scripted teacher to whom a text is likelier the more of its words stand in what it is asked from."""

    name = "word teacher"
    synthetic = True

    @property
    def identity(self) -> dict[str, Any]:
        return {"kind": "scripted", "model": self.name}

    def chat(self, conversations: Sequence[Sequence[Message]], sampling: Sampling, num_samples: int = 1) -> list[list[Completion]]:
        raise NotImplementedError("the word teacher scores; it writes nothing")

    def encode_chat(self, messages: Sequence[Message], thinking: ThinkMode | None = None) -> list[int]:
        return self.encode_text(" ".join(message.content for message in messages))

    def encode_answer(self, text: str, reasoning: str = "") -> list[int]:
        return self.encode_text(text)

    def encode_text(self, text: str) -> list[int]:
        """One number a word, the same for the word in any case and before any mark."""
        words = (word.strip("?.,:!()").lower() for word in text.split())
        return [int.from_bytes(word.encode()[:24], "big") for word in words]

    def score(self, prompts: Sequence[Sequence[int]], continuations: Sequence[Sequence[int]], top_k: int) -> list[TokenTargets]:
        return [
            TokenTargets([], [], [-1.0 if word in prompt else -3.0 for word in words])
            for prompt, words in zip(prompts, continuations, strict=True)
        ]


def _with_actions(context: CheckContext) -> CheckContext:
    return replace(context, passages={**PASSAGES, **context.passages}, actions=ACTIONS)


def _with_exam(context: CheckContext) -> CheckContext:
    return replace(context, exam_questions=EXAM)


def _with_teacher(context: CheckContext) -> CheckContext:
    return replace(_with_actions(context), teacher=WordTeacher())


SITUATIONS: Mapping[str, Callable[[CheckContext], CheckContext]] = {
    "decontaminated": _with_exam,
    "grounded": _with_actions,
    "points_back": _with_teacher,
    "well_formed": _with_actions,
}
