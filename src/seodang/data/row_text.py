"""The text of rows in the forms that other tools write, without holding a file in memory."""

import json
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError

_FORMS = "`messages`, `question` and `answer`, `prompt` and `completion`, `instruction` and `output`, or `text`"
_PAIRS = (("question", "answer"), ("prompt", "completion"), ("instruction", "output"))
_OPTIONS = ("options", "choices")
_LETTERS = "ABCDEFGHIJKLMNOP"


class LinesFile:
    """The rows of a file of JSON lines by number, read from the disk when they are asked for; blank lines are no rows.

    Holds 16 bytes a row. `line(i)` is the row's bytes without the line's end, `number(i)` its line from 1, `row(i)` its value.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = path.open("rb")
        except FileNotFoundError as error:
            raise InputError("file not found", where=str(path), hint="check the path; it starts where you are") from error
        except IsADirectoryError as error:
            raise InputError("a folder, not a file", where=str(path), hint="name a file of JSON lines") from error
        self._places: list[int] = []
        self._numbers: list[int] = []
        place = 0
        for number, line in enumerate(self._file, start=1):
            if line.strip():
                self._places.append(place)
                self._numbers.append(number)
            place += len(line)

    def __enter__(self) -> "LinesFile":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._places)

    def number(self, index: int) -> int:
        return self._numbers[index]

    def line(self, index: int) -> bytes:
        self._file.seek(self._places[index])
        return self._file.readline().rstrip(b"\r\n")

    def row(self, index: int) -> Mapping[str, Any]:
        """InputError names the line that is not a JSON object."""
        return row_of_line(self.line(index), self.where(index))

    def where(self, index: int) -> str:
        return f"{self.path}:{self._numbers[index]}"


def row_of_line(line: bytes, where: str) -> Mapping[str, Any]:
    """The row that a line holds. InputError for one that is not a JSON object."""
    try:
        row = json.loads(line.decode("utf-8-sig" if line.startswith(BOM_UTF8) else "utf-8"))
    except UnicodeDecodeError as error:
        raise InputError("not UTF-8 text", where=where, hint="save the file as UTF-8") from error
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON ({error.msg})", where=where, hint="one JSON object a line") from error
    if not isinstance(row, dict):
        raise InputError("not a row: a JSON object is needed", where=where, hint=f"give each line {_FORMS}")
    return row


class Texts(Sequence[str]):
    """The text of each row of a file: that of one field, or all that is asked and answered."""

    def __init__(self, lines: LinesFile, field: str | None = None) -> None:
        self._lines, self._field = lines, field

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        return "\n".join(filter(None, parts_of_row(self._lines.row(index), self._lines.where(index), self._field)))

    def __iter__(self) -> Iterator[str]:
        return (self[index] for index in range(len(self)))


def parts_of_row(row: Mapping[str, Any], where: str, field: str | None = None) -> tuple[str, str]:
    """What is asked (with options and all turns before the answer) and what is answered; all of a row that is one text is its answer.

    InputError for a row in none of the forms.
    """
    if field is not None:
        if not isinstance(row.get(field), str):
            raise InputError(f"no text in `{field}`", where=where, hint="name a field that is a text in every row with --field")
        return "", row[field]
    if "messages" in row:
        return _parts_of_messages(row["messages"], where)
    for asked, answered in _PAIRS:
        if isinstance(row.get(asked), str):
            return _asked(row, asked), _as_text(row.get(answered, ""), where)
    if isinstance(row.get("text"), str):
        return "", row["text"]
    raise InputError(f"no {_FORMS}", where=where, hint="write rows in one of these forms, or name a field that is a text with --field")


def _asked(row: Mapping[str, Any], asked: str) -> str:
    parts = [row.get("context"), row[asked], row.get("input") if asked == "instruction" else None]
    parts += [_calls(turn) for turn in row.get("turns") or () if isinstance(turn, Mapping)]
    for name in _OPTIONS:
        options = row.get(name)
        if isinstance(options, Mapping):
            options = options.get("text")
        if isinstance(options, list):
            parts += [f"({letter}) {option}" for letter, option in zip(_LETTERS, options, strict=False)]
    return "\n".join(part for part in parts if isinstance(part, str) and part)


def _as_text(answer: Any, where: str) -> str:
    if answer is None:
        return ""
    if isinstance(answer, bool) or not isinstance(answer, str | int | float | list):
        raise InputError("an answer must be a text", where=where, hint="write it as a JSON string")
    return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)


def _parts_of_messages(messages: Any, where: str) -> tuple[str, str]:
    if not isinstance(messages, list) or not messages or not all(isinstance(message, dict) for message in messages):
        raise InputError("`messages` must be a list of objects with a `role`", where=where, hint="use OpenAI's format of messages")
    *before, last = messages
    if last.get("role") != "assistant":
        before, last = messages, {}
    return "\n".join(filter(None, map(_calls, before))), _calls(last)


def _calls(message: Mapping[str, Any]) -> str:
    """A message's text and its calls of tools."""
    content = message.get("content")
    if isinstance(content, list):
        content = "\n".join(part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str))
    called = [
        json.dumps(call.get("function", call), ensure_ascii=False) for call in message.get("tool_calls") or () if isinstance(call, dict)
    ]
    return "\n".join([*([content] if isinstance(content, str) else []), *called])
