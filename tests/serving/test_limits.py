"""What is refused, with which status, and that nothing hostile gets further than a clear error object."""

import http.client
import json
import logging
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import AuthenticationError, BadRequestError, OpenAI
from pydantic import ValidationError

from seodang.core.errors import InputError, RecipeError
from seodang.serving.limits import is_loopback, read_key
from seodang.serving.section import ServeSection

CHAT = {"model": "tiny", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2}
KEY = "canary-7d1f"


def post(address: str, body: Any, path: str = "/v1/chat/completions", **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.post(address + path, content=content, headers={"Content-Type": "application/json", **headers}, timeout=30)


def check_refusal(response: httpx.Response, status: int, *, param: str | None = None) -> str:
    """The message of a refusal that has the form of the protocol."""
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["param"] == param
    assert "Traceback" not in response.text
    assert ".py" not in response.text
    return error["message"]


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": 2.5}, "temperature"),
        ({"temperature": "1"}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"temperature": [1]}, "temperature"),
        ({"top_p": 1.5}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_tokens": 1025}, "max_tokens"),
        ({"max_tokens": 10**30}, "max_tokens"),
        ({"n": 0}, "n"),
        ({"n": 65}, "n"),
        ({"seed": 2**64}, "seed"),
        ({"seed": "x"}, "seed"),
        ({"stop": ""}, "stop"),
        ({"stop": ["a"] * 17}, "stop"),
        ({"stop": ["a" * 201]}, "stop"),
        ({"stop": 3}, "stop"),
        ({"stop": {"a": "b"}}, "stop"),
        ({"stream": "yes"}, "stream"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"logprobs": 5}, "logprobs"),
        ({"messages": []}, "messages"),
        ({"messages": "Hi"}, "messages"),
        ({"messages": [None]}, "messages.0"),
        ({"messages": [{"role": "root", "content": "Hi"}]}, "messages.0.role"),
        ({"messages": [{"role": "user"}]}, "messages.0"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": "Hi " * 2000}]}, "messages"),
        ({"tools": [{"type": "code"}]}, "tools.0.type"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"chat_template_kwargs": {"enable_thinking": True}}, "chat_template_kwargs"),
        ({"presence_penalty": 0.5}, "presence_penalty"),
        ({"logit_bias": {"5": 10}}, "logit_bias"),
        ({"model": 5}, "model"),
        ({"max_completion_tokens": 3}, None),
        ({"top_logprobs": 2}, None),
        ({"stream_options": {"include_usage": True}}, None),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(address: str, change: dict[str, Any], param: str | None) -> None:
    check_refusal(post(address, {**CHAT, **change}), 400, param=param)


@pytest.mark.parametrize(
    "change", [{"presence_penalty": 0}, {"logit_bias": {}}, {"response_format": {"type": "text"}}, {"user": "u"}, {"stop": None}]
)
def test_a_value_that_asks_for_nothing_is_taken(address: str, change: dict[str, Any]) -> None:
    assert post(address, {**CHAT, **change}).status_code == 200


def test_an_unknown_field_is_refused_with_the_nearest_one(address: str) -> None:
    assert "did you mean `temperature`?" in check_refusal(post(address, {**CHAT, "temprature": 1}), 400, param="temprature")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nothing",
        b"[]",
        b'"text"',
        b"null",
        b'{"temperature": NaN}',
        b'{"temperature": Infinity}',
        b'{"messages": "\\ud800"}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"messages": ' + b"9" * 5_000 + b"}",
    ],
)
def test_a_body_that_is_no_json_object_is_refused(address: str, body: bytes) -> None:
    check_refusal(post(address, body), 400)


def test_an_infinite_number_is_refused(address: str) -> None:
    body = json.dumps(CHAT).replace("2}", "2, " + '"temperature": 1e999}').encode()
    check_refusal(post(address, body), 400, param="temperature")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)
FIELDS = ["messages", "prompt", "temperature", "stop", "tools", "n", "logprobs", "stream_options", "model", "logit_bias", "max_tokens", "x"]


