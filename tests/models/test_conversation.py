"""The messages before a record's answer."""

from seodang.core.records import Record
from seodang.models.chat_model import Message
from seodang.models.conversation import conversation


def test_a_question_alone_is_one_message_of_the_user() -> None:
    assert conversation(Record("know", "Why?", "So.", (), "en")) == [Message("user", "Why?")]


def test_turns_stand_as_they_are_and_calls_as_our_students_write_them() -> None:
    call = {"id": "call_0", "type": "function", "function": {"name": "check", "arguments": '{"line": "010", "deep": true}'}}
    turns = (
        {"role": "system", "content": "Help."},
        {"role": "user", "content": "No signal."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_0", "content": "down"},
    )
    told = conversation(Record("trajectory", "No signal.", "It is down.", (), "en", turns=turns))
    assert [message.role for message in told] == ["system", "user", "assistant", "tool"]
    assert told[2].content == '[check(line="010", deep=True)]'
