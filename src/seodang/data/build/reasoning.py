"""What a thinking teacher thinks before it answers: kept with the record, so that a student can be taught to think too."""

from collections.abc import Sequence
from dataclasses import dataclass

from seodang.data.build.prompt_text import BuildSection
from seodang.models.chat_model import ChatModel, Message, Sampling, think_mode
from seodang.models.think import ThinkMode


@dataclass(frozen=True, slots=True)
class Thought:
    """An answer and the reasoning before it; both are empty where the teacher was cut off before it answered."""

    reasoning: str
    answer: str
    whole: bool  # the answer came to its own end


def thinks(teacher: ChatModel) -> bool:
    """Whether the teacher was told to think."""
    return think_mode(teacher) is ThinkMode.ON


def think(teacher: ChatModel, questions: Sequence[str], section: BuildSection, answer_tokens: int) -> list[Thought]:
    """The greedy answer of a thinking teacher to each question. No stop text: it would end the reasoning at its first line."""
    asked = [[Message("user", question)] for question in questions]
    answers = teacher.chat(asked, Sampling(section.reasoning_tokens + answer_tokens))
    found: list[Thought] = []
    for (answer,) in answers:
        text = answer.text.strip()
        found.append(Thought(answer.reasoning if text else "", text, bool(text) and answer.finish_reason == "stop"))
    return found