@settings(deadline=None, max_examples=60)
@given(path=st.sampled_from(["/v1/chat/completions", "/v1/completions", "/tokenize"]), body=st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_any_json_gets_an_answer_or_a_named_refusal(address: str, path: str, body: dict[str, Any]) -> None:
    response = post(address, {"model": "tiny", "max_tokens": 1, **body}, path)
    if response.status_code != 200:
        assert response.status_code in (400, 404)
        assert response.json()["error"]["message"]


def test_a_body_over_the_limit_is_refused_before_it_is_read(serve: Any) -> None:
    address = serve(max_body_bytes=2000)
    check_refusal(post(address, {**CHAT, "user": "x" * 3000}), 413)
    url = urlsplit(address)
    with socket.create_connection((url.hostname, url.port), timeout=10) as line:
        line.sendall(
            b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9000000000\r\n\r\n"
        )
        assert line.recv(100).startswith(b"HTTP/1.1 413")


def test_a_body_in_parts_of_unknown_number_is_limited_too(serve: Any) -> None:
    def parts() -> Any:
        yield from (b"x" * 500 for _ in range(10))

    headers = {"Content-Type": "application/json"}
    check_refusal(httpx.post(serve(max_body_bytes=2000) + "/v1/completions", content=parts(), headers=headers), 413)


def test_a_body_that_does_not_arrive_is_given_up(serve: Any) -> None:
    url = urlsplit(serve(request_timeout_s=0.3))
    line = http.client.HTTPConnection(url.hostname or "", url.port, timeout=10)
    line.putrequest("POST", "/v1/completions")
    line.putheader("Content-Type", "application/json")
    line.putheader("Content-Length", "50")
    line.endheaders()
    line.send(b"{")
    assert line.getresponse().status == 408
    line.close()


def test_only_json_is_taken_so_that_no_page_elsewhere_can_post(address: str) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        response = httpx.post(f"{address}/v1/chat/completions", content=json.dumps(CHAT), headers={"Content-Type": kind})
        check_refusal(response, 415)
    response = httpx.options(
        f"{address}/v1/chat/completions", headers={"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
    )
    assert not [name for name in response.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize(
    "host",
    ["example.org", "example.org:8000", "127.0.0.1.example.org", "192.168.0.1", "localhost.example.org:80", "[fe80::1]", "a@localhost"],
)
def test_another_host_name_is_refused(address: str, host: str) -> None:
    for path in ("/", "/healthz", "/v1/models", "/page/chat.js"):
        check_refusal(httpx.get(address + path, headers={"Host": host}), 400)


@pytest.mark.parametrize("host", ["localhost", "localhost:1234", "127.0.0.1", "[::1]:80", "[::1]"])
def test_names_of_this_machine_are_accepted(address: str, host: str) -> None:
    assert httpx.get(f"{address}/healthz", headers={"Host": host}).json() == {"status": "ok"}


def test_unknown_addresses_and_methods_get_error_objects(address: str) -> None:
    check_refusal(httpx.get(f"{address}/v1/embeddings"), 404)
    check_refusal(httpx.get(f"{address}/page/..%2fapi.py"), 404)
    check_refusal(httpx.get(f"{address}/docs"), 404)
    check_refusal(httpx.get(f"{address}/openapi.json"), 404)
    check_refusal(httpx.get(f"{address}/v1/chat/completions"), 405)


def test_the_limit_of_log_probabilities_is_a_knob(serve: Any) -> None:
    with OpenAI(base_url=serve(max_logprobs=2) + "/v1", api_key="none", max_retries=0) as client:
        assert client.completions.create(model="tiny", prompt="a", max_tokens=1, logprobs=2).choices
        with pytest.raises(BadRequestError, match="up to 2"):
            client.completions.create(model="tiny", prompt="a", max_tokens=1, logprobs=3)


def test_more_log_probabilities_than_tokens_give_all_tokens(serve: Any) -> None:
    body = {"model": "tiny", "prompt": "a b", "max_tokens": 1, "logprobs": 1000, "echo": True, "return_tokens_as_token_ids": True}
    rows = post(serve(max_logprobs=1000), body, "/v1/completions").json()["choices"][0]["logprobs"]["top_logprobs"]
    assert [len(row) for row in rows[1:]] == [400] * (len(rows) - 1)


def test_prompts_and_answers_are_limited_in_tokens(serve: Any) -> None:
    address = serve(max_prompt_tokens=20, max_new_tokens=4)
    completion: dict[str, Any] = {"model": "tiny", "prompt": [5] * 20, "max_tokens": 4}
    assert post(address, completion, "/v1/completions").status_code == 200
    assert "up to 20" in check_refusal(post(address, {**completion, "prompt": [5] * 21}, "/v1/completions"), 400, param="prompt")
    assert "up to 4" in check_refusal(post(address, {**completion, "max_tokens": 5}, "/v1/completions"), 400, param="max_tokens")
    asked = {**CHAT, "max_tokens": None, "messages": [{"role": "user", "content": "a"}]}
    assert post(address, asked).json()["usage"]["completion_tokens"] <= 4


def test_prompt_and_answer_fit_into_the_context(address: str) -> None:
    body: dict[str, Any] = {"model": "tiny", "prompt": [5] * 1000, "max_tokens": 25}
    assert "context of 1024" in check_refusal(post(address, body, "/v1/completions"), 400, param="prompt")
    assert "context of 1024" in check_refusal(post(address, {**body, "stream": True}, "/v1/completions"), 400, param="prompt")


def test_a_request_that_takes_too_long_is_ended(serve: Any) -> None:
    address = serve(request_timeout_s=0.2)
    slow = {**CHAT, "max_tokens": 900, "n": 10}
    response = post(address, slow)
    assert "0.2 s" in check_refusal(response, 503)
    assert response.headers["x-should-retry"] == "false"
    events = post(address, {**slow, "stream": True}).text.strip().split("\n\n")
    assert json.loads(events[-1].removeprefix("data: "))["error"]["code"] == "timeout"


def test_without_the_key_only_the_page_and_the_health_are_served(
    serve: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SEODANG_TEST_KEY", KEY)
    with caplog.at_level(logging.DEBUG, "uvicorn"), caplog.at_level(logging.DEBUG, "seodang"):
        address = serve(api_key_env="SEODANG_TEST_KEY")
        for path in ("/", "/page/chat.js", "/healthz"):
            assert httpx.get(address + path).status_code == 200
        for header in (None, KEY, "Bearer", f"Basic {KEY}", f"Bearer {KEY}x", f"Bearer {KEY[:-1]}", "Bearer caf\u00e9"):
            headers: Any = {} if header is None else {"Authorization": header.encode()}
            for response in (
                httpx.get(f"{address}/v1/models", headers=headers),
                httpx.post(f"{address}/v1/chat/completions", headers=headers),
            ):
                check_refusal(response, 401)
                assert KEY not in response.text
        with OpenAI(base_url=f"{address}/v1", api_key=KEY, max_retries=0) as client:
            assert client.models.list().data
        with OpenAI(base_url=f"{address}/v1", api_key="wrong", max_retries=0) as client, pytest.raises(AuthenticationError):
            client.models.list()
    served = [record.getMessage() for record in caplog.records if record.name.startswith(("seodang", "uvicorn"))]
    assert not any(KEY in line for line in served)


def test_a_key_is_read_from_the_environment_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    monkeypatch.setenv("SEODANG_TEST_KEY", KEY)
    assert read_key(ServeSection(api_key_file=tmp_path / "key")) == KEY
    assert read_key(ServeSection(api_key_env="SEODANG_TEST_KEY", host="0.0.0.0")) == KEY
    assert read_key(ServeSection()) is None


@pytest.mark.parametrize("content", ["", "\n", "two words", "schl\u00fcssel"])
def test_a_key_that_is_not_there_is_an_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "key").write_text(content)
    with pytest.raises(InputError):
        read_key(ServeSection(api_key_file=tmp_path / "key"))
    with pytest.raises(InputError):
        read_key(ServeSection(api_key_file=tmp_path / "absent"))
    with pytest.raises(InputError, match="SEODANG_ABSENT"):
        read_key(ServeSection(api_key_env="SEODANG_ABSENT"))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.10", "example.org"])
def test_other_machines_are_let_in_with_a_key_only(host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(InputError, match="no key is set"):
        read_key(ServeSection(host=host))


def test_a_key_in_the_place_of_its_name_is_not_repeated() -> None:
    with pytest.raises(RecipeError) as caught:
        ServeSection(api_key_env="sk-secret")
    assert "sk-secret" not in caught.value.render()
    with pytest.raises(ValidationError, match="not both"):
        ServeSection(api_key_env="KEY", api_key_file=Path("key"))
