"""New tasks from a few examples: the teacher continues a list of tasks, then writes an input and an output for each.

Method: Self-Instruct (Wang et al. 2022, arXiv 2212.10560). Each list shows six tasks of people and two that were made before; tasks of
classification are written label first, others input first; a task that repeats an earlier one (ROUGE-L of 0.7 or more) is dropped, as is
one that asks for what text cannot give.
"""

import re
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from pydantic import Field

from seodang.core.files import Journal
from seodang.core.progress import Progress
from seodang.core.records import Record
from seodang.data.build.generator_texts import load_texts
from seodang.data.build.novelty import Pool
from seodang.data.build.sources import BuildSources, GeneratorSection
from seodang.data.build.units import CUT, Dropped, in_units
from seodang.data.language import guess_language
from seodang.models.chat_model import ChatModel, Completes, Sampling, require

NEEDS = (Completes,)
NEEDS_SOURCES = ()
SOURCE = "Self-Instruct, arXiv 2212.10560"
VERSION = 1

_OF_PEOPLE, _OF_TEACHER = 6, 2  # examples in a list of tasks
_NUMBERED = re.compile(r"^\s*\d+[.)]\s*")


class SelfInstructSection(GeneratorSection):
    """Knobs of new tasks."""

    rounds: int = Field(default=8, ge=1, description="rounds; the tasks of one are examples in the next")
    lists_per_round: int = Field(default=8, ge=1, description="lists of tasks that are continued in a round")
    most_alike: float = Field(default=0.7, gt=0, le=1, description="ROUGE-L with an earlier task from which a task is no new one")
    list_tokens: int = Field(default=160, ge=1, description="tokens that a list of tasks is continued by")
    fewest_words: int = Field(default=3, ge=1, description="words that a task has at least")
    most_words: int = Field(default=150, ge=1, description="words that a task has at most")


SECTION = SelfInstructSection


def self_instruct(
    sources: BuildSources, section: SelfInstructSection, teacher: ChatModel, seed: int, journal: Journal, progress: Progress
) -> list[Record]:
    """Records of kind "self_instruct": the task with its input as the question, the output as the answer. The unit of work is a round.

    The examples are those of `prompts/self_instruct`; the questions of `sources.records` must not be repeated either. `truth` has the
    task, its input, whether it is one of classification, and the ROUGE-L with the nearest earlier task.
    """
    writer = require(teacher, Completes, "building new tasks")
    text = load_texts("self_instruct", section.prompts)

    def write_unit(first: int, group: Sequence[int], so_far: Sequence[Record]) -> Iterator[Record | Dropped]:
        made = [str(record.truth["task"]) for record in so_far]
        pool = Pool([*(row["task"] for row in text["seeds"]), *(record.question for record in sources.records), *made])
        tasks: list[tuple[str, float]] = []
        for task in _lists(writer, text, made, section, seed + 1000 * first):
            fault = task if isinstance(task, Dropped) else _fault(task, text, section)
            if fault is not None or isinstance(task, Dropped):
                yield fault or CUT
                continue
            alike = pool.nearest(task)
            if alike >= section.most_alike:
                yield Dropped("too much like an earlier task")
                continue
            pool.add(task)
            tasks.append((task, alike))
        yield from _instances(writer, text, tasks, section, seed + 1000 * first)

    return in_units("self_instruct", section, range(section.rounds), 1, write_unit, journal, progress)


def _lists(writer: Completes, text: dict[str, Any], made: Sequence[str], section: SelfInstructSection, seed: int) -> list[str | Dropped]:
    """The tasks by which the teacher continues lists of examples."""
    draw = Random(seed)
    prompts: list[str] = []
    for _ in range(section.lists_per_round):
        own = draw.sample(list(made), min(_OF_TEACHER, len(made)))
        shown = draw.sample([row["task"] for row in text["seeds"]], _OF_PEOPLE + _OF_TEACHER - len(own)) + own
        draw.shuffle(shown)
        listed = "".join(f"{number}. {task}\n" for number, task in enumerate(shown, start=1))
        prompts.append(f"{text['list']}\n{listed}{len(shown) + 1}.")
    sampling = Sampling(section.list_tokens, section.temperature, section.top_p, seed, stop=("\n\n",))
    tasks: list[str | Dropped] = []
    for (written,) in writer.complete(prompts, sampling):
        lines = written.text.split("\n")
        if written.finish_reason != "stop":
            lines.pop()
            tasks.append(CUT)
        tasks += [task for line in lines if (task := _NUMBERED.sub("", line).strip())]
    return tasks


def _fault(task: str, text: dict[str, Any], section: SelfInstructSection) -> Dropped | None:
    words = task.lower().split()
    if not section.fewest_words <= len(words) <= section.most_words:
        return Dropped("too short or too long a task")
    if not task[0].isalpha() and task[0] not in "\"'“‘《「":
        return Dropped("a task that does not begin with a word")
    if any(word in task.lower() for word in text["beyond_text"]):
        return Dropped("a task that text alone cannot do")
    if guess_language(task) != section.prompts and section.prompts in ("en", "ko"):
        return Dropped("another language")
    return None


def _instances(
    writer: Completes, text: dict[str, Any], tasks: Sequence[tuple[str, float]], section: SelfInstructSection, seed: int
) -> Iterator[Record | Dropped]:
    """An input and an output for each task."""
    if not tasks:
        return
    seeds = text["seeds"]
    asked = text["kind"] + "".join(f"{row['task']}\n{text['yes'] if row['label'] else text['no']}\n\n" for row in seeds[:8])
    kinds = writer.complete([f"{asked}{task}\n" for task, _ in tasks], Sampling(8, stop=("\n",)))
    labelled = [kind.text.strip().startswith(text["yes"]) for (kind,) in kinds]
    prompts = [_example_prompt(text, task, label=label) for (task, _), label in zip(tasks, labelled, strict=True)]
    sampling = Sampling(section.answer_tokens, section.temperature, section.top_p, seed + 1, stop=("\n\n",))
    for (task, alike), label, (written,) in zip(tasks, labelled, writer.complete(prompts, sampling), strict=True):
        if written.finish_reason != "stop":
            yield CUT
            continue
        first, mark, second = written.text.partition(f"\n{text['input' if label else 'output']}")
        given, output = (second.strip(), first.strip()) if label else (first.strip(), second.strip())
        if not mark or not output:
            yield Dropped("no output")
            continue
        given = "" if given == text["none"] else given
        if given and given == output:
            yield Dropped("the output is the input")
            continue
        truth = {"task": task, "input": given, "classification": label, "rouge_l": round(alike, 3)}
        question = f"{task}\n\n{given}" if given else task
        yield Record("self_instruct", question, output, (), section.prompts, truth=truth, capability="instruction")


def _example_prompt(text: dict[str, Any], task: str, *, label: bool) -> str:
    """Worked examples of the same kind, and the task up to where its own begins: at the output for classification, else at the input."""
    order = ("output", "input") if label else ("input", "output")
    blocks = [
        f"{text['task']} {row['task']}\n" + "".join(f"{text[part]} {row[part] or text['none']}\n" for part in order)
        for row in text["seeds"]
        if row["label"] == label
    ]
    return "\n".join([*blocks[:4], f"{text['task']} {task}\n{text[order[0]]}"])
