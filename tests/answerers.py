"""Stand-ins for models, and a task solved by one of them, one item at a time."""

from collections.abc import Callable
from typing import Any

from seodang.evaluation.task import Ask, Item, Judgement, Likelihood, Rank, Task
from seodang.models.chat_model import Completion


def solve(task: Task, item: Item, options: Any, answer: Callable[[Any], Any]) -> Judgement:
    """What a task makes of an item, each of whose requests `answer` answers: a text for an `Ask`, numbers for a `Rank`."""
    program = task.solve(item, options)
    reply: Any = None
    while True:
        try:
            request = program.send(reply)
        except StopIteration as end:
            return end.value
        said = answer(request)
        if isinstance(request, Ask):
            reply = Completion(said, "stop", 1, 1)
        else:
            assert isinstance(request, Rank)
            reply = tuple(Likelihood(value, 1, False) for value in said)
