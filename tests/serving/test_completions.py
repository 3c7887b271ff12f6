"""Raw completions through the official client: given tokens are scored as transformers scores them, and lists stay in step."""

from typing import Any

import pytest
import torch
from openai import BadRequestError, OpenAI

from seodang.models.chat_model import Sampling
from seodang.models.local import LocalModel
from seodang.models.openai_http import OpenAIHTTPTeacher
from seodang.models.remote.opening import open_remote

TEXTS = ["The customer can make calls", "고객의 회선이 정지되면 🙂", "If airplane mode is on, turn it off.\n\n  Then"]


def ask(client: OpenAI, prompt: Any, **options: Any) -> Any:
    body: dict[str, Any] = {"model": "tiny", "prompt": prompt, "max_tokens": 8, "temperature": 0, **options}
    return client.completions.create(**body)


def expected_logprobs(model: LocalModel, ids: list[int]) -> torch.Tensor:
    """Row t is the distribution of token t + 1, by transformers' own forward pass."""
    with torch.inference_mode():
        return torch.log_softmax(model.model(torch.tensor([ids])).logits[0].float(), -1)


@pytest.mark.parametrize("text", TEXTS)
def test_a_continuation_is_that_of_the_model_itself(client: OpenAI, model: LocalModel, text: str) -> None:
    expected = model.complete([text], Sampling(max_new_tokens=8))[0][0].text
    assert ask(client, text).choices[0].text == expected
    assert ask(client, model.encode_text(text)).choices[0].text == expected
    assert "".join(chunk.choices[0].text for chunk in ask(client, text, stream=True)) == expected
    assert ask(client, text, echo=True).choices[0].text == text + expected


def test_without_a_limit_sixteen_tokens_come(client: OpenAI, model: LocalModel) -> None:
    expected = model.complete([TEXTS[0]], Sampling(max_new_tokens=16))[0][0]
    answer = client.completions.create(model="tiny", prompt=TEXTS[0])
    assert answer.choices[0].text == expected.text
    assert answer.usage
    assert answer.usage.completion_tokens == expected.num_new_tokens


@pytest.mark.parametrize("max_tokens", [0, 1, 5])
@pytest.mark.parametrize("text", TEXTS)
def test_echoed_log_probabilities_agree_with_transformers(client: OpenAI, model: LocalModel, text: str, max_tokens: int) -> None:
    ids = model.encode_text(text)
    choice = ask(client, ids, echo=True, logprobs=3, max_tokens=max_tokens, extra_body={"return_tokens_as_token_ids": True}).choices[0]
    found = choice.logprobs
    got = [int(name.removeprefix("token_id:")) for name in found.tokens]
    assert got[: len(ids)] == ids
    assert len(got) == len(ids) + max_tokens
    assert len(found.tokens) == len(found.token_logprobs) == len(found.top_logprobs) == len(found.text_offset)
    assert found.token_logprobs[0] is None
    assert found.top_logprobs[0] is None
    expected_TV = expected_logprobs(model, got)
    for place in range(1, len(got)):
        expected_V = expected_TV[place - 1]
        assert found.token_logprobs[place] == pytest.approx(float(expected_V[got[place]]), abs=1e-3)
        best = {f"token_id:{i}" for i in expected_V.topk(3).indices.tolist()}
        assert set(found.top_logprobs[place]) == best | {found.tokens[place]}
        if place >= len(ids):
            assert got[place] == int(expected_V.argmax())
    assert choice.text.startswith(text)


@pytest.mark.parametrize("text", TEXTS)
def test_offsets_say_where_each_token_begins(client: OpenAI, model: LocalModel, text: str) -> None:
    choice = ask(client, text, echo=True, logprobs=0, max_tokens=6).choices[0]
    ids = model.encode_text(text)
    for place, (token, offset) in enumerate(zip(choice.logprobs.tokens, choice.logprobs.text_offset, strict=True)):
        if "\ufffd" not in token:
            assert choice.text[offset : offset + len(token)] == token
        if place < len(ids):
            whole = model.tokenizer.decode(ids[:place]).rstrip("\ufffd")
            assert offset == len(whole)


def test_scoring_and_decoding_in_one_pass_gives_what_two_passes_give(client: OpenAI, model: LocalModel) -> None:
    one = ask(client, TEXTS[0], echo=True, logprobs=2, max_tokens=1)
    two = ask(client, TEXTS[0], echo=True, logprobs=2, max_tokens=2)
    count = len(model.encode_text(TEXTS[0])) + 1
    assert one.choices[0].logprobs.tokens == two.choices[0].logprobs.tokens[:count]
    assert one.choices[0].logprobs.text_offset == two.choices[0].logprobs.text_offset[:count]
    for a, b in zip(one.choices[0].logprobs.token_logprobs[1:], two.choices[0].logprobs.token_logprobs[1:], strict=False):
        assert a == pytest.approx(b, abs=1e-4)
    assert one.choices[0].finish_reason == "length"
    assert one.usage.completion_tokens == 1


