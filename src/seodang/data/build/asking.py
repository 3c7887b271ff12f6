"""The two ways in which generators ask a teacher: for a text, and for JSON that a schema accepts."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from seodang.data.build.reasoning import thinks
from seodang.data.build.sources import GeneratorSection
from seodang.data.build.units import CUT, Dropped
from seodang.models.chat_model import ChatModel, Completion, Constrains, Message, Sampling
from seodang.models.constrain import JsonSchema

Asked = str | Sequence[Message]


def write(
    teacher: ChatModel, asked: Sequence[Asked], section: GeneratorSection, seed: int, *, tokens: int | None = None
) -> list[str | Dropped]:
    """One invented text for each user message or conversation: sampled, and dropped where it was cut off or is empty."""
    return _texts(teacher, asked, _sampling(teacher, section, tokens, seed, section.temperature))


def answer(teacher: ChatModel, asked: Sequence[Asked], section: GeneratorSection, *, tokens: int | None = None) -> list[str | Dropped]:
    """The greedy answer to each user message or conversation; dropped where it was cut off or is empty."""
    return _texts(teacher, asked, _sampling(teacher, section, tokens, 0, 0.0))


def write_json(
    writer: Constrains, asked: Sequence[Asked], schemas: Sequence[Mapping[str, Any]], section: GeneratorSection, seed: int
) -> list[Any]:
    """One value for each message, which its schema accepts; `Dropped` in its place where it was cut off, or where a server let one through
    that the schema does not accept."""
    from jsonschema import Draft202012Validator

    conversations = [_conversation(one) for one in asked]
    sampling = Sampling(section.answer_tokens, section.temperature, section.top_p, seed)
    found: list[Any] = []
    answers = writer.constrain(conversations, [JsonSchema(schema) for schema in schemas], sampling) if conversations else []
    for (completion,), schema in zip(answers, schemas, strict=True):
        if completion.finish_reason != "stop":
            found.append(CUT)
            continue
        try:
            value = json.loads(completion.text)
        except ValueError:
            found.append(Dropped("not JSON"))
            continue
        found.append(value if Draft202012Validator(schema).is_valid(value) else Dropped("not as the schema says"))
    return found


def _sampling(teacher: ChatModel, section: GeneratorSection, tokens: int | None, seed: int, temperature: float) -> Sampling:
    thought = section.reasoning_tokens if thinks(teacher) else 0
    return Sampling((tokens or section.answer_tokens) + thought, temperature, section.top_p if temperature else 1.0, seed)


def _texts(teacher: ChatModel, asked: Sequence[Asked], sampling: Sampling) -> list[str | Dropped]:
    conversations = [_conversation(one) for one in asked]
    return [_whole(completion) for (completion,) in teacher.chat(conversations, sampling)] if conversations else []


def _conversation(asked: Asked) -> Sequence[Message]:
    return [Message("user", asked)] if isinstance(asked, str) else asked


def _whole(completion: Completion) -> str | Dropped:
    if completion.finish_reason != "stop":
        return CUT
    return completion.text.strip() or Dropped("empty")
