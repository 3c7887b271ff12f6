"""Records that anyone brings: JSON lines in the forms that other tools write."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError
from seodang.core.files import read_numbered_json_lines
from seodang.core.records import Record
from seodang.data.language import guess_language

_FORMS = "`question` and `answer`, `messages`, `prompt` and `completion`, or `text`"
_TEXTS = ("action", "author", "reasoning", "domain", "capability")
_LISTS = ("passages", "samples")
_OWN = (*_LISTS, *_TEXTS, "truth")


def read_records(path: Path) -> list[Record]:
    """One record for each line, in order. InputError names the line that is none."""
    return [record_of_row(row, f"{path}:{number}") for number, row in read_numbered_json_lines(path)]


def record_of_row(row: Any, where: str) -> Record:
    """The record that a JSON object stands for. InputError names the place of one that is none."""
    if not isinstance(row, dict):
        raise InputError("not a record: a JSON object is needed", where=where, hint=f"give each line {_FORMS}")
    given: Mapping[str, Any] = row
    _refuse_types(given, where)
    question, answer, turns = _spoken(given, where)
    own = {name: given[name] for name in _OWN if name in given}
    language = given.get("language") or guess_language(f"{question} {answer}")
    try:
        return Record.from_row(
            {"kind": "sample", "passages": (), **own, "question": question, "answer": answer, "turns": turns, "language": language}
            | ({"kind": given["kind"]} if "kind" in given else {})
        )
    except TypeError as error:
        raise InputError(f"not a record ({error})", where=where, hint=f"give each line {_FORMS}") from error


def _refuse_types(row: Mapping[str, Any], where: str) -> None:
    """InputError names the first field that is of another type than a record's."""
    faults = [(name, "a text") for name in (*_TEXTS, "kind", "language") if not isinstance(row.get(name, ""), str)]
    faults += [(name, "a list of texts") for name in _LISTS if not _is_list(row.get(name, []), str)]
    faults += [("truth", "a JSON object")] * (not isinstance(row.get("truth", {}), dict))
    faults += [("turns", "a list of messages, each an object")] * (not _is_list(row.get("turns", []), dict))
    if faults:
        name, needed = faults[0]
        raise InputError(
            f"`{name}` must be {needed}, not {json.dumps(row[name], ensure_ascii=False)[:60]}", where=where, hint="mend that line"
        )


def _is_list(value: Any, kind: type) -> bool:
    return isinstance(value, list) and all(isinstance(one, kind) for one in value)


def _spoken(row: Mapping[str, Any], where: str) -> tuple[str, str, Sequence[Mapping[str, Any]]]:
    """The question, the answer and the messages between which they stand."""
    if "messages" in row:
        return _of_messages(row["messages"], where)
    for asked, answered in (("question", "answer"), ("prompt", "completion"), ("", "text")):
        if answered in row:
            question, answer = row.get(asked, "") if asked else "", row[answered]
            if not isinstance(question, str) or not isinstance(answer, str):
                raise InputError(f"`{asked or answered}` and `{answered}` must be texts", where=where, hint="write them as JSON strings")
            return question, answer, tuple(row.get("turns", ()))
    if isinstance(row.get("question"), str):
        return row["question"], "", ()
    raise InputError(f"no {_FORMS}", where=where, hint=f"give each line {_FORMS}")


def _of_messages(messages: Any, where: str) -> tuple[str, str, Sequence[Mapping[str, Any]]]:
    if not isinstance(messages, list) or not messages or not all(isinstance(m, dict) and isinstance(m.get("role"), str) for m in messages):
        raise InputError("`messages` must be a list of objects with a `role`", where=where, hint="use OpenAI's format of messages")
    last = messages[-1]
    ends = last["role"] == "assistant" and isinstance(last.get("content"), str)
    question = next((m["content"] for m in reversed(messages) if m["role"] == "user" and isinstance(m.get("content"), str)), "")
    turns = messages[:-1] if ends else messages
    if ends and len(messages) == 2 and messages[0]["role"] == "user":
        turns = []
    return question, last["content"] if ends else "", [json.loads(json.dumps(turn)) for turn in turns]
