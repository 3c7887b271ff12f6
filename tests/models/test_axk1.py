"""The test endpoint speaks the protocol: the official client understands it."""

from collections.abc import Iterator

import openai
import pytest

from endpoints.axk1 import MODEL, Axk1, application, serving


@pytest.fixture(scope="module")
def client() -> Iterator[openai.OpenAI]:
    with serving(application(Axk1())) as url, openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client:
        yield client


def test_models_are_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [MODEL]


def test_a_chat_with_thinking(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "hi"}],
        temperature=0,
        logprobs=True,
        top_logprobs=3,
        extra_body={"chat_template_kwargs": {"enable_thinking": True}},
    )
    choice = answer.choices[0]
    assert choice.message.content == "answer to: hi"
    assert choice.message.model_extra is not None
    assert choice.message.model_extra["reasoning_content"] == "they ask: hi"
    assert answer.usage is not None
    assert choice.logprobs is not None
    assert choice.logprobs.content is not None
    assert len(choice.logprobs.content) == answer.usage.completion_tokens
    assert len(choice.logprobs.content[0].top_logprobs) == 3


def test_echo_with_log_probabilities(client: openai.OpenAI) -> None:
    answer = client.completions.create(model=MODEL, prompt=[40, 41, 42], max_tokens=1, echo=True, logprobs=2)
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.token_logprobs is not None
    assert len(logprobs.token_logprobs) == 4
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 3


def test_more_than_max_logprobs_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="greater than max allowed: 20"):
        client.completions.create(model=MODEL, prompt="hi", logprobs=21)
    with pytest.raises(openai.BadRequestError, match="greater than max allowed: 20"):
        client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "hi"}], logprobs=True, top_logprobs=21)
