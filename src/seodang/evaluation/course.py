"""One item under way: its program, the request that it waits for, and what was said so far."""

from dataclasses import asdict
from typing import Any

from seodang.core.errors import ModelError
from seodang.evaluation.replies import Answered
from seodang.evaluation.result import Result
from seodang.evaluation.task import Ask, Item, Judgement, Likelihood, Rank, Request, Solving
from seodang.models.chat_model import Completion, Message


class Course:
    """Advances an item's program with replies until it ends in a `Result`."""

    def __init__(self, item: Item, sample: int, program: Solving) -> None:
        self.item, self.sample = item, sample
        self.waits_for: Request | None = None
        self.result: Result | None = None
        self._program = program
        self._transcript: list[dict[str, Any]] = []
        self._said: list[tuple[str, str]] = []  # of the conversation under way
        self._num_prompt = self._num_new = 0
        self._num_reasoning: int | None = 0
        self._cut = False

    def begin(self) -> None:
        """Runs the program up to its first request."""
        self._send(None)

    def advance(self, reply: Answered) -> None:
        """Gives the program the reply that it waits for, and runs it to its next request or its end. A request that failed ends it."""
        asked, self.waits_for = self.waits_for, None
        if isinstance(reply, ModelError):
            self._program.close()
            self._finish(error=str(reply))
            return
        if isinstance(reply, Completion) and isinstance(asked, Ask):
            self._note_turn(asked, reply)
        elif isinstance(asked, Rank) and isinstance(reply, tuple):
            self._note_ranking(asked, reply)
        self._send(reply)

    def _send(self, reply: Any) -> None:
        try:
            self.waits_for = self._program.send(reply)
        except StopIteration as end:
            self._finish(judged=end.value)

    def _note_turn(self, asked: Ask, reply: Completion) -> None:
        turns = [(message.role, message.content) for message in asked.messages]
        new = turns[len(self._said) :] if turns[: len(self._said)] == self._said else turns
        self._transcript += [{"role": role, "content": content} for role, content in new]
        thought = {"reasoning": reply.reasoning} if reply.reasoning else {}
        self._transcript.append({"role": "assistant", "content": reply.text, **thought, "num_tokens": reply.num_new_tokens})
        self._said = [*turns, ("assistant", reply.text)]
        self._num_prompt += reply.num_prompt_tokens
        self._num_new += reply.num_new_tokens
        self._cut |= reply.finish_reason == "length"
        counts = (self._num_reasoning, reply.num_reasoning_tokens)
        self._num_reasoning = None if None in counts else sum(count or 0 for count in counts)

    def _note_ranking(self, asked: Rank, reply: tuple[Likelihood, ...]) -> None:
        context = (Message("context", asked.context),) if isinstance(asked.context, str) else asked.context
        self._transcript += [{"role": message.role, "content": message.content} for message in context]
        ranked = zip(asked.continuations, reply, strict=True)
        self._transcript += [{"role": "continuation", "content": text, **asdict(one)} for text, one in ranked]
        self._num_prompt += sum(one.num_tokens for one in reply)

    def _finish(self, judged: Judgement | None = None, error: str = "") -> None:
        told: dict[str, Any] = asdict(judged) if judged is not None else {"score": 0.0}
        self.result = Result(
            item=self.item.id,
            sample=self.sample,
            outcome="error" if judged is None else "judged",
            transcript=tuple(self._transcript),
            error=error,
            num_prompt_tokens=self._num_prompt,
            num_new_tokens=self._num_new,
            num_reasoning_tokens=self._num_reasoning,
            cut=self._cut,
            **told,
        )
