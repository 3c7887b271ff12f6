"""A model's answers to an exam, each judged right or wrong."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from seodang.core.errors import ModelError
from seodang.core.files import Journal
from seodang.core.hashing import digest
from seodang.core.progress import Progress
from seodang.evaluation.exam import ExamItem
from seodang.models.chat_model import ChatModel, Message, Sampling
from seodang.scoring.text_match import contains_answer

View = Callable[[ExamItem], Sequence[Message]]  # the conversation in which an item is asked


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said to one item. `finish_reason` is "length" where it was cut.

    `text` is what is judged: it does not hold the `reasoning`, which is counted apart (None: a server did not say how many tokens).
    """

    id: str
    text: str
    right: bool
    num_new_tokens: int
    finish_reason: str
    reasoning: str = ""
    num_reasoning_tokens: int | None = 0  # of the new tokens


def bare_question(item: ExamItem) -> list[Message]:
    """The question as the only message: closed book."""
    return [Message("user", item.question)]


def answer_exam(
    model: ChatModel,
    items: Sequence[ExamItem],
    journal: Journal,
    *,
    view: View = bare_question,
    batch_size: int = 32,
    max_new_tokens: int = 64,
    progress: Progress | None = None,
) -> list[Answer]:
    """One greedy answer to each item, in order.

    Batches are fixed slices of `items`, each a unit of the journal, so that a resumed run asks in the same batches as an
    unbroken one. The journal keeps what the model said; the judgement is made anew from the item.
    """
    sampling = Sampling(max_new_tokens=max_new_tokens, temperature=0.0)
    identity = model.identity
    answers: list[Answer] = []
    for start in range(0, len(items), batch_size):
        batch = items[start : start + batch_size]
        conversations = [list(view(item)) for item in batch]
        asked = [[[message.role, message.content] for message in conversation] for conversation in conversations]
        unit = digest([identity, max_new_tokens, [item.id for item in batch], asked])
        if unit not in journal:
            journal.append(unit, _ask(model, conversations, sampling))
        answers += [_judge(item, *said) for item, said in zip(batch, journal[unit], strict=True)]
        if progress is not None:
            progress.advance(len(batch))
    return answers


def _ask(model: ChatModel, conversations: list[list[Message]], sampling: Sampling) -> list[list[Any]]:
    """[text, num_new_tokens, finish_reason, reasoning, num_reasoning_tokens] of each answer."""
    samples = model.chat(conversations, sampling)
    if len(samples) != len(conversations) or any(len(completions) != 1 for completions in samples):
        raise ModelError(f"the model `{model.name}` did not give one answer to each of {len(conversations)} questions")
    said = [completion for (completion,) in samples]
    return [[c.text, c.num_new_tokens, c.finish_reason, c.reasoning, c.num_reasoning_tokens] for c in said]


def _judge(item: ExamItem, text: str, num_new_tokens: int, finish_reason: str, reasoning: str, num_reasoning_tokens: int | None) -> Answer:
    right = contains_answer(text, item.accepted, item.wrong)
    return Answer(item.id, text, right, num_new_tokens, finish_reason, reasoning, num_reasoning_tokens)
