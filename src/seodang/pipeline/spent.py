"""What a teacher was asked to write, in tokens and time: kept beside what it wrote, outside of all that is hashed."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seodang.core.files import Journal, read_json_lines
from seodang.models.chat_model import ChatModel, Completion

SPENT = Path("events") / "spent.jsonl"  # in a step's folder; what a kill made to be written twice was spent twice
_TOKENS = ("num_prompt_tokens", "num_new_tokens")


@contextmanager
def counted(teacher: ChatModel, journal: Journal, stage: str) -> Generator[None]:
    """Keeps a line in the journal for each call by which the teacher is asked for text meanwhile."""
    wrapped = {name: getattr(teacher, name) for name in ("chat", "complete") if hasattr(teacher, name)}
    depth = 0  # a model may answer one kind of call by the other

    def counting(ask: Callable[..., list[list[Completion]]]) -> Callable[..., list[list[Completion]]]:
        def call(*arguments: Any, **settings: Any) -> list[list[Completion]]:
            nonlocal depth
            began, depth = time.time(), depth + 1
            try:
                answers = ask(*arguments, **settings)
            finally:
                depth -= 1
            if not depth:
                told = [completion for samples in answers for completion in samples]
                tokens = {name: sum(getattr(completion, name) for completion in told) for name in _TOKENS}
                journal.append(f"{stage}/{len(journal)}", {**tokens, "num_texts": len(told), "began": began, "ended": time.time()})
            return answers

        return call

    for name, ask in wrapped.items():
        setattr(teacher, name, counting(ask))
    try:
        yield
    finally:
        for name in wrapped:
            delattr(teacher, name)


def spent(folder: Path, stage: str) -> dict[str, Any]:
    """The sums of a stage: tokens, texts, and seconds in calls. Empty where nothing was kept."""
    file = folder / SPENT
    rows = [row["value"] for row in read_json_lines(file) if row["unit"].startswith(f"{stage}/")] if file.is_file() else []
    if not rows:
        return {}
    sums = {name: sum(row[name] for row in rows) for name in (*_TOKENS, "num_texts")}
    return {**sums, "seconds_asked": round(sum(row["ended"] - row["began"] for row in rows), 3)}
