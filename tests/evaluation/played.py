"""An item's program played against a scripted answerer, without a runner."""

from collections.abc import Callable
from typing import Any

from seodang.evaluation.task import Ask, Item, Judgement, Likelihood, Options, Rank, Task
from seodang.models.chat_model import Completion


def play(task: Task, item: Item, options: Options, answer: Callable[[Ask | Rank], Any]) -> Judgement:
    """What comes of an item when each request is given `answer(request)`: a text for `Ask`, log-probabilities for `Rank`."""
    program = task.solve(item, options)
    request = next(program)
    while True:
        given = answer(request)
        if isinstance(request, Ask):
            reply: Any = Completion(given, "stop", 1, 1)
        else:
            reply = tuple(Likelihood(value, 1, False) for value in given)
        try:
            request = program.send(reply)
        except StopIteration as end:
            return end.value


def say(task: Task, item: Item, options: Options, text: str) -> Judgement:
    """The same where every request is answered by one text."""
    return play(task, item, options, lambda request: text)
