"""Scripted models for tests of generators: each answer follows from the prompt and the seed, and every call is kept."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from seodang.core.records import Passage
from seodang.models.chat_model import Completion, Message, Sampling, TokenTargets
from seodang.models.constrain import Constraint, JsonSchema
from seodang.models.think import ThinkMode

Say = Callable[[Sequence[Message], Sampling], str]

PASSAGES = [
    Passage("policy.md", 10 * n, 10 * n + 9, f"t{n}", "Lending" if n < 4 else "Roaming", "", statement, "en", "MIT")
    for n, statement in enumerate(
        [
            "The Falcon card is issued at the Harbour office.",
            "The Harbour office opens at 9 am on weekdays.",
            "Books are lent for 14 days.",
            "A late book costs 100 won a day.",
            "Roaming costs 33,000 won a month.",
            "Roaming is turned on with toggle_roaming in the LTE menu.",
        ]
    )
]


class Killed(Exception):
    """Stands for the end of the process."""


class Scripted:
    """A chat model whose words are those of `say`. `cut` marks what is cut off; after `calls` calls the process ends, as it were."""

    synthetic = True

    def __init__(self, say: Say, *, calls: int | None = None, cut: str = "\0never") -> None:
        self.name = "scripted"
        self.say = say
        self.calls = calls
        self.cut = cut
        self.asked: list[tuple[str, Sampling]] = []

    @property
    def identity(self) -> dict[str, Any]:
        return {"kind": "fake"}

    def chat(self, conversations: Sequence[Sequence[Message]], sampling: Sampling, num_samples: int = 1) -> list[list[Completion]]:
        self._count()
        return [[self._completion(messages, sampling)] * num_samples for messages in conversations]

    def _count(self) -> None:
        if self.calls == 0:
            raise Killed
        if self.calls is not None:
            self.calls -= 1

    def _completion(self, messages: Sequence[Message], sampling: Sampling) -> Completion:
        text = self.say(messages, sampling)
        self.asked.append((messages[-1].content, sampling))
        return Completion(text.replace(self.cut, ""), "length" if self.cut in text else "stop", 9, 5)


class Constrained(Scripted):
    """Also answers in a schema: what `say` gives is taken as it is, so that a test can break it."""

    constraint_kinds = frozenset({"json_schema"})

    def constrain(
        self, conversations: Sequence[Sequence[Message]], constraints: Sequence[Constraint], sampling: Sampling, num_samples: int = 1
    ) -> list[list[Completion]]:
        assert all(isinstance(constraint, JsonSchema) for constraint in constraints)
        assert len(constraints) == len(conversations)
        return self.chat(conversations, sampling, num_samples)


class Completing(Scripted):
    """Also continues text; `say` is given the prompt as one message."""

    def complete(self, prompts: Sequence[str | Sequence[int]], sampling: Sampling, num_samples: int = 1) -> list[list[Completion]]:
        self._count()
        told = [prompt if isinstance(prompt, str) else self.read(prompt) for prompt in prompts]
        samples = range(num_samples)
        rows = [[self._completion([Message("prompt", prompt)], _seeded(sampling, sample)) for sample in samples] for prompt in told]
        return [[_stopped(one, sampling.stop) for one in row] for row in rows]

    def read(self, ids: Sequence[int]) -> str:
        return "".join(map(chr, ids))


class Scoring(Completing):
    """Also scores: token ids are letters, and each has the log-probability that `score_of` gives to its sequence."""

    def __init__(self, say: Say, score_of: Callable[[str, str], float] = lambda prompt, answer: -1.0, **options: Any) -> None:
        super().__init__(say, **options)
        self.score_of = score_of

    def encode_chat(self, messages: Sequence[Message], thinking: ThinkMode | None = None) -> list[int]:
        return self.encode_text("".join(f"<{message.role}>{message.content}</>" for message in messages) + "<assistant>")

    def encode_answer(self, text: str, reasoning: str = "") -> list[int]:
        return self.encode_text(text + "</>")

    def encode_text(self, text: str) -> list[int]:
        return [ord(letter) for letter in text]

    def score(self, prompts: Sequence[Sequence[int]], continuations: Sequence[Sequence[int]], top_k: int) -> list[TokenTargets]:
        self._count()
        pairs = [(self.read(prompt), self.read(answer)) for prompt, answer in zip(prompts, continuations, strict=True)]
        return [TokenTargets([], [], [self.score_of(prompt, answer)] * len(answer)) for prompt, answer in pairs]


def _seeded(sampling: Sampling, sample: int) -> Sampling:
    return Sampling(sampling.max_new_tokens, sampling.temperature, sampling.top_p, sampling.seed + sample, sampling.stop)


def _stopped(completion: Completion, stop: Sequence[str]) -> Completion:
    ends = [place for text in stop if (place := completion.text.find(text)) >= 0]
    return Completion(completion.text[: min(ends)], "stop", 9, 5) if ends and completion.finish_reason == "stop" else completion


def goal_calls(prompt: str) -> list[Mapping[str, Any]]:
    """The calls that a customer's prompt names, one a line: `NAME {json}`."""
    lines = re.findall(r"^([a-z_]+) (\{.*\})$", prompt, re.MULTILINE)
    return [{"call": name, "arguments": json.loads(arguments)} for name, arguments in lines]
