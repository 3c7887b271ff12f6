"""What a task is: items, and for each item a short program that asks the model and judges what it says.

A task is a file of `tasks/` with a value `task`. Its `solve` is a generator: it yields requests and is sent the replies, so that the
runner asks many items in one batch, whatever their number of turns, and a killed run replays what was already said.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from seodang.core.errors import InputError
from seodang.core.registry import find_value, names_in
from seodang.core.sections import Section
from seodang.evaluation.on_a_hub import refuse_hub_name
from seodang.models.chat_model import ChatModel, Completion, Message

Family = Literal[
    "mathematics", "multilingual", "code", "agent", "instruction", "long_context", "knowledge", "safety", "domain"
]  # what a teacher is known for; `domain` is a pack's own exam


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is asked. `content` is whatever the task's `solve` needs, as JSON holds it."""

    id: str
    part: str  # a category of the task that is reported on its own
    question: str  # in plain words: what people read, and what is compared with training data
    content: Mapping[str, Any] = field(default_factory=dict[str, Any])
    group: str = ""  # unit of randomisation: items of one passage, template or persona stand or fall together; empty: its own
    language: str = "en"

    @property
    def cluster(self) -> str:
        return self.group or self.id


@dataclass(frozen=True, slots=True)
class Ask:
    """The assistant's next turn is wanted. The reply is a `Completion`."""

    messages: tuple[Message, ...]
    max_new_tokens: int = 256
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rank:
    """How likely each continuation is after a context: plain text, or a conversation in the model's template. The reply is one
    `Likelihood` for each."""

    context: str | tuple[Message, ...]
    continuations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Natural-log probability of a continuation, its number of tokens, and whether each of them was the most likely one."""

    logprob: float
    num_tokens: int
    greedy: bool


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of one item: a score from 0 (wrong) to 1 (right), what was judged, and why."""

    score: float
    answer: str
    evidence: Mapping[str, Any] = field(default_factory=dict[str, Any])
    confidence: float | None = None  # the model's own probability that it is right, where the task has one
    abstained: bool = False  # it said that it does not know, or declined


Request = Ask | Rank
Reply = Completion | tuple[Likelihood, ...]
Solving = Generator[Request, Any, Judgement]


class Options(Section):
    """What a user may choose about any task."""

    limit: int | None = Field(default=None, ge=1, description="items that are asked, spread over the parts; none: all")
    seed: int = Field(default=0, ge=0, lt=2**31, description="seed of made items")


@dataclass(frozen=True, slots=True)
class Task:
    """A task. `load(options, store)` makes or reads its items, `store` being a folder for what is fetched; `solve(item, options)` asks."""

    name: str
    title: str
    family: Family
    languages: tuple[str, ...]
    load: Callable[[Any, Path], Sequence[Item]]
    solve: Callable[[Item, Any], Solving]
    options: type[Options] = Options
    version: int = 1  # of what is asked and how it is judged; results of two versions are not compared
    source: str = ""  # the paper or package of items and rule
    license: str = "Apache-2.0"  # of the items, as an SPDX expression
    needs: tuple[type, ...] = ()  # capabilities of a model beside `chat`
    chance: float | None = None  # score of the best reply that reads nothing: guessing, or one text or script for all items; None: unknown
    item_chance: Callable[[Item], float] | None = None  # its score of one item, where items differ; a result then tells their mean
    check: Callable[[ChatModel, Any], None] | None = None  # ModelError for a model that cannot be asked with these options
    synthetic: bool = False  # its items are stand-ins, and every report says so


_PACKAGE = "seodang.evaluation.tasks"


def task_names() -> list[str]:
    """The tasks that ship, by name."""
    return names_in(_PACKAGE)


def find_task(name: str) -> Task:
    """A task by its file's name, or somebody's own as `package.module:value`. RecipeError, with a near match, or with the
    command that asks it where its items lie on a model hub, where there is none."""
    refuse_hub_name(name)
    found = find_value(_PACKAGE, name, "task")
    if not isinstance(found, Task):
        raise InputError(f"`{name}` is no task", hint="give a value of `seodang.evaluation.task:Task`")
    return found
