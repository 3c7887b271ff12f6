"""Chats through the official client: the same answers however they are asked for, and log-probabilities that transformers agrees with."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from openai import BadRequestError, NotFoundError, OpenAI

from seodang.models.chat_model import Message, Sampling
from seodang.models.local import LocalModel
from seodang.serving.chat import _num_certain

ASKED: list[Any] = [{"role": "user", "content": "What should the customer do next?"}]


def ask(client: OpenAI, **options: Any) -> Any:
    body: dict[str, Any] = {"model": "tiny", "messages": ASKED, "max_tokens": 12, **options}
    return client.chat.completions.create(**body)


def streamed(client: OpenAI, **options: Any) -> tuple[str, list[Any]]:
    """The text of choice 0, and all chunks."""
    chunks = list(ask(client, stream=True, **options))
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices and c.choices[0].index == 0), chunks


def test_a_greedy_answer_is_that_of_the_model_itself(client: OpenAI, model: LocalModel) -> None:
    expected = model.chat([[Message("user", ASKED[0]["content"])]], Sampling(max_new_tokens=12))[0][0]
    answer = ask(client)
    assert answer.choices[0].message.content == expected.text
    assert answer.choices[0].finish_reason == expected.finish_reason
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (expected.num_prompt_tokens, expected.num_new_tokens)
    assert answer.model == "tiny"


@pytest.mark.parametrize("options", [{}, {"temperature": 1.0, "seed": 3}, {"temperature": 0.7, "top_p": 0.5, "seed": 4}, {"stop": ["e"]}])
def test_a_streamed_answer_equals_a_whole_one(client: OpenAI, options: dict[str, Any]) -> None:
    whole = ask(client, **options)
    text, chunks = streamed(client, **options, stream_options={"include_usage": True})
    assert text == whole.choices[0].message.content
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == whole.choices[0].finish_reason
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].usage == whole.usage
    assert len({chunk.id for chunk in chunks}) == 1


def test_equal_seeds_give_equal_answers_and_other_seeds_others(client: OpenAI) -> None:
    texts = [ask(client, temperature=1.0, seed=seed).choices[0].message.content for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_several_answers_are_those_of_consecutive_seeds(client: OpenAI) -> None:
    several = ask(client, temperature=1.0, seed=7, n=3)
    alone = [ask(client, temperature=1.0, seed=7 + i).choices[0].message.content for i in range(3)]
    assert [choice.message.content for choice in several.choices] == alone
    assert [choice.index for choice in several.choices] == [0, 1, 2]
    text, chunks = streamed(client, temperature=1.0, seed=7, n=3)
    assert text == alone[0]
    assert {c.choices[0].index for c in chunks} == {0, 1, 2}


@pytest.mark.parametrize(
    ("script", "reasoning", "answer"),
    [
        ("<think>\nThe lamp </t is lit.\n</think>\n\nYes.", "The lamp </t is lit.", "Yes."),
        ("Yes, at once.", "", "Yes, at once."),
        ("<think>\nCut while", "Cut while", ""),
    ],
)
def test_a_thinking_student_gives_its_reasoning_apart(
    client: OpenAI, thinking: Any, monkeypatch: pytest.MonkeyPatch, script: str, reasoning: str, answer: str
) -> None:
    monkeypatch.setattr(thinking, "script", script)
    message = ask(client, model="thinking", max_tokens=64).choices[0].message
    assert (getattr(message, "reasoning_content", ""), message.content) == (reasoning, answer)
    text, chunks = streamed(client, model="thinking", max_tokens=64)
    assert text == answer
    assert "".join(getattr(c.choices[0].delta, "reasoning_content", "") for c in chunks if c.choices) == reasoning


def test_a_model_that_is_not_told_to_think_says_what_it_says(client: OpenAI, scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripted, "script", "<think>hm</think>yes")
    assert ask(client, model="scripted", max_tokens=64).choices[0].message.content == "<think>hm</think>yes"


def test_a_stop_text_ends_the_answer_before_it(client: OpenAI) -> None:
    full = ask(client, max_tokens=40).choices[0].message.content
    stop = full[10:13]
    cut = ask(client, max_tokens=40, stop=stop).choices[0]
    assert cut.message.content == full[: full.index(stop)]
    assert cut.finish_reason == "stop"


def test_log_probabilities_agree_with_transformers(client: OpenAI, model: LocalModel) -> None:
    answer = ask(client, logprobs=True, top_logprobs=5, max_completion_tokens=12, max_tokens=None)
    rows = answer.choices[0].logprobs.content
    assert "".join(row.token for row in rows) == answer.choices[0].message.content
    ids = model.encode_chat([Message("user", ASKED[0]["content"])])
    with torch.inference_mode():
        for row in rows:
            expected_V = torch.log_softmax(model.model(torch.tensor([ids])).logits[0, -1].float(), -1)
            best = expected_V.topk(5)
            assert [top.logprob for top in row.top_logprobs] == pytest.approx(best.values.tolist(), abs=1e-3)
            assert row.logprob == pytest.approx(float(expected_V.max()), abs=1e-3)
            assert row.top_logprobs[0].token == row.token
            assert row.bytes is None or bytes(row.bytes).decode() == row.token
            ids.append(int(expected_V.argmax()))
    _, chunks = streamed(client, logprobs=True, top_logprobs=5)
    assert [r for c in chunks if c.choices and c.choices[0].logprobs for r in c.choices[0].logprobs.content] == rows


def test_concurrent_clients_get_the_same_answers_as_alone(client: OpenAI) -> None:
    questions = [[{"role": "user", "content": f"Question {i}: is the line active?"}] for i in range(8)]

    def one(i: int) -> str:
        options: dict[str, Any] = {"messages": questions[i], "max_tokens": 24, "temperature": 0.8 * (i % 2), "seed": i}
        return streamed(client, **options)[0] if i % 3 else ask(client, **options).choices[0].message.content

    alone = [one(i) for i in range(8)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(one, range(8))) == alone
    assert len(set(alone)) > 1


def test_parts_developer_messages_and_earlier_tool_calls_are_read(client: OpenAI, model: LocalModel) -> None:
    call = {"id": "call_0", "type": "function", "function": {"name": "reset", "arguments": '{"hard": true}'}}
    messages: list[Any] = [
        {"role": "developer", "content": "Be short."},
        {"role": "user", "content": [{"type": "text", "text": "Reset "}, {"type": "text", "text": "it."}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_0", "content": "done"},
    ]
    same = [
        Message("system", "Be short."),
        Message("user", "Reset it."),
        Message("assistant", "[reset(hard=True)]"),
        Message("tool", "done"),
    ]
    assert ask(client, messages=messages).choices[0].message.content == model.chat([same], Sampling(max_new_tokens=12))[0][0].text


def tools(*names: str) -> list[Any]:
    return [{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in names]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("script", "options", "said"),
    [
        ("[reset()]", {"tools": tools("reset")}, ""),
        (' [grant(app="messaging", permission="storage")]\n', {"tools": tools("grant", "other")}, ""),
        ("As in [1], it helps to reset. \n[reset()]", {"tools": tools("reset")}, "As in [1], it helps to reset."),
        ("word " * 170 + "[reset(values=[1, [2]])]", {"tools": tools("reset")}, ("word " * 170).rstrip()),
        ("[reset()]", {}, None),
        ("[reset()]", {"tools": tools("another")}, None),
        ("[reset()]", {"tools": tools("reset"), "tool_choice": "none"}, None),
        ("[1] is a footnote, not a call ", {"tools": tools("reset")}, None),
        ("[reset()] is what I would do.", {"tools": tools("reset")}, None),
        ("[]", {"tools": tools("reset")}, None),
        ("[" * 900, {"tools": tools("reset")}, None),
    ],
)
def test_an_answer_is_a_tool_call_only_where_it_ends_with_one_that_was_offered(
    client: OpenAI, scripted: Any, script: str, options: dict[str, Any], said: str | None, stream: bool
) -> None:
    scripted.script = script
    called = said is not None
    options = {"model": "scripted", "max_tokens": 1000, **options}
    if stream:
        content, chunks = streamed(client, **options)
        calls = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or ()]
        reason = chunks[-1].choices[0].finish_reason
    else:
        choice = ask(client, **options).choices[0]
        content, calls, reason = choice.message.content or "", choice.message.tool_calls or [], choice.finish_reason
    assert reason == ("tool_calls" if called else "stop")
    assert content == (said if called else script)
    if called:
        assert [call.function.name for call in calls] == [options["tools"][0]["function"]["name"]]
        values = {"grant": '{"app": "messaging", "permission": "storage"}', "values": '{"values": [1, [2]]}'}
        assert calls[0].function.arguments == next((text for name, text in values.items() if name in script), "{}")
        assert calls[0].id
    else:
        assert not calls


def test_plain_text_is_streamed_at_once_though_tools_are_offered(client: OpenAI, scripted: Any) -> None:
    scripted.script = "The line is active."
    _, chunks = streamed(client, model="scripted", tools=tools("reset"), max_tokens=100)
    assert len([c for c in chunks if c.choices[0].delta.content]) == len(scripted.script.replace(" ", ""))


def test_a_bracket_holds_text_back_no_longer_than_a_call_can_be() -> None:
    for text, certain in (("", 0), ("a b ", 3), ("a [", 1), ("a [1] b", 1), ("[" + "x" * 1999, 0), ("[" + "x" * 2000, 2001)):
        assert _num_certain(text) == certain


def test_the_end_token_is_counted_nowhere(client: OpenAI, scripted: Any) -> None:
    scripted.script = "ok"
    assert ask(client, model="scripted").usage.completion_tokens == 2


def test_an_unknown_model_is_not_found_and_the_known_ones_are_named(client: OpenAI) -> None:
    with pytest.raises(NotFoundError, match="`tiny`, `scripted`"):
        ask(client, model="gpt-9")
    with pytest.raises(BadRequestError, match="`tiny`, `scripted`"):
        client.post("/chat/completions", body={"messages": ASKED}, cast_to=object)


def test_the_models_are_listed(client: OpenAI) -> None:
    assert [row.id for row in client.models.list()] == ["tiny", "scripted", "thinking"]
    row = client.models.retrieve("tiny")
    assert row.model_dump()["synthetic"] is True
    assert row.model_dump()["max_model_len"] == 1024
    with pytest.raises(NotFoundError):
        client.models.retrieve("other")
