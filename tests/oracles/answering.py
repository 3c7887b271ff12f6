"""Models of tests that answer by a rule, and an item put to one of them."""

from collections.abc import Callable, Sequence
from typing import Any

from seodang.evaluation.course import Course
from seodang.evaluation.result import Result
from seodang.evaluation.task import Ask, Item, Options, Task
from seodang.models.chat_model import Completion, Message

Say = Callable[[Sequence[Message]], str]


def put(task: Task, item: Item, options: Options, say: Say) -> Result:
    """What comes of an item where every turn of the assistant is `say(messages)`."""
    course = Course(item, 0, task.solve(item, options))
    course.begin()
    while course.waits_for is not None:
        assert isinstance(course.waits_for, Ask)
        text = say(course.waits_for.messages)
        course.advance(Completion(text, "stop", 1, len(text.split())))
    assert course.result is not None
    return course.result


def replayed(task: Task, item: Item, options: Options, texts: Sequence[str]) -> list[Any]:
    """The requests of an item that is given these replies, in order."""
    program, asked = task.solve(item, options), []
    try:
        asked.append(next(program))
        for text in texts:
            asked.append(program.send(Completion(text, "stop", 1, 1)))
    except StopIteration as end:
        asked.append(end.value)
    return asked
