"""Requests that fail: which are tried again, after how long, and what is told in the end."""

import socket
from typing import Any

import pytest

from endpoints.axk1 import Axk1
from endpoints.fast_time import FastTime
from seodang.core.errors import EndpointError
from seodang.models.openai_http import OpenAIHTTPTeacher
from seodang.models.remote.client import EndpointClient, usage_of

CHAT = "/v1/chat/completions"


def ask(section: OpenAIHTTPTeacher, fast: FastTime, **body: Any) -> dict[str, Any]:
    client = EndpointClient(section, fast.clock)
    try:
        whole: dict[str, Any] = {"model": section.model, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 64, **body}
        return client.ask(client.address.api("/chat/completions"), whole, lambda value: value, prompt="hi", max_new_tokens=64)
    finally:
        client.close()


def failure(section: OpenAIHTTPTeacher, fast: FastTime, **body: Any) -> str:
    """What the user reads; every error names the place and a next step."""
    with pytest.raises(EndpointError) as caught:
        ask(section, fast, **body)
    text = caught.value.render()
    assert section.url.split("/")[2] in text
    assert "hint: " in text
    return text


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime, status: int) -> None:
    axk1.behaviour.refusals = [(status, {}), (status, {})]
    assert usage_of(ask(section, fast))
    assert len(axk1.asked(CHAT)) == 3
    assert 0.25 <= fast.waits[0] <= 0.5 <= fast.waits[1] <= 1.0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 301])
def test_what_will_not_pass_is_not(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime, status: int) -> None:
    axk1.behaviour.refusals = [(status, {"Location": "http://elsewhere.example/"} if status == 301 else {})]
    assert f"HTTP {status}: the engine is overloaded" in failure(section, fast)
    assert len(axk1.asked(CHAT)) == 1


def test_the_wait_that_the_server_asks_for_is_kept(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    axk1.behaviour.refusals = [(429, {"Retry-After": "17"})]
    ask(section, fast)
    assert sum(fast.waits) == 17.0


def test_nobody_waits_an_hour(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    axk1.behaviour.refusals = [(429, {"Retry-After": "3600"})]
    text = failure(section, fast)
    assert "3,600 s" in text
    assert "60 minutes" in text
    assert fast.waits == []


def test_tries_come_to_an_end(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    axk1.behaviour.refusals = [(503, {})] * 9
    assert "(3 tries)" in failure(section, fast)
    assert len(axk1.asked(CHAT)) == 3


def test_waits_grow_to_a_bound(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    axk1.behaviour.refusals = [(503, {})] * 12
    ask(section.model_copy(update={"retries": 12}), fast)
    assert max(fast.waits) <= 60.0
    assert fast.waits[-1] > 25.0


def test_nothing_answers(fast: FastTime) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        section = OpenAIHTTPTeacher(url=f"http://127.0.0.1:{taken.getsockname()[1]}", model="m", retries=1)
        assert "connection refused" in failure(section, fast)
    assert len(fast.waits) == 1


def test_an_answer_that_takes_too_long(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    axk1.behaviour.delay_s = 0.3
    text = failure(section.model_copy(update={"timeout_s": 0.15, "retries": 0}), fast)
    assert "no whole answer within 0.15 s" in text
    assert "teacher.timeout_s" in text


def test_a_connection_that_breaks_in_the_middle(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    axk1.behaviour.dies_after = 0
    assert "broke in the middle of an answer (3 tries)" in failure(section, fast)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<html><body>Welcome to nginx</body></html>", "not JSON"),
        (b'{"choices": [', "not JSON"),
        (b"", "empty"),
        (b"[1, 2]", "not a JSON object"),
        (b"[" * 100_000, "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"error": {"message": "no such route"}}', "no such route"),
    ],
)
def test_an_answer_that_makes_no_sense(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime, body: bytes, told: str) -> None:
    axk1.behaviour.body = body
    text = failure(section, fast)
    assert told in text
    assert len(text) < 500


def test_the_servers_words_are_told(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    assert "maximum context length is 4096" in failure(section, fast, max_tokens=5000)
    assert "The model `other` does not exist" in failure(section, fast, model="other")
    assert len(axk1.asked(CHAT)) == 2


def test_requests_begin_no_faster_than_the_rate_allows(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    """Further tries count too."""
    axk1.behaviour.refusals = [(500, {})]
    start = fast.now_s
    ask(section.model_copy(update={"requests_per_minute": 6}), fast)
    assert fast.now_s - start == pytest.approx(10.0)


def test_lost_answers_count_as_used(axk1: Axk1, section: OpenAIHTTPTeacher, fast: FastTime) -> None:
    """A server that breaks off may have charged for its work; one that refuses has not."""
    axk1.behaviour.dies_after = 0
    client = EndpointClient(section.model_copy(update={"retries": 0}), fast.clock)
    for _ in range(2):
        with pytest.raises(EndpointError):
            client.ask(client.address.api("/chat/completions"), {"model": section.model}, lambda value: value, prompt=10, max_new_tokens=64)
        axk1.behaviour.dies_after, axk1.behaviour.refusals = None, [(400, {})]
    client.close()
    assert (client.used.num_tokens, client.used.num_unreported, client.used.num_answers) == (74, 1, 0)
