"""Every text of a record: question, answer, reasoning, samples, messages, arguments of tools and what checks hold the answer against."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seodang.core.records import Record
from seodang.data.row_shapes import parts_of_spoken, text_of_message

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z_-]{0,39}")


@dataclass(frozen=True, slots=True)
class RecordText:
    """One text: where it stands (`turns[2].content`), who says it, and the key under which it stands in data, if any.

    `role` is "user", "assistant", "system", "tool" or "truth". Keys that are not plain words are left out of `where`.
    """

    where: str
    text: str
    role: str
    key: str = ""


def record_texts(record: Record) -> Iterator[RecordText]:
    """The texts of a record that are not empty. Numbers in arguments and in truth are texts too, and so are keys."""
    told = [RecordText("question", record.question, "user"), RecordText("answer", record.answer, "assistant")]
    told.append(RecordText("reasoning", record.reasoning, "assistant"))
    told += [RecordText(f"samples[{index}]", sample, "assistant") for index, sample in enumerate(record.samples)]
    for text in told:
        if text.text:
            yield text
    for index, turn in enumerate(record.turns):
        role = str(turn.get("role", "user"))
        for name, value in turn.items():
            if name != "role":
                yield from _leaves(value, f"turns[{index}].{_plain(name, 0)}", role, name if name == "arguments" else "")
    yield from _leaves(record.truth, "truth", "truth", "")


def parts_of_record(record: Record) -> tuple[str, str]:
    """All that is asked before the answer, and the answer; all of a record that is one text is its answer."""
    return parts_of_spoken(record.question, record.answer, record.turns)


def asked_text(record: Record) -> str:
    """What a record is compared by: all that is asked, or its text where it is nothing else."""
    asked, answer = parts_of_record(record)
    return asked or answer


def asked_texts(record: Record) -> list[str]:
    """Each text of a user in a record, the last one first, or its text where it is nothing else."""
    said = [text_of_message(turn) for turn in record.turns if turn.get("role") == "user"]
    found = list(dict.fromkeys(filter(None, (record.question, *said))))
    return found or [asked_text(record)]


def _plain(key: str, index: int) -> str:
    return key if _PLAIN_KEY.fullmatch(key) else f"[{index}]"


def _leaves(value: Any, where: str, role: str, key: str) -> Iterator[RecordText]:
    if isinstance(value, str):
        if key == "arguments" and (data := _as_data(value)) is not None:
            yield from _leaves(data, where, role, "")
        elif value:
            yield RecordText(where, value, role, key)
    elif isinstance(value, Mapping):
        for index, (name, child) in enumerate(value.items()):
            if not _PLAIN_KEY.fullmatch(str(name)):
                yield RecordText(f"{where}.key[{index}]", str(name), role)
            yield from _leaves(child, f"{where}.{_plain(str(name), index)}", role, str(name))
    elif isinstance(value, Sequence):
        for index, child in enumerate(value):
            yield from _leaves(child, f"{where}[{index}]", role, key)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield RecordText(where, str(value), role, key)


def _as_data(text: str) -> Any:
    """The object or list that a tool's arguments are; None where they are no JSON, so that they are read as text."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict | list) else None
