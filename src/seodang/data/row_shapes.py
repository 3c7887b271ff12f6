"""The shapes in which people and tools write a question with its answer, and what each holds. Every command reads rows by these."""

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from seodang.core.errors import InputError
from seodang.data.misspelt_keys import misspelt_key, near_key

Turns = Sequence[Mapping[str, Any]]

FORMS = (
    "`question` and `answer`, `prompt` and `completion`, `instruction` and `output`, `messages` (`role`, `content`), `conversations` "
    "(`from`, `value`), or `text`"
)
_ANSWERS = {"question": ("answer",), "prompt": ("completion", "response"), "instruction": ("output", "response"), "input": ("output",)}
_CONVERSATIONS = ("messages", "conversations")
_KEYS = (*_CONVERSATIONS, *_ANSWERS, "text", "answer", "completion", "response", "output")
_OPTIONS = ("options", "choices")
_LETTERS = "ABCDEFGHIJKLMNOP"
_ROLES = {  # of ShareGPT's `from`
    "human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "chatgpt": "assistant", "model": "assistant",
    "system": "system", "function_call": "assistant", "observation": "tool", "tool": "tool", "function_response": "tool",
}  # fmt: skip


def spoken_in_row(row: Mapping[str, Any], where: str) -> tuple[str, str, Turns]:
    """The question (with options, and context), the answer, and the messages before the answer where there are more than these two.

    Messages are OpenAI's, whatever the row's were. A row that is one text has it as answer. InputError for a row in none of the forms, with
    the key that was probably meant.
    """
    for key in _CONVERSATIONS:
        if key in row:
            return _spoken_in_messages(_messages(row[key], key, where))
    if isinstance(row.get("prompt"), list):
        completion = row.get("completion") or []
        answered = completion if isinstance(completion, list) else [completion]
        return _spoken_in_messages(_messages([*row["prompt"], *answered], "prompt", where))
    for asked, names in _ANSWERS.items():
        if asked in row:
            answer = next((row[name] for name in names if name in row), None)
            if answer is None:
                _refuse_misspelt(row, names, where)
            return _asked(row, asked, where), _answer_text(answer, where), _turns(row, where)
    if isinstance(row.get("text"), str):
        return "", row["text"], _turns(row, where)
    if "text" in row:
        raise _type_error("text", row["text"], where)
    near = near_key(row, _KEYS)
    raise InputError(f"no {FORMS}", where=where, hint=f"did you mean `{near[1]}` by `{near[0]}`?" if near else f"give each line {FORMS}")


def parts_of_spoken(question: str, answer: str, turns: Turns) -> tuple[str, str]:
    """All that is asked before the answer, calls of tools included, and the answer; all of a row that is one text is its answer."""
    if not turns:
        return question, answer
    before = list(turns)
    if not answer and before[-1].get("role") == "assistant":
        answer = text_of_message(before.pop())
    texts = [text_of_message(turn) for turn in before]
    if question not in texts:
        texts.append(question)
    return "\n".join(filter(None, texts)), answer


def text_of_message(message: Mapping[str, Any]) -> str:
    """A message's text and its calls of tools."""
    content = _content(message)
    calls = message.get("tool_calls")
    if not calls:
        return content
    called = [json.dumps(call.get("function", call), ensure_ascii=False) for call in calls if isinstance(call, Mapping)]
    return "\n".join([content, *called] if content else called)


def _refuse_misspelt(row: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    if found := misspelt_key(row, known):
        raise InputError(f"unknown key `{found[0]}`", where=where, hint=f"did you mean `{found[1]}`?")


def _turns(row: Mapping[str, Any], where: str) -> Turns:
    turns = row.get("turns") or ()
    if turns and not (isinstance(turns, list) and all(isinstance(turn, Mapping) for turn in turns)):
        raise InputError("`turns` must be a list of messages, each an object", where=where, hint="use OpenAI's format of messages")
    return turns


def _type_error(name: str, value: Any, where: str) -> InputError:
    return InputError(f"`{name}` must be a text, not {json.dumps(value, ensure_ascii=False)[:60]}", where=where, hint="write a JSON string")


def _asked(row: Mapping[str, Any], asked: str, where: str) -> str:
    question = row[asked]
    if not isinstance(question, str):
        raise _type_error(asked, question, where)
    context, more = row.get("context"), row.get("input") if asked == "instruction" else None
    options = next((row[name] for name in _OPTIONS if name in row), None)
    if context is None and not more and options is None:
        return question
    if isinstance(options, Mapping):
        options = options.get("text")
    listed = zip(_LETTERS, options, strict=False) if isinstance(options, list) else ()
    parts = [context, question, more, *(f"({letter}) {option}" for letter, option in listed)]
    return "\n".join(part for part in parts if isinstance(part, str) and part)


def _answer_text(answer: Any, where: str) -> str:
    if isinstance(answer, str):
        return answer
    if answer is None:
        return ""
    if isinstance(answer, bool) or not isinstance(answer, int | float | list):
        raise InputError("an answer must be a text", where=where, hint="write it as a JSON string")
    return json.dumps(answer, ensure_ascii=False)


def _messages(given: Any, key: str, where: str) -> list[Mapping[str, Any]]:
    """The messages in OpenAI's form; those of ShareGPT (`from`, `value`) are told by their keys."""
    if not isinstance(given, list) or not given:
        raise _no_messages(key, where)
    messages: list[Mapping[str, Any]] = []
    for message in given:
        if not isinstance(message, Mapping):
            raise _no_messages(key, where)
        if isinstance(message.get("from"), str):
            message = _of_share_gpt(message, where)
        elif not isinstance(message.get("role"), str):
            raise _no_messages(key, where, near_key(message, ("role", "from")))
        elif "content" not in message:
            _refuse_misspelt(message, ("content", "tool_calls"), where)
        messages.append(message)
    return messages


def _no_messages(key: str, where: str, near: tuple[str, str] | None = None) -> InputError:
    hint = f"did you mean `{near[1]}` by `{near[0]}`?" if near else "use OpenAI's format of messages"
    return InputError(f"`{key}` must be a list of objects with a `role`, or with `from` and `value`", where=where, hint=hint)


def _of_share_gpt(message: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    said = message["from"].casefold()
    if said not in _ROLES:
        near = difflib.get_close_matches(said, _ROLES, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(_ROLES)}"
        raise InputError(f"a message from `{message['from'][:60]}`", where=where, hint=hint)
    if not isinstance(message.get("value"), str):
        near = near_key(message, ("value",))
        hint = f"did you mean `{near[1]}` by `{near[0]}`?" if near else "write what was said as a JSON string"
        raise InputError("a message without a text in `value`", where=where, hint=hint)
    return {"role": _ROLES[said], "content": message["value"]}


def _spoken_in_messages(messages: list[Mapping[str, Any]]) -> tuple[str, str, Turns]:
    last = messages[-1]
    question = next((_content(message) for message in reversed(messages) if message["role"] == "user"), "")
    if last["role"] != "assistant" or last.get("tool_calls"):
        return question, "", messages
    if len(messages) == 2 and messages[0]["role"] == "user":
        return question, _content(last), ()
    return question, _content(last), messages[:-1]


def _content(message: Mapping[str, Any]) -> str:
    """The text of a message, of its parts that are texts where it has parts."""
    content = message.get("content")
    if isinstance(content, list):
        content = "\n".join(part["text"] for part in content if isinstance(part, Mapping) and isinstance(part.get("text"), str))
    return content if isinstance(content, str) else ""
