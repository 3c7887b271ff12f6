"""A domain's own exam: questions with accepted answers and wrong alternatives, such as a pack's."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import Field

from seodang.core.errors import InputError
from seodang.evaluation.denial import affirms
from seodang.evaluation.exam import ExamItem, load_exam
from seodang.evaluation.hedging import hedges
from seodang.evaluation.task import Ask, Item, Judgement, Options, Solving, Task
from seodang.models.chat_model import Completion, Message


class ExamOptions(Options):
    """Which exam, and how much may be said."""

    files: tuple[str, ...] = Field(default=(), description="JSON-lines files, or folders such as packs/telecom with files in `exam/`")
    max_new_tokens: int = Field(default=64, ge=1, description="tokens an answer may have")
    language: str = Field(default="en", description="language of the questions, as BCP 47 writes it")


def load(options: ExamOptions, store: Path) -> Sequence[Item]:
    """The exam's items; questions about one span of a document are one cluster."""
    if not options.files:
        raise InputError("no exam is named", hint="add `--option files=packs/telecom`, or JSON-lines files with commas between them")
    paths = [path for name in options.files for path in _files(Path(name))]
    return [to_item(item, options.language) for item in load_exam(paths)]


def to_item(item: ExamItem, language: str, view: Sequence[Message] = ()) -> Item:
    """An exam's item as the task asks it: in the conversation `view`, or else the question alone."""
    content: dict[str, Any] = {"accepted": item.accepted, "wrong": item.wrong}
    if item.rivals:
        content["rivals"] = item.rivals
    if view:
        content["view"] = [[message.role, message.content] for message in view]
    return Item(item.id, item.part, item.question, content, _group(item), language)


def solve(item: Item, options: ExamOptions) -> Solving:
    """Asks the question as the only message, closed book, or in the conversation that the item has."""
    view = [Message(role, text) for role, text in item.content.get("view", [["user", item.question]])]
    reply: Completion = yield Ask(tuple(view), options.max_new_tokens)
    accepted = item.content["accepted"]
    hedged = hedges(reply.text, item.question, accepted, item.content.get("rivals", ()))
    right = affirms(reply.text, accepted, item.content["wrong"]) and not hedged
    return Judgement(float(right), reply.text, {"accepted": list(accepted)[:8], "hedged": hedged})


def _files(path: Path) -> list[Path]:
    found = sorted((path / "exam").glob("*.jsonl")) or sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not found:
        raise InputError("no exam in this folder", where=str(path), hint="name a pack, or a folder with .jsonl files")
    return found


def _group(item: ExamItem) -> str:
    """Items about one statement of a document stand or fall together."""
    return f"{item.document}:{item.span}" if item.document is not None else ""


task = Task(
    name="exam",
    title="Domain exam, closed book",
    family="domain",
    languages=("en", "ko"),
    load=load,
    solve=solve,
    options=ExamOptions,
    source="items of the pack or file named in `files`",
    license="as its files say",
    version=4,
)
# How a recipe's own suites are told apart: its exam with the documents in view, and its general suite.
open_book = replace(task, name="exam_open_book", title="Domain exam, open book")
general = replace(task, name="exam_general", title="General suite, closed book", family="knowledge")
