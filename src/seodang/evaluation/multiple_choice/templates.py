"""How a question with choices is put: as lm-eval's default templates write it, or as a conversation.

`plain` with letters is lm-eval 0.4.13's `mmlu` (a description, `Answer:`) and `kmmlu` (no description, `정답：`): the question, a line
for each choice (`A. …`), and the label, after which ` A`, ` B`, … are ranked. `plain` with texts is its `mmlu_continuation`: `Question: …`
and `Answer:`, after which each choice's text is ranked. Worked questions stand before it with their answers, an empty line between two.
`chat` has them as turns of a conversation and asks for the letter alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from seodang.evaluation.multiple_choice.question import LETTERS
from seodang.models.chat_model import Message

Ranked = Literal["letter", "text"]

_LABEL = {"en": "Answer:", "ko": "정답："}
_QUESTION = {"en": "Question:", "ko": "질문："}
_ORDER = {
    "en": "Answer with the letter of the right choice alone.",
    "ko": "옳은 선택지의 알파벳 하나로만 답하세요.",
}

Told = Mapping[str, Any]  # of a question: question, choices, answer


def plain_context(told: Told, shots: Sequence[Told], about: str, language: str, ranked: Ranked) -> str:
    """Text up to the label; `about` is the subject of a description, which an empty one leaves out."""
    description = f"The following are {'multiple choice ' if ranked == 'letter' else ''}questions (with answers) about {about}."
    worked = [_plain(shot, language, ranked) + continuations(shot, ranked, " ")[shot["answer"]] for shot in shots]
    return "\n\n".join([*([description] if about else []), *worked, _plain(told, language, ranked)])


def chat_context(told: Told, shots: Sequence[Told], language: str, ranked: Ranked) -> tuple[Message, ...]:
    """A conversation up to the assistant's turn."""
    turns: list[Message] = []
    for shot in shots:
        turns += [Message("user", _chat(shot, language, ranked)), Message("assistant", continuations(shot, ranked)[shot["answer"]])]
    return (*turns, Message("user", _chat(told, language, ranked)))


def continuations(told: Told, ranked: Ranked, delimiter: str = "") -> tuple[str, ...]:
    """What is ranked for each choice, behind a delimiter."""
    names: Sequence[str] = LETTERS[: len(told["choices"])] if ranked == "letter" else told["choices"]
    return tuple(delimiter + name for name in names)


def _plain(told: Told, language: str, ranked: Ranked) -> str:
    question = told["question"].strip()
    if ranked == "text":
        return f"{_QUESTION[language]} {question}\n{_LABEL[language]}"
    return f"{question}\n{_choices(told)}\n{_LABEL[language]}"


def _chat(told: Told, language: str, ranked: Ranked) -> str:
    return told["question"].strip() if ranked == "text" else f"{told['question'].strip()}\n{_choices(told)}\n\n{_ORDER[language]}"


def _choices(told: Told) -> str:
    return "\n".join(f"{letter}. {choice}" for letter, choice in zip(LETTERS, told["choices"], strict=False))
