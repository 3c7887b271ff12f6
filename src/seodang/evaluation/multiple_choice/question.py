"""A question with choices, and somebody's own file of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError
from seodang.core.files import read_numbered_json_lines

LETTERS = "ABCDEFGHIJ"

_WANTED = 'one question a line: {"question": "…", "choices": ["…", "…"], "answer": "B", "subject": "…"}'
_GET = (
    "write your own copy of a benchmark (KMMLU, CLIcK, KoBEST, …) as JSON lines with question, choices, answer and subject; the authors' "
    "pages on the Hugging Face hub offer the items under their own licences"
)


@dataclass(frozen=True, slots=True)
class Question:
    """One question; `answer` is the place of the right choice, from 0."""

    id: str
    area: str  # what is reported on its own: a group of subjects, or the subject
    subject: str
    question: str
    choices: tuple[str, ...]
    answer: int


def well_formed(choices: Sequence[str]) -> bool:
    """Whether there are 2 to 10 choices, none of them empty and no two alike."""
    bare = [choice.strip() for choice in choices]
    return 2 <= len(bare) <= len(LETTERS) and all(bare) and len(set(bare)) == len(bare)


def read_files(files: Sequence[str]) -> list[Question]:
    """The questions of JSON-lines files, or of folders with such files. InputError names the file and the line of a fault."""
    if not files:
        raise InputError("`benchmark=file` needs `files`", hint=_GET)
    found: list[Question] = []
    for path in [path for name in files for path in _paths(Path(name))]:
        found += [_question(row, f"{path}:{number}", f"{path.stem}-{number}") for number, row in read_numbered_json_lines(path)]
    return found


def _paths(path: Path) -> list[Path]:
    paths = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not paths or not paths[0].is_file():
        raise InputError("no questions here", where=str(path), hint=_GET)
    return paths


def _question(row: Any, where: str, name: str) -> Question:
    if not isinstance(row, Mapping):
        raise InputError("not a JSON object", where=where, hint=_WANTED)
    told: Mapping[str, Any] = row
    text, choices, answer, subject = (told.get(key) for key in ("question", "choices", "answer", "subject"))
    if not isinstance(text, str) or not text.strip():
        raise InputError("`question` must be a text that is not empty", where=where, hint=_WANTED)
    if not isinstance(choices, list) or not all(isinstance(choice, str) for choice in choices) or not well_formed(choices):
        raise InputError("`choices` must be 2 to 10 different texts", where=where, hint=_WANTED)
    if not isinstance(subject, str | None):
        raise InputError("`subject` must be a text", where=where, hint=_WANTED)
    area = subject or "all"
    return Question(name, area, area, text.strip(), tuple(choices), _place(answer, choices, where))


def _place(answer: Any, choices: Sequence[str], where: str) -> int:
    if isinstance(answer, str) and answer in choices:
        return list(choices).index(answer)
    if isinstance(answer, str) and len(answer) == 1 and answer in LETTERS[: len(choices)]:
        return LETTERS.index(answer)
    what = "a number may count from 0 or from 1" if isinstance(answer, int) else "it is neither a choice nor a choice's letter"
    raise InputError(f"`answer`: {what} (given: {answer!r})", where=where, hint=f"give a letter or a choice's text; {_WANTED}")