def test_one_token_that_ends_the_answer_is_listed_but_is_no_text(
    client: OpenAI, model: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """lm-eval drops the last listed token, so that a missing one would cost the last token of the continuation."""
    ids = model.encode_text(TEXTS[0])
    first = int(expected_logprobs(model, ids)[-1].argmax())
    monkeypatch.setattr(model, "stop_ids", frozenset([first]))
    for options in ({"temperature": 0}, {"temperature": 1e-9}):
        choice = ask(client, ids, echo=True, logprobs=1, max_tokens=1, **options).choices[0]
        assert choice.text == TEXTS[0]
        assert choice.finish_reason == "stop"
        assert len(choice.logprobs.token_logprobs) == len(ids) + 1
        assert choice.logprobs.token_logprobs[-1] == max(choice.logprobs.top_logprobs[-1].values())


def test_many_prompts_and_samples_come_in_order(client: OpenAI, model: LocalModel) -> None:
    for prompts in (TEXTS, [model.encode_text(text) for text in TEXTS]):
        alone = [ask(client, prompt, temperature=1, seed=5 + s).choices[0].text for prompt in prompts for s in range(2)]
        answer = ask(client, prompts, temperature=1, seed=5, n=2)
        assert [choice.text for choice in answer.choices] == alone
        assert [choice.index for choice in answer.choices] == list(range(6))
        assert answer.usage.prompt_tokens == sum(len(model.encode_text(text)) for text in TEXTS)
        texts = [""] * 6
        for chunk in ask(client, prompts, temperature=1, seed=5, n=2, stream=True):
            texts[chunk.choices[0].index] += chunk.choices[0].text
        assert texts == alone


def test_a_stream_carries_the_same_log_probabilities_and_usage(client: OpenAI) -> None:
    options: dict[str, Any] = {"echo": True, "logprobs": 2, "max_tokens": 4}
    whole = ask(client, TEXTS[0], **options)
    chunks = list(ask(client, TEXTS[0], **options, stream=True, stream_options={"include_usage": True}))
    for name in ("tokens", "token_logprobs", "top_logprobs", "text_offset"):
        joined = [value for chunk in chunks if chunk.choices for value in getattr(chunk.choices[0].logprobs, name)]
        assert joined == getattr(whole.choices[0].logprobs, name)
    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices) == whole.choices[0].text
    assert chunks[-1].usage == whole.usage


def test_no_token_at_all_can_be_asked_for(client: OpenAI) -> None:
    choice = ask(client, TEXTS[0], max_tokens=0).choices[0]
    assert (choice.text, choice.finish_reason) == ("", "length")
    single = ask(client, [5], max_tokens=0, echo=True, logprobs=1).choices[0]
    assert single.logprobs.token_logprobs == [None]


@pytest.mark.parametrize("prompt", [[5, 400], [-1], [[1], [10**6]], "", [""], [[]], [1.5], {"a": 1}, [True]])
def test_prompts_that_cannot_be_read_are_refused(client: OpenAI, prompt: Any) -> None:
    with pytest.raises(BadRequestError) as caught:
        ask(client, prompt)
    assert caught.value.param == "prompt"


def test_ids_are_those_of_the_model(client: OpenAI, model: LocalModel, address: str) -> None:
    def tokenize(body: dict[str, Any]) -> Any:
        return client.post(f"{address}/tokenize", body={"model": "tiny", **body}, cast_to=object)

    assert tokenize({"prompt": TEXTS[1]})["tokens"] == model.encode_text(TEXTS[1])
    found = tokenize({"messages": [{"role": "user", "content": "Hi"}], "return_token_strs": True})
    assert "".join(found["token_strs"]) == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    assert found["count"] == len(found["tokens"])
    assert found["max_model_len"] == 1024


def test_the_server_is_a_teacher_with_every_capability(model: LocalModel, address: str) -> None:
    """Our own remote client proves by its preflight that given tokens are scored, and gets targets that transformers agrees with."""
    remote: Any = open_remote(OpenAIHTTPTeacher(url=f"{address}/v1", model="tiny"), model.tokenizer)
    assert remote.preflight.scoring == "echo"
    assert remote.preflight.max_top_logprobs == 20
    assert remote.preflight.refused_top_logprobs == 50
    assert remote.preflight.tokenizer
    prompt, continuation = model.encode_text(TEXTS[0]), model.encode_text(TEXTS[2])
    targets = remote.score([prompt], [continuation], 4)[0]
    expected_TV = expected_logprobs(model, [*prompt, *continuation])[len(prompt) - 1 : -1]
    best = expected_TV.topk(4)
    assert targets.top_ids == best.indices.tolist()
    assert targets.logprobs == pytest.approx([float(row[i]) for row, i in zip(expected_TV, continuation, strict=True)], abs=1e-4)
    assert torch.allclose(torch.tensor(targets.top_logprobs), best.values, atol=1e-4)
